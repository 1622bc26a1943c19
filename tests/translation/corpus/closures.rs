//! Functions in functions: closures of every kind, untyped ones, those that outlive the region, functions as values.
use amp_runtime::prelude::amp;
use tch::nn::{self, Module, ModuleT};
use tch::{Kind, TchError, Tensor};

#[amp]
pub fn used_twice(xs: &Tensor, w: &Tensor) -> Tensor {
    let project = |t: &Tensor| t.matmul(w).softmax(-1, Kind::Float);
    project(xs) + project(&xs.exp())
}

#[amp]
pub fn nested(xs: &Tensor, w: &Tensor) -> Tensor {
    let outer = |t: &Tensor| {
        let inner = |s: &Tensor, by: f64| s.matmul(w).exp() * by;
        let doubled = move |s: &Tensor| inner(s, 2.).log();
        doubled(t) + doubled(&t.matmul(w).matmul(&w.tr()))
    };
    outer(xs)
}

#[amp]
pub fn returned(w: &Tensor, scale: f64) -> impl Fn(&Tensor) -> Tensor + use<> {
    let w = w.exp();
    move |xs| xs.matmul(&w).softmax(-1, Kind::Float) * scale.exp()
}

#[amp]
pub fn boxed(w: Tensor) -> Vec<Box<dyn Fn(&Tensor) -> Tensor>> {
    let twice = w.shallow_clone();
    vec![
        Box::new(|xs| xs.exp()),
        Box::new(move |xs: &Tensor| xs.matmul(&w)),
        Box::new(move |xs| -> Tensor {
            let h = xs.matmul(&twice);
            h.matmul(&twice.tr())
        }),
    ]
}

#[amp]
pub fn mutating(xs: &Tensor, w: &Tensor) -> (Tensor, i64) {
    let mut calls = 0;
    let mut sum = xs.matmul(w);
    let mut add = |t: &Tensor| {
        calls += 1;
        sum = &sum + t.matmul(w).tanh();
    };
    add(xs);
    add(&xs.exp());
    (sum.softmax(-1, Kind::Float), calls)
}

fn called_once(f: impl FnOnce() -> Tensor) -> Tensor {
    f()
}

#[amp]
pub fn consuming(xs: Tensor, w: Tensor) -> Tensor {
    let h = xs.matmul(&w);
    called_once(move || {
        let product = xs.matmul(&w);
        drop(w);
        product.exp() + xs.sum(Kind::Float)
    }) + h
}

pub fn untyped(vs: &nn::Path) -> nn::SequentialT {
    #[amp]
    fn block(vs: nn::Path, dim: i64) -> impl ModuleT + use<> {
        let first = nn::linear(&vs / "first", 4, dim, Default::default());
        let second = nn::linear(&vs / "second", dim, 4, Default::default());
        nn::func_t(move |xs, train| {
            let h = xs.apply(&first).gelu("none").dropout(0.5, train);
            let h = h.apply(&second) + xs;
            h.softmax(-1, Kind::Float).matmul(&h.tr()).matmul(xs)
        })
    }
    nn::seq_t()
        .add(block(vs / "a", 8))
        .add_fn(|xs| xs.relu())
        .add(block(vs / "b", 6))
        .add_fn_t(|xs, train| xs.dropout(0.1, train))
}

#[amp]
pub fn untyped_in_a_sequence(vs: &nn::Path) -> nn::Sequential {
    let layer = nn::linear(vs / "layer", 4, 4, Default::default());
    nn::seq()
        .add(nn::func(|xs| xs.exp()))
        .add(nn::func(move |xs| xs.apply(&layer).log_softmax(-1, None)))
        .add_fn(|xs| xs.matmul(&xs.tr()))
        .add_fn(|xs| xs.sum(Kind::Float) / xs.norm())
}

#[amp]
pub fn through_layers(model: &nn::Sequential, model_t: &nn::SequentialT, xs: &Tensor) -> Tensor {
    let a = xs.apply(model) + model.forward(xs);
    let b = xs.apply_t(model_t, true) + model_t.forward_t(&xs.exp(), false);
    a + b.sum(Kind::Float)
}

#[amp]
pub fn functions_as_values(xs: &[Tensor], w: &Tensor) -> Tensor {
    let list: Vec<fn(&Tensor) -> Tensor> = vec![Tensor::relu, |t| t.exp(), own];
    let mut h = xs[0].matmul(w);
    for f in &list {
        h = f(&h);
    }
    let sums = xs.iter().map(Tensor::abs).map(|t| t.exp().sum(Kind::Float)).collect::<Vec<_>>();
    h + Tensor::stack(&sums, 0).sum(Kind::Float)
}

#[amp]
fn own(xs: &Tensor) -> Tensor {
    xs.log1p()
}

#[amp]
pub fn question_marks_inside(xs: &[Tensor], w: &Tensor) -> Result<Vec<Tensor>, TchError> {
    let step = |t: &Tensor| -> Result<Tensor, TchError> {
        if t.dim() == 1 {
            return Ok(t.exp());
        }
        let h = t.f_matmul(w)?;
        h.f_log_softmax(-1, Kind::Float)
    };
    xs.iter().map(step).collect()
}

#[amp]
pub fn patterns(xs: &[(Tensor, Tensor)], ys: &[Tensor]) -> Tensor {
    let products = xs.iter().map(|(q, k)| q.matmul(&k.tr()));
    let sum: Tensor = products.map(|t| t.exp().sum(Kind::Float)).sum();
    let refs: Vec<&Tensor> = ys.iter().collect();
    let exps = refs.iter().map(|&y| y.exp()).fold(sum, |a, b| a + b.sum(Kind::Float));
    let pairs = ys.windows(2).map(|pair| match pair {
        [a, b] => a.matmul(&b.tr()),
        _ => unreachable!(),
    });
    exps + pairs.map(|p| p.softmax(-1, Kind::Float)).reduce(|a, b| a + b).unwrap()
}

#[amp]
pub fn sorted(mut xs: Vec<Tensor>, w: &Tensor) -> Vec<Tensor> {
    let key = |t: &Tensor| t.exp().sum(Kind::Float).double_value(&[]);
    xs.sort_by(|a, b| key(b).total_cmp(&key(a)));
    xs.retain(|x| x.log1p().dim() == 2);
    xs.iter().filter(|x| x.numel() > 1).map(|x| x.matmul(w)).collect()
}

#[amp]
pub fn tried(xs: &[Tensor], w: &Tensor) -> Option<Tensor> {
    let total = xs.iter().try_fold(w.exp().sum(Kind::Float), |sum, x| {
        let h = if x.dim() == 2 { Some(x.matmul(w)) } else { None };
        Some(sum + h?.sum(Kind::Float))
    })?;
    let scanned = xs.iter().scan(total.exp(), |state, x| {
        *state = &*state + x.mean(Kind::Float);
        Some(state.log())
    });
    scanned.last()
}

#[amp]
pub fn without_gradients(xs: &Tensor, w: &Tensor) -> Tensor {
    let target = tch::no_grad(|| xs.matmul(w).softmax(-1, Kind::Float));
    let _guard = w.requires_grad().then(|| ());
    (xs.matmul(w).log_softmax(-1, Kind::Float) * target).sum(Kind::Float)
}

pub struct Scaler {
    pub w: Tensor,
    pub scale: f64,
}

impl Scaler {
    #[amp]
    pub fn borrowed(&self) -> impl Fn(&Tensor) -> Tensor + '_ {
        let root = self.scale.sqrt();
        move |xs| xs.matmul(&self.w) * root
    }

    #[amp]
    pub fn lazily<'a>(&'a self, xs: &'a [Tensor]) -> impl Iterator<Item = Tensor> + 'a {
        xs.iter().map(move |x| x.matmul(&self.w).exp()).filter(|h| h.dim() == 2).map(|h| h.tr())
    }
}

#[amp]
pub fn inferred_late(xs: &Tensor, w: &Tensor) -> Tensor {
    let apply = |t, times: usize| (0..times).fold(t, |h: Tensor, _| h.matmul(w).sigmoid());
    let mut kept = Vec::new();
    let mut keep = |t| kept.push(t);
    keep(apply(xs.exp(), 2));
    keep(xs.matmul(w));
    Tensor::stack(&kept, 0)
}
