//! One function twice: every bit of what it returns and of the gradients it gives, with and without `#[amp]`.
use amp_runtime::{Precision, with_precision};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use tch::{Device, Kind, Tensor, nn};

/// libtorch's generator is the process's: functions that draw from it take turns.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    static WATCHED: RefCell<Vec<Tensor>> = const { RefCell::new(Vec::new()) };
}

/// A smooth tensor of no pattern; the same for the same arguments.
pub fn data<const D: usize>(seed: i64, shape: [i64; D]) -> Tensor {
    let count: i64 = shape.iter().product();
    let ramp = Tensor::arange(count, (Kind::Double, Device::Cpu));
    ((ramp * 0.7311 + seed * 5).sin() * 0.9).to_kind(Kind::Float).view(&shape[..])
}

/// As [`data`], a leaf whose gradient is compared too.
pub fn leaf<const D: usize>(seed: i64, shape: [i64; D]) -> Tensor {
    let leaf = data(seed, shape).set_requires_grad(true);
    WATCHED.with_borrow_mut(|watched| watched.push(leaf.shallow_clone()));
    leaf
}

/// A model's variables: their gradients are compared too.
pub fn watch(vs: &nn::VarStore) {
    let mut named: Vec<_> = vs.variables().into_iter().collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    WATCHED.with_borrow_mut(|watched| watched.extend(named.into_iter().map(|(_, variable)| variable)));
}

/// What a function returns, taken apart.
#[derive(Debug)]
pub enum Part {
    Tensor(Tensor),
    Float(f64),
    Text(String),
}

pub trait Parts {
    fn parts(&self) -> Vec<Part>;
}

impl Parts for Tensor {
    fn parts(&self) -> Vec<Part> {
        vec![Part::Tensor(self.shallow_clone())]
    }
}

impl Parts for f64 {
    fn parts(&self) -> Vec<Part> {
        vec![Part::Float(*self)]
    }
}

macro_rules! as_text {
    ($($ty:ty),*) => {$(
        impl Parts for $ty {
            fn parts(&self) -> Vec<Part> {
                vec![Part::Text(format!("{self:?}"))]
            }
        }
    )*};
}
as_text!(i64, usize, bool, String, &'static str, Kind, (), Box<dyn std::error::Error>);

impl Parts for tch::TchError {
    /// The headline: the backtrace below it has addresses.
    fn parts(&self) -> Vec<Part> {
        let text = self.to_string();
        vec![Part::Text(text.lines().next().unwrap_or_default().to_owned())]
    }
}

macro_rules! behind {
    ($($ty:ty),*) => {$(
        impl<T: Parts + ?Sized> Parts for $ty {
            fn parts(&self) -> Vec<Part> {
                T::parts(self)
            }
        }
    )*};
}
behind!(&T, Box<T>, Rc<T>);

impl<T: Parts> Parts for Vec<T> {
    fn parts(&self) -> Vec<Part> {
        self.iter().flat_map(Parts::parts).collect()
    }
}

impl<T: Parts, const N: usize> Parts for [T; N] {
    fn parts(&self) -> Vec<Part> {
        self.iter().flat_map(Parts::parts).collect()
    }
}

impl<T: Parts> Parts for Option<T> {
    fn parts(&self) -> Vec<Part> {
        self.as_ref().map_or_else(|| vec![Part::Text("none".to_owned())], Parts::parts)
    }
}

impl<T: Parts, E: Parts> Parts for Result<T, E> {
    fn parts(&self) -> Vec<Part> {
        match self {
            Ok(value) => value.parts(),
            Err(error) => {
                [vec![Part::Text("error".to_owned())], error.parts()].into_iter().flatten().collect()
            }
        }
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Parts),*> Parts for ($($name,)*) {
            #[allow(non_snake_case)]
            fn parts(&self) -> Vec<Part> {
                let ($($name,)*) = self;
                [$($name.parts()),*].into_iter().flatten().collect()
            }
        }
    };
}
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);

/// What a run left behind: its result and the gradients of all that was watched.
struct Run {
    parts: Vec<Part>,
    gradients: Vec<Tensor>,
}

fn run<T: Parts>(f: impl FnOnce() -> T) -> Run {
    WATCHED.take();
    tch::manual_seed(17);
    let parts = f().parts();
    let losses = parts.iter().filter_map(|part| match part {
        Part::Tensor(tensor) if tensor.requires_grad() => Some(tensor.sum(Kind::Float)),
        _ => None,
    });
    if let Some(loss) = losses.reduce(|sum, loss| sum + loss) {
        loss.backward();
    }
    let gradients = WATCHED.take().iter().map(Tensor::grad).filter(Tensor::defined).collect();
    Run { parts, gradients }
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().contiguous();
    let size = tensor.numel() * tensor.kind().elt_size_in_bytes();
    let mut bytes = vec![0; size];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

fn same_bits(name: &str, what: &str, plain: &Tensor, amped: &Tensor) {
    assert_eq!(amped.kind(), plain.kind(), "{name}: the dtype of {what}");
    assert_eq!(amped.size(), plain.size(), "{name}: the shape of {what}");
    assert_eq!(amped.requires_grad(), plain.requires_grad(), "{name}: {what} requires grad");
    assert!(bytes(amped) == bytes(plain), "{name}: {what}\nplain: {plain}\namped: {amped}");
}

/// Of the same shape, finite where `plain` is, and near it as bf16 is near f32.
fn near(name: &str, what: &str, plain: &Tensor, amped: &Tensor, noise: f64) {
    assert_eq!(amped.size(), plain.size(), "{name}: the shape of {what} in bf16");
    if !plain.is_floating_point() {
        assert_eq!(amped.kind(), plain.kind(), "{name}: the dtype of {what} in bf16");
        return;
    }
    let (plain, amped) = (plain.detach().to_kind(Kind::Double), amped.detach().to_kind(Kind::Double));
    let finite = plain.isfinite();
    assert!(amped.isfinite().equal(&finite), "{name}: {what} in bf16 is {amped}");
    let zero = plain.zeros_like();
    let (plain, amped) = (plain.where_self(&finite, &zero), amped.where_self(&finite, &zero));
    let error = f64::try_from((&plain - &amped).norm()).unwrap();
    let scale = f64::try_from(plain.norm()).unwrap();
    assert!(error <= NEAR * scale + noise, "{name}: {what} in bf16 is off by {error} of {scale}");
}

/// bf16 has 8 bits of mantissa; a handful of lowered operations in a row may lose three of them.
const NEAR: f64 = 0.03;

/// The largest of the norms, in f64.
fn largest(tensors: &[Tensor]) -> f64 {
    tensors.iter().map(|tensor| tensor.to_kind(Kind::Double).norm().double_value(&[])).fold(0., f64::max)
}

/// Runs both and compares: bitwise with precision `Full`, loosely in bf16.
pub fn same<P: Parts, A: Parts>(name: &str, plain: impl Fn() -> P, amped: impl Fn() -> A) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = run(plain);
    let full = with_precision(Precision::Full, || run(&amped));
    compare(name, &expected, &full, &|what, plain, amped| same_bits(name, what, plain, amped));
    let low = with_precision(Precision::Bf16, || run(&amped));
    // A bias before a batch norm has no gradient but noise: it is measured by the model's other gradients.
    let noise = 1e-3 + NEAR * 0.1 * largest(&expected.gradients);
    compare(name, &expected, &low, &|what, plain, amped| {
        near(name, what, plain, amped, if what.starts_with("gradient") { noise } else { 1e-3 });
    });
}

fn compare(name: &str, expected: &Run, run: &Run, check: &dyn Fn(&str, &Tensor, &Tensor)) {
    assert_eq!(run.parts.len(), expected.parts.len(), "{name}: {:?}", run.parts);
    for (index, parts) in expected.parts.iter().zip(&run.parts).enumerate() {
        let what = format!("part {index}");
        match parts {
            (Part::Tensor(plain), Part::Tensor(amped)) => check(&what, plain, amped),
            (Part::Float(plain), Part::Float(amped)) => {
                check(&what, &Tensor::from(*plain), &Tensor::from(*amped))
            }
            (Part::Text(plain), Part::Text(amped)) => assert_eq!(amped, plain, "{name}: {what}"),
            (plain, amped) => panic!("{name}: {what}: {plain:?} became {amped:?}"),
        }
    }
    assert_eq!(run.gradients.len(), expected.gradients.len(), "{name}: gradients");
    for (index, (plain, amped)) in expected.gradients.iter().zip(&run.gradients).enumerate() {
        check(&format!("gradient {index}"), plain, amped);
    }
}
