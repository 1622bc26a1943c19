//! Parameters of many elements, as the CPU's own loops take them in blocks: is no element overlooked, no norm out of date?
use amp_runtime::{ClipGrad, LossScale, OptimWrapper, Precision, Sgd, StepOutcome, StepStats};
use amp_tests::goldens::{relative_difference, same_bits};
use amp_tests::recorded::Recorded;
use tch::{Device, Kind, Tensor};

const SIZES: [i64; 6] = [1, 31, 33, 16_384, 16_385, 40_001];

fn ramp(count: i64) -> Tensor {
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin()
}

/// One weight of zeros and a learning rate of 1: an update leaves the negated gradient.
fn rig(count: i64, clip: Option<ClipGrad>, by: LossScale) -> (Recorded, OptimWrapper) {
    let model = Recorded::new([("weight", Tensor::zeros([count], (Kind::Float, Device::Cpu)))]);
    let mut builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() })
        .precision(Precision::Bf16)
        .loss_scale(by)
        .accumulate(2);
    if let Some(clip) = clip {
        builder = builder.clip_grad(clip);
    }
    let wrapper = builder.build(&model.store).unwrap();
    (model, wrapper)
}

fn stepped(outcome: StepOutcome) -> StepStats {
    match outcome {
        StepOutcome::Stepped(stats) => stats,
        StepOutcome::Accumulating => panic!("no update"),
    }
}

/// Two batches, each of which has half of the gradient.
fn update(model: &Recorded, wrapper: &mut OptimWrapper, grad: &Tensor) -> StepStats {
    let _ = wrapper.update_params(&model.loss([("weight", grad.shallow_clone())])).unwrap();
    stepped(wrapper.update_params(&model.loss([("weight", grad.shallow_clone())])).unwrap())
}

fn true_norm(grad: &Tensor) -> f64 {
    grad.to_kind(Kind::Double).norm().double_value(&[])
}

/// Sums of 512 squares in f32 in each of 32 lanes, then of the lanes: far below a hundred roundings of 6e-8 that do not
/// cancel.
const NORM: f64 = 2e-6;

#[test]
fn no_element_is_overlooked() {
    for count in SIZES {
        let places = [0, 30, 31, 32, 16_383, 16_384, 16_415, 40_000, count - 1];
        for place in places.into_iter().filter(|&place| place < count) {
            for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                for by in [LossScale::Off, LossScale::dynamic(), LossScale::Static(0.5)] {
                    let (model, mut wrapper) = rig(count, None, by);
                    let before = model.values();
                    let grad = ramp(count);
                    let _ = grad.get(place).fill_(bad);
                    let stats = update(&model, &mut wrapper, &grad);
                    assert!(stats.found_inf().unwrap(), "{bad} at {place} of {count}");
                    assert!(model.unchanged_since(&before), "{bad} at {place} of {count}");
                }
            }
        }
    }
}

#[test]
fn every_element_is_unscaled_and_clipped() {
    for count in SIZES {
        let grad = ramp(count) + 0.5;
        let norm = true_norm(&grad);
        for by in [LossScale::Off, LossScale::dynamic(), LossScale::Static(0.25)] {
            let (model, mut wrapper) = rig(count, None, by);
            assert!(!update(&model, &mut wrapper, &grad).skipped().unwrap());
            // Halves and powers of two: exact.
            assert!(same_bits(&model.variable("weight").neg(), &grad), "{count}, {by:?}");

            for max_norm in [norm / 3., norm * 3.] {
                let (model, mut wrapper) = rig(count, Some(ClipGrad::norm(max_norm)), by);
                let stats = update(&model, &mut wrapper, &grad);
                let got = stats.grad_norm().unwrap().unwrap();
                assert!((got - norm).abs() <= NORM * norm, "{count}, {by:?}: {got}, not {norm}");
                let wanted = &grad * (max_norm / norm).min(1.);
                let off = relative_difference(&model.variable("weight").neg(), &wanted);
                // The 1e-6 that is added to the norm, a rounding per element, and the norm's own.
                assert!(off <= NORM + 1e-6 / norm + 1e-6, "{count}, {by:?}: off by {off:e}");
            }
        }
    }
}

/// The norm that unscaling finds out by the way holds for the gradients that it left, and for no others.
#[test]
fn a_norm_is_of_the_gradients_as_they_are() {
    let grad = ramp(1000) + 0.5;
    let norm = true_norm(&grad);
    let clip = ClipGrad::norm(norm / 10.);
    let close = |got: Option<f64>, wanted: f64| (got.unwrap() - wanted).abs() <= NORM * wanted;

    // Half a window, whose gradients are doubled.
    let (model, mut wrapper) = rig(1000, Some(clip), LossScale::dynamic());
    let _ = wrapper.update_params(&model.loss([("weight", grad.shallow_clone())])).unwrap();
    let stats = stepped(wrapper.finish_window().unwrap().unwrap());
    assert!(close(stats.grad_norm().unwrap(), norm), "finish_window: {:?}", stats.grad_norm());
    assert!(close(Some(true_norm(&model.variable("weight"))), norm / 10.), "finish_window");

    let unscaled = |model: &Recorded, wrapper: &mut OptimWrapper| {
        let _ = wrapper.update_params(&model.loss([("weight", grad.shallow_clone())])).unwrap();
        drop(wrapper.backward(&model.loss([("weight", grad.shallow_clone())])).unwrap().unscale().unwrap());
    };
    // Clipped by value before.
    let (model, mut wrapper) = rig(1000, None, LossScale::dynamic());
    unscaled(&model, &mut wrapper);
    wrapper.clip_grad_value(0.25).unwrap();
    let clamped = true_norm(&grad.clamp(-0.25, 0.25));
    wrapper.clip_grad_norm(norm / 10.).unwrap();
    let stats = stepped(wrapper.step().unwrap());
    assert!(close(stats.grad_norm().unwrap(), clamped), "by value: {:?}", stats.grad_norm());

    // Changed by somebody between unscaling and clipping, which is what unscaling by hand is for.
    let (model, mut wrapper) = rig(1000, Some(clip), LossScale::dynamic());
    unscaled(&model, &mut wrapper);
    let mut own = model.variable("weight").grad();
    tch::no_grad(|| drop(own.multiply_scalar_(3.)));
    let stats = stepped(wrapper.step().unwrap());
    assert!(
        close(stats.grad_norm().unwrap(), 3. * norm),
        "by hand: {:?}, not {}",
        stats.grad_norm(),
        3. * norm
    );
    assert!(close(Some(true_norm(&model.variable("weight"))), norm / 10.), "by hand");
}

/// Sums in the same order whatever the number of threads: training on another machine's cores is the same training.
#[test]
fn threads_do_not_change_a_bit() {
    let run = || {
        let model = Recorded::new(
            (0..40)
                .map(|_| 1000)
                .chain([70_001])
                .zip(NAMES)
                .map(|(count, name)| (name, Tensor::zeros([count], (Kind::Float, Device::Cpu)))),
        );
        let mut wrapper = OptimWrapper::builder(Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() })
            .precision(Precision::F16)
            .clip_grad(ClipGrad::norm(1.))
            .build(&model.store)
            .unwrap();
        for _ in 0..3 {
            let loss = model.loss(model.names().into_iter().map(|name| {
                let count = model.variable(name).size()[0];
                (name, ramp(count) + 0.5)
            }));
            assert!(!stepped(wrapper.update_params(&loss).unwrap()).skipped().unwrap());
        }
        model.values()
    };
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let one = run();
    for count in [2, 3] {
        tch::set_num_threads(count);
        assert!(run().iter().zip(&one).all(|(a, b)| same_bits(a, b)), "{count} threads");
    }
    tch::set_num_threads(threads);
}

const NAMES: [&str; 41] = [
    "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b0", "b1", "b2", "b3", "b4", "b5", "b6",
    "b7", "b8", "b9", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "d0", "d1", "d2", "d3",
    "d4", "d5", "d6", "d7", "d8", "d9", "e0",
];
