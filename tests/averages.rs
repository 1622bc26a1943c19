//! Moving averages: do they follow applied updates, and those alone?
use amp_runtime::{Ema, EmaError, OptimWrapper, Precision, Sgd};
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

fn value(tensor: &Tensor) -> f64 {
    tensor.double_value(&[])
}

fn loss(weight: &Tensor) -> Tensor {
    weight.sum(Kind::Float)
}

fn wrapper(store: &VarStore, lr: f64) -> OptimWrapper {
    OptimWrapper::builder(Sgd { lr, ..Sgd::default() }).precision(Precision::Full).build(store).unwrap()
}

#[test]
fn averages_follow_applied_updates_only() {
    let store = VarStore::new(Device::Cpu);
    let weight = store.root().zeros("weight", &[]);
    let mut optim = wrapper(&store, 1.);
    let mut ema = Ema::new(&store, 0.25).unwrap();
    let mut wanted = 0.;
    for factor in [1., f64::INFINITY, 1., f64::NAN, f64::NAN, 1.] {
        ema.update(&optim.update_params(&(loss(&weight) * factor)).unwrap()).unwrap();
        if factor.is_finite() {
            wanted += 0.25 * (value(&weight) - wanted);
        }
        assert_eq!(value(&ema.averages().unwrap()["weight"]), wanted);
    }
    assert_eq!(value(&weight), -3.);
}

#[test]
fn statistics_are_copied_and_everything_swaps_back() {
    let store = VarStore::new(Device::Cpu);
    let norm = nn::batch_norm1d(store.root() / "norm", 3, nn::BatchNormConfig::default());
    let mut optim = wrapper(&store, 0.5);
    let mut ema = Ema::new(&store, 0.5).unwrap();
    let xs = Tensor::randn([8, 3], (Kind::Float, Device::Cpu)) + 5.;
    let out = norm.forward_t(&xs, true);
    ema.update(&optim.update_params(&(out.square() * &xs).mean(Kind::Float)).unwrap()).unwrap();
    let values =
        || store.variables().into_iter().map(|(name, v)| (name, v.detach().copy())).collect::<Vec<_>>();
    let (trained, averages) = (values(), ema.averages().unwrap());
    assert!(averages["norm.running_mean"].equal(&store.variables()["norm.running_mean"]));
    assert!(!averages["norm.weight"].equal(&store.variables()["norm.weight"]));
    let averages: Vec<_> = averages.into_iter().map(|(name, average)| (name, average.copy())).collect();
    ema.swap().unwrap();
    assert!(averages.iter().all(|(name, average)| store.variables()[name].equal(average)));
    ema.swap().unwrap();
    assert!(trained.iter().all(|(name, value)| store.variables()[name].equal(value)));
}

#[test]
fn a_momentum_is_a_share() {
    let store = VarStore::new(Device::Cpu);
    for wrong in [0., -0.1, 1.5, f64::NAN] {
        assert!(matches!(Ema::new(&store, wrong), Err(EmaError::Momentum(_))));
    }
}

#[test]
fn averages_of_bf16_variables_move() {
    let store = VarStore::new(Device::Cpu);
    let start = Tensor::ones([1], (Kind::BFloat16, Device::Cpu));
    let weight = store.root().add("weight", start, true);
    let mut ema = Ema::new(&store, 2e-4).unwrap();
    let mut optim = wrapper(&store, 0.);
    let _ = tch::no_grad(|| weight.shallow_clone().fill_(2.));
    for _ in 0..100 {
        ema.update(&optim.update_params(&loss(&weight)).unwrap()).unwrap();
    }
    let averaged = |ema: &Ema| value(&ema.averages().unwrap()["weight"]);
    let average = averaged(&ema);
    let wanted = 2. - (1. - 2e-4_f64).powi(100);
    assert!((average - wanted).abs() < 1e-5, "{average}, not {wanted}");
    ema.swap().unwrap();
    assert_eq!(weight.kind(), Kind::BFloat16);
    assert!((value(&weight) - wanted).abs() < 0.01);
    ema.swap().unwrap();
    assert_eq!((value(&weight), averaged(&ema)), (2., average));
    // What was written to it in between counts.
    ema.swap().unwrap();
    let _ = tch::no_grad(|| weight.shallow_clone().fill_(3.));
    ema.swap().unwrap();
    assert_eq!((value(&weight), averaged(&ema)), (2., 3.));
}
