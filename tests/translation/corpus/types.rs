//! Signatures: generics, `impl Trait`, `dyn`, const generics, lifetimes, traits, `self` in its forms, items in functions.
use amp_runtime::prelude::amp;
use std::borrow::Borrow;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::{Add, Index};
use std::rc::Rc;
use tch::nn::{self, Module, ModuleT};
use tch::{Kind, TchError, Tensor};

#[amp]
pub fn borrowed<T: Borrow<Tensor>>(xs: T, w: &Tensor) -> Tensor {
    let xs = xs.borrow();
    xs.matmul(w).softmax(-1, Kind::Float)
}

#[amp]
pub fn referenced<T>(xs: &T, w: impl AsRef<Tensor>) -> Tensor
where
    T: AsRef<Tensor> + ?Sized,
{
    xs.as_ref().matmul(w.as_ref()).exp()
}

pub struct Wrapped(pub Tensor);

impl AsRef<Tensor> for Wrapped {
    fn as_ref(&self) -> &Tensor {
        &self.0
    }
}

#[amp]
pub fn any_module<M: Module>(model: &M, xs: &Tensor) -> Tensor {
    xs.apply(model) + model.forward(&xs.exp())
}

#[amp]
pub fn impl_modules(first: impl Module, second: &impl ModuleT, xs: &Tensor) -> Tensor {
    first.forward(xs).apply_t(second, false) + second.forward_t(xs, false)
}

#[amp]
pub fn dyn_modules(models: &[Box<dyn Module>], last: &dyn Module, xs: &Tensor) -> Tensor {
    let h = models.iter().fold(xs.shallow_clone(), |h, model| model.forward(&h));
    last.forward(&h.exp())
}

#[amp]
pub fn of_a_size<const N: usize>(xs: &[Tensor; N], w: &Tensor) -> [Tensor; N] {
    let mut sum = w.exp().sum(Kind::Float);
    for i in 0..N {
        sum = sum + xs[i].matmul(w).sum(Kind::Float);
    }
    std::array::from_fn(|i| xs[i].matmul(w) + &sum)
}

#[derive(Debug)]
pub struct Heads<const HEADS: i64> {
    pub w: Tensor,
}

impl<const HEADS: i64> Heads<HEADS> {
    const DIM: i64 = 4 / HEADS;

    #[amp]
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let rows = xs.size()[0];
        let split = |t: Tensor| t.view((rows, HEADS, Self::DIM)).transpose(0, 1);
        let [q, k, v] = [xs, &xs.exp(), &xs.relu()].map(|t| split(t.matmul(&self.w)));
        let scores = q.matmul(&k.transpose(-2, -1)) / (Self::DIM as f64).sqrt();
        scores.softmax(-1, Kind::Float).matmul(&v).transpose(0, 1).reshape([rows, HEADS * Self::DIM])
    }
}

pub trait Scored {
    const TEMPERATURE: f64;
    type Output;

    fn weight(&self) -> &Tensor;

    fn finish(&self, scores: Tensor) -> Self::Output;

    #[amp]
    fn score(&self, xs: &Tensor) -> Self::Output {
        let scores = xs.matmul(self.weight()) / Self::TEMPERATURE;
        self.finish(scores.log_softmax(-1, Kind::Float))
    }
}

impl Scored for Tensor {
    const TEMPERATURE: f64 = 2.;
    type Output = (Tensor, i64);

    fn weight(&self) -> &Tensor {
        self
    }

    #[amp]
    fn finish(&self, scores: Tensor) -> Self::Output {
        (scores.exp() + self.exp().sum(Kind::Float), scores.dim() as i64)
    }
}

#[derive(Debug)]
pub struct Mlp {
    pub first: nn::Linear,
    pub second: nn::Linear,
}

#[amp]
impl Mlp {
    pub fn new(vs: &nn::Path) -> Self {
        let layer = |name, from, to| nn::linear(vs / name, from, to, Default::default());
        Self { first: layer("first", 4, 8), second: layer("second", 8, 4) }
    }

    pub fn hidden(&self, xs: &Tensor) -> Tensor {
        xs.apply(&self.first).gelu("none")
    }
}

#[amp]
impl Module for Mlp {
    fn forward(&self, xs: &Tensor) -> Tensor {
        self.hidden(xs).apply(&self.second).softmax(-1, Kind::Float) + self.second.ws.exp().sum(Kind::Float)
    }
}

#[derive(Debug)]
pub struct Dropped<M>(pub M, pub f64);

#[amp]
impl<M> ModuleT for Dropped<M>
where
    M: Module,
{
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        xs.apply(&self.0).dropout(self.1, train)
    }
}

#[derive(Debug)]
pub struct Forms {
    pub w: Tensor,
    pub calls: i64,
}

#[amp]
impl Forms {
    pub fn by_value(self, xs: &Tensor) -> Tensor {
        xs.matmul(&self.w)
    }

    pub fn by_mutable_value(mut self, xs: &Tensor) -> Tensor {
        self.w = self.w.exp();
        xs.matmul(&self.w)
    }

    pub fn by_reference(&self, xs: &Tensor) -> Tensor {
        self.w.matmul(&xs.tr()).softmax(-1, Kind::Float)
    }

    pub fn by_mutable_reference(&mut self, xs: &Tensor) -> &Tensor {
        self.calls += 1;
        self.w = xs.matmul(&self.w);
        &self.w
    }

    pub fn by_box(self: Box<Self>, xs: &Tensor) -> Tensor {
        xs.matmul(&self.w) * self.calls
    }

    pub fn by_rc(self: Rc<Self>, xs: &Tensor) -> Tensor {
        xs.matmul(&self.w) + Rc::strong_count(&self) as i64
    }

    pub fn by_typed_reference(self: &Self, xs: &Tensor) -> Tensor {
        xs.matmul(&self.w.exp())
    }

    pub fn without(xs: &Tensor) -> Self {
        Self { w: xs.exp(), calls: 1 }
    }
}

pub struct View<'a> {
    pub xs: &'a Tensor,
    pub rest: Vec<&'a Tensor>,
}

impl<'a> View<'a> {
    #[amp]
    pub fn pick(&self, index: usize) -> (&'a Tensor, Tensor) {
        let picked = self.rest[index];
        (picked, self.xs.matmul(picked).exp())
    }
}

pub enum Activation<'a> {
    Relu,
    Gelu,
    Pow { by: f64 },
    Custom(fn(&Tensor) -> Tensor),
    Dynamic(Box<dyn Fn(&Tensor) -> Tensor + 'a>),
}

impl Activation<'_> {
    #[amp]
    pub fn apply(&self, xs: &Tensor) -> Tensor {
        match self {
            Self::Relu => xs.relu(),
            Self::Gelu => xs.gelu("none"),
            Activation::Pow { by } => xs.abs().pow_tensor_scalar(*by),
            Self::Custom(f) => f(xs),
            Self::Dynamic(f) => f(&xs.exp()),
        }
    }
}

#[amp]
pub fn activations(xs: &Tensor, w: &Tensor) -> Tensor {
    let all = [
        Activation::Relu,
        Activation::Gelu,
        Activation::Pow { by: 1.5 },
        Activation::Custom(|t| t.log1p()),
        Activation::Dynamic(Box::new(|t| t.matmul(w).exp())),
    ];
    all.iter().map(|a| a.apply(&xs.matmul(w).sigmoid()).sum(Kind::Float)).sum()
}

pub struct Walk<'a> {
    pub state: Tensor,
    pub w: &'a Tensor,
}

#[amp]
impl Iterator for Walk<'_> {
    type Item = Tensor;

    fn next(&mut self) -> Option<Self::Item> {
        self.state = self.state.matmul(self.w).tanh();
        Some(self.state.exp())
    }
}

#[amp]
pub fn walked(xs: &Tensor, w: &Tensor) -> Tensor {
    let walk = Walk { state: xs.shallow_clone(), w };
    let steps: Vec<Tensor> = walk.take(3).collect();
    Tensor::stack(&steps, 0).mean(Kind::Float) + Walk { state: w.exp(), w }.nth(1).unwrap()
}

pub struct Complex {
    pub re: Tensor,
    pub im: Tensor,
}

impl Add<&Complex> for Complex {
    type Output = Complex;

    #[amp]
    fn add(self, other: &Complex) -> Complex {
        Complex { re: self.re + &other.re, im: self.im.matmul(&other.im) }
    }
}

impl Index<usize> for Complex {
    type Output = Tensor;

    fn index(&self, index: usize) -> &Tensor {
        if index == 0 { &self.re } else { &self.im }
    }
}

#[amp]
pub fn own_operators(a: Complex, b: Complex) -> Tensor {
    let sum = a + &b;
    sum[0].matmul(&b[1]).exp() + sum[1].log1p()
}

#[amp]
pub fn higher_ranked<F>(xs: &Tensor, w: &Tensor, f: F) -> Tensor
where
    F: for<'t> Fn(&'t Tensor, &Tensor) -> Option<Tensor>,
{
    f(&xs.exp(), w).map(|t| t.softmax(-1, Kind::Float)).unwrap_or_else(|| xs.shallow_clone())
}

pub struct Typed<T, D = f32> {
    pub w: Tensor,
    pub marker: PhantomData<(T, D)>,
}

impl<T: Debug + Into<f64> + Copy> Typed<T> {
    #[amp]
    pub fn scaled(&self, xs: &Tensor, by: T) -> Tensor {
        let by: f64 = by.into();
        xs.matmul(&self.w) * by.exp()
    }
}

impl From<&Tensor> for Wrapped {
    #[amp]
    fn from(xs: &Tensor) -> Self {
        Self(xs.exp())
    }
}

impl TryFrom<Wrapped> for Complex {
    type Error = TchError;

    #[amp]
    fn try_from(xs: Wrapped) -> Result<Self, Self::Error> {
        Ok(Self { re: xs.0.f_matmul(&xs.0.f_tr()?)?, im: xs.0.f_exp()? })
    }
}

#[amp]
pub fn converted(xs: &Tensor) -> Result<Tensor, TchError> {
    let wrapped: Wrapped = xs.into();
    let complex = Complex::try_from(wrapped)?;
    Ok(complex.re.softmax(-1, Kind::Float).matmul(&complex.im))
}

#[amp]
pub fn items_inside(xs: &Tensor, w: &Tensor) -> Tensor {
    const SCALE: f64 = 2.0;
    use tch::Kind::Float as Wanted;
    struct Local<'a>(&'a Tensor);
    impl Local<'_> {
        fn product(&self, xs: &Tensor) -> Tensor {
            xs.matmul(self.0) / SCALE
        }
    }
    fn outside(xs: &Tensor) -> Tensor {
        xs.exp()
    }
    macro_rules! square {
        ($t:expr) => {
            $t.square()
        };
    }
    type Pair = (Tensor, Tensor);
    let (a, b): Pair = (Local(w).product(xs), outside(xs).log1p());
    let _ = square!(SCALE_SQUARED);
    a.softmax(-1, Wanted) + b.sum(Wanted)
}

const SCALE_SQUARED: Number = Number(4.);

#[derive(Clone, Copy)]
struct Number(f64);

impl Number {
    fn square(self) -> f64 {
        self.0 * self.0
    }
}
