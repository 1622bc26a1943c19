//! What a call does with its arguments by itself stays so: exclusive references are borrowed again, and a dtype that is asked for
//! never makes low what the policy has in f32.
use amp_runtime::OptimWrapperError;
use amp_runtime::prelude::*;
use tch::nn::{self, Module};
use tch::{Device, IndexOp, Kind, Tensor};

fn square(value: f64) -> Tensor {
    Tensor::full([4, 4], value, (Kind::Float, Device::Cpu))
}

#[amp(dtype = bf16)]
fn power_iteration(x: &Tensor, v: &mut Tensor) -> Tensor {
    let y = x.matmul(v);
    v.copy_(&y);
    x.matmul(v) + x.matmul(v)
}

#[amp(dtype = bf16)]
fn each(x: &Tensor, ws: &mut [Tensor], mut last: Option<&mut Tensor>) -> Tensor {
    let mut h = x.shallow_clone();
    for w in ws.iter_mut() {
        h = h.matmul(w);
        *w *= 2.;
    }
    for (index, w) in ws.iter_mut().enumerate() {
        h = h.mm(w);
        let _ = w.fill_(f64::from(u8::try_from(index).unwrap_or(0)));
    }
    if let Some(w) = ws.get_mut(0) {
        h = h.matmul(w);
        let _ = w.fill_(3.);
    }
    let w = ws.last_mut().unwrap();
    h = Tensor::cdist(&h, w, 2., 0i64);
    let _ = w.fill_(4.);
    if let Some(w) = last {
        h = h.mm(w);
        let _ = w.fill_(5.);
        last = None;
    }
    assert!(last.is_none());
    h
}

/// A type of the user's whose methods have names of the table, and want to write.
struct Counter(f64);

impl Counter {
    fn mean(&mut self, of: impl Fn(&Self) -> f64) -> f64 {
        of(self)
    }

    fn put(&mut self, one: i32, two: i32, three: i32) {
        self.0 = f64::from(one + two + three);
    }

    fn add(&mut self, counted: &mut Tensor) {
        let _ = counted.fill_(self.0);
    }
}

/// What comes out of somebody else's `&mut` is whatever it is.
#[amp(dtype = bf16)]
fn iterators(
    net: &dyn Module,
    loader: &mut dyn Iterator<Item = (&Tensor, &Tensor)>,
    pairs: Vec<(&mut Tensor, &Tensor)>,
    held: &Held,
) -> f64 {
    let mut sum = 0.;
    for (x, y) in loader {
        sum += net.forward(x).mse_loss(y, tch::Reduction::Mean).double_value(&[]);
        sum += held.w.matmul(x).matmul(x).double_value(&[0, 0]);
    }
    for (w, x) in pairs {
        sum += held.w.matmul(x).mm(x).double_value(&[0, 0]);
        *w *= 2.;
    }
    let all = [held.w.shallow_clone()];
    let mut each = all.iter();
    for x in &mut each {
        sum += held.w.matmul(x).matmul(x).double_value(&[0, 0]);
    }
    sum
}

struct Held {
    w: Tensor,
}

/// A closure that moves what it captures, and names that other types have too.
#[amp(dtype = bf16)]
fn shared(held: &Held, w: &mut Tensor, statistics: &mut Counter) -> Tensor {
    let product = || held.w.matmul(w);
    let _ = statistics.mean(|counter| counter.0);
    statistics.put(1, 2, 3);
    product()
}

#[amp(dtype = bf16)]
fn others(counter: &mut Counter, net: &dyn Module, w: &mut Tensor) -> Tensor {
    counter.add(w);
    let y = net.forward(w);
    counter.add(w);
    y
}

#[test]
fn exclusive_references_are_borrowed_again() {
    let (x, mut v) = (square(1.), square(1.));
    assert_eq!(power_iteration(&x, &mut v).double_value(&[0, 0]), 32.);
    assert_eq!(v.double_value(&[0, 0]), 4.);
    let (mut ws, mut last) = ([square(1.), square(1.)], square(1.));
    let _ = each(&x, &mut ws, Some(&mut last));
    assert_eq!([&ws[0], &ws[1], &last].map(|w| w.double_value(&[0, 0])), [3., 4., 5.]);
    let net = nn::func(|xs| xs.matmul(xs));
    assert_eq!(others(&mut Counter(2.), &net, &mut v).double_value(&[0, 0]), 16.);
    let held = Held { w: square(1.) };
    let mut counter = Counter(0.);
    assert_eq!(shared(&held, &mut square(1.), &mut counter).double_value(&[0, 0]), 4.);
    assert_eq!(counter.0, 6.);
    let mut w = square(1.);
    let sum = iterators(&net, &mut [(&x, &x)].into_iter(), vec![(&mut w, &x)], &held);
    assert_eq!((sum, w.double_value(&[0, 0])), (9. + 16. + 16. + 16., 2.));
}

/// The kind of each result of `h`, which is low, and `x`, which is not.
#[amp]
fn asked(x: &Tensor, w: &Tensor) -> Vec<Kind> {
    let h = x.matmul(w);
    let full = h.exp();
    let results = [
        full.sum(h.kind()),
        full.softmax(-1, h.kind()),
        full.softmax(-1, Some(h.kind())),
        x.cumsum(0, h.kind()),
        h.sum(h.kind()),
        h.log_softmax(-1, None::<Kind>),
        (h.matmul(w) + x).softmax(-1, h.kind()),
        Tensor::softmax(&h, -1, h.kind()),
        Tensor::sum(&full, h.kind()),
        full.mean(h.kind()),
        full.mean_dim(-1, true, h.kind()),
        x.mean_dim(-1, true, Some(h.kind())),
        full.mean(None::<Kind>),
        full.sum_dim_intlist(-1, true, h.kind()).log(),
        #[amp(full)]
        h.mean(h.kind()),
    ];
    results.iter().map(Tensor::kind).collect()
}

#[amp]
fn follows(x: &Tensor, w: &Tensor) -> [Kind; 3] {
    let h = x.matmul(w);
    let doubles = x.to_kind(Kind::Double);
    [h.mean(h.kind()).kind(), x.sum(Kind::Double).kind(), doubles.mean(doubles.kind()).kind()]
}

#[test]
fn what_the_policy_has_in_f32_is_not_made_low_by_a_dtype() {
    let (x, w) = (square(1.), square(1.));
    for (precision, low) in [(Precision::Bf16, Kind::BFloat16), (Precision::F16, Kind::Half)] {
        with_precision(precision, || {
            assert!(asked(&x, &w).iter().all(|kind| *kind == Kind::Float), "{:?}", asked(&x, &w));
            assert_eq!(follows(&x, &w), [low, Kind::Double, Kind::Double]);
        });
    }
    assert!(with_precision(Precision::Full, || asked(&x, &w)).iter().all(|kind| *kind == Kind::Float));
    // Outside of a region, or with precision off, what is asked for is what comes.
    let half = x.to_kind(Kind::BFloat16);
    let off = with_precision(Precision::Full, || follows(&half, &half));
    assert_eq!(off, [Kind::BFloat16, Kind::Double, Kind::Double]);
}

#[amp(dtype = f16)]
fn rms_norm(x: &Tensor, layer: &nn::Linear) -> Tensor {
    let h = x.apply(layer);
    let mean = h.square().mean_dim(-1, true, h.kind());
    h / (mean + 1e-5).sqrt()
}

#[test]
fn an_rms_norm_in_f16_is_not_zero() {
    let store = nn::VarStore::new(Device::Cpu);
    let layer = nn::linear(store.root(), 4, 4, nn::LinearConfig::default());
    tch::no_grad(|| {
        let _ = layer.ws.shallow_clone().fill_(300.);
    });
    let normed = rms_norm(&square(1.), &layer);
    assert!((normed.i((0, 0)).double_value(&[]) - 1.).abs() < 1e-2, "{normed}");
}

#[amp(dtype = bf16)]
fn by_configuration(x: &Tensor, w: &Tensor, layer: &dyn Module) -> Tensor {
    #[cfg(test)]
    let y = x.matmul(w);
    #[cfg(not(test))]
    let y = x.mm(w);
    #[cfg(not(test))]
    let y = layer.forward(&x.foo().bmm(w));
    #[cfg(not(test))]
    y.bar().linear(w, None);
    match y.dim() {
        #[cfg(not(test))]
        7 => y.baz().linear(w, None),
        _ => layer.forward(&y),
    }
}

/// What a name holds where a statement may be configured away, or an option is empty at first, is not known.
#[amp(dtype = bf16)]
fn unknown(x: &Tensor, w: &Tensor) -> [Kind; 4] {
    #[cfg(test)]
    let y = x.matmul(w);
    #[cfg(not(test))]
    let y = x.exp();
    let mut z = x.matmul(w);
    #[cfg(not(test))]
    {
        z = x.exp();
    }
    z = z.relu();
    let mut state = None;
    let mut last = Kind::Float;
    for _ in 0..2 {
        last = match &state {
            None => Kind::Float,
            Some(hidden) => Tensor::exp(hidden).kind(),
        };
        state = Some(x.matmul(w));
    }
    let Some(hidden) = state else { return [Kind::Half; 4] };
    let norm = x.matmul(w).exp().norm_scalaropt_dtype(2, x.kind());
    [y.exp().kind(), z.exp().kind(), last, (hidden.abs().exp() * norm).kind()]
}

#[test]
fn what_may_be_low_is_cast() {
    assert_eq!(unknown(&square(1.), &square(1.)), [Kind::Float; 4]);
}

#[amp(train_step)]
fn conditional(opt: &mut OptimWrapper, loss: &Tensor) -> Result<(), OptimWrapperError> {
    opt.zero_grad();
    loss.backward();
    #[cfg(not(test))]
    opt.clip_grad_norm(1.);
    #[cfg(not(test))]
    #[amp(skip)]
    println!("{loss}");
    opt.step();
    Ok(())
}

#[test]
fn what_is_configured_away_leaves_nothing_behind() {
    let net = nn::func(Tensor::relu);
    assert_eq!(by_configuration(&square(1.), &square(1.), &net).kind(), Kind::BFloat16);
    let store = nn::VarStore::new(Device::Cpu);
    let w = store.root().var("w", &[2], nn::Init::Const(1.));
    let mut opt = OptimWrapper::builder(Sgd::default()).build(&store).unwrap();
    conditional(&mut opt, &w.square().sum(Kind::Float)).unwrap();
    assert_eq!(opt.applied_updates().unwrap(), 1);
}
