//! What a call does with its arguments by itself stays so: exclusive references are borrowed again, and a dtype that is asked for
//! never makes low what the policy has in f32.
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
    if let Some(w) = &mut ws.get_mut(0) {
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
    fn add(&mut self, counted: &mut Tensor) {
        let _ = counted.fill_(self.0);
    }
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

#[test]
fn what_is_configured_away_leaves_nothing_behind() {
    let net = nn::func(Tensor::relu);
    assert_eq!(by_configuration(&square(1.), &square(1.), &net).kind(), Kind::BFloat16);
}
