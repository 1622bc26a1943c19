//! Skipped updates: does an overflow leave everything as it was, and does everybody learn of it?
use amp_runtime::schedule::{Curve, Piece, Schedule};
use amp_runtime::{
    Adam, AdamW, ClipGrad, DynamicLossScale, Floor, LossScale, OptimWrapper, OptimWrapperError,
    OptimizerConfig, Precision, ScalerError, Sgd, StepOutcome, StepStats,
};
use amp_tests::device;
use amp_tests::goldens::same_bits;
use amp_tests::recorded::Recorded;
use tch::Tensor;

const BAD: [f64; 3] = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
const PRECISIONS: [Precision; 3] = [Precision::F16, Precision::Bf16, Precision::Full];
const PLACES: [&[&str]; 3] =
    [&["first.weight"], &["last.weight"], &["first.weight", "middle.bias", "last.weight"]];

fn optimizers() -> [OptimizerConfig; 5] {
    [
        Sgd { lr: 0.1, weight_decay: 0.1, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.1, nesterov: true, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, dampening: 0.5, ..Sgd::default() }.into(),
        Adam { lr: 0.1, weight_decay: 0.1, amsgrad: true, ..Adam::default() }.into(),
        AdamW { lr: 0.1, ..AdamW::default() }.into(),
    ]
}

fn stepped(outcome: StepOutcome) -> StepStats {
    match outcome {
        StepOutcome::Stepped(stats) => stats,
        StepOutcome::Accumulating => panic!("no update"),
    }
}

/// A loss whose gradients depend on the weights, as those of a model do.
fn clean_loss(model: &Recorded) -> Tensor {
    model.loss(model.names().into_iter().map(|name| (name, model.variable(name).detach().sin() + 0.25)))
}

struct Run {
    model: Recorded,
    wrapper: OptimWrapper,
}

impl Run {
    fn new(config: OptimizerConfig, precision: Precision) -> Self {
        let model = Recorded::small();
        let wrapper = OptimWrapper::builder(config)
            .precision(precision)
            .clip_grad(ClipGrad::norm(2.))
            .build(&model.store)
            .unwrap();
        Self { model, wrapper }
    }

    fn update(&mut self) -> StepStats {
        stepped(self.wrapper.update_params(&clean_loss(&self.model)).unwrap())
    }

    fn overflow(&mut self, names: &[&str], bad: f64) -> StepStats {
        stepped(self.wrapper.update_params(&self.model.spoiled_loss(names, bad)).unwrap())
    }

    /// Bits of parameters and state.
    fn snapshot(&mut self) -> Vec<Tensor> {
        let state = self.wrapper.state().unwrap();
        let mut all = self.model.values();
        all.extend(state.optimizer().tensors().values().map(Tensor::copy));
        all
    }
}

fn assert_same_bits(a: &[Tensor], b: &[Tensor], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    assert!(a.iter().zip(b).all(|(a, b)| same_bits(a, b)), "{what}");
}

/// Before the first update, and after two.
#[test]
fn an_overflow_changes_nothing_but_the_scale() {
    for config in optimizers() {
        for precision in PRECISIONS {
            for names in PLACES {
                for (bad, warm) in BAD.into_iter().flat_map(|bad| [(bad, 0), (bad, 2)]) {
                    let what = format!("{config:?}, {precision}, {names:?} {bad}, after {warm}");
                    let mut run = Run::new(config, precision);
                    (0..warm).for_each(|_| drop(run.update()));
                    let before = run.snapshot();
                    let scale = run.wrapper.loss_scale().unwrap();
                    let stats = run.overflow(names, bad);
                    assert!(stats.skipped().unwrap() && stats.found_inf().unwrap(), "{what}");
                    assert_eq!(stats.loss_scale().unwrap(), scale, "{what}");
                    assert!(!stats.grad_norm().unwrap().unwrap().is_finite(), "{what}");
                    assert_same_bits(&run.snapshot(), &before, &what);
                    let halved = if precision == Precision::F16 { scale / 2. } else { 1. };
                    assert_eq!(run.wrapper.loss_scale().unwrap(), halved, "{what}");
                    let counters = [
                        run.wrapper.applied_updates().unwrap(),
                        run.wrapper.skipped_updates().unwrap(),
                        run.wrapper.lost_micro_batches().unwrap(),
                    ];
                    assert_eq!(counters, [warm, 1, 1], "{what}");
                    assert!(!run.model.variable("first.weight").grad().defined(), "{what}");
                }
            }
        }
    }
}

/// What follows is, to the bit, what would have followed without it.
#[test]
fn training_goes_on_as_if_the_overflow_had_not_been() {
    for config in optimizers() {
        for precision in PRECISIONS {
            for when in [0, 1, 3] {
                let (mut with, mut without) = (Run::new(config, precision), Run::new(config, precision));
                for step in 0..5 {
                    if step == when {
                        assert!(with.overflow(&["middle.bias"], f64::NAN).skipped().unwrap());
                    }
                    assert!(!with.update().skipped().unwrap());
                    assert!(!without.update().skipped().unwrap());
                }
                let what = format!("{config:?}, {precision}, before {when}");
                assert_same_bits(&with.snapshot(), &without.snapshot(), &what);
            }
        }
    }
}

#[test]
fn a_window_with_an_overflow_is_lost_whole() {
    for place in 0..3 {
        for config in optimizers() {
            let model = Recorded::small();
            let mut wrapper = OptimWrapper::builder(config)
                .precision(Precision::F16)
                .accumulate(3)
                .build(&model.store)
                .unwrap();
            let before = model.values();
            for batch in 0..3 {
                let bad = if batch == place { f64::INFINITY } else { 0.5 };
                let outcome = wrapper.update_params(&model.spoiled_loss(&["last.weight"], bad)).unwrap();
                if batch < 2 {
                    assert!(outcome.stats().is_none());
                } else {
                    let stats = stepped(outcome);
                    assert!(stats.skipped().unwrap());
                    assert_eq!(stats.micro_batches(), 3);
                }
            }
            assert!(model.unchanged_since(&before), "{config:?}");
            assert_eq!(wrapper.lost_micro_batches().unwrap(), 3);
            assert_eq!(wrapper.skipped_updates().unwrap(), 1);
            assert_eq!(wrapper.inner_count(), 3);
            assert_eq!(wrapper.loss_scale().unwrap(), 32768.);
        }
    }
}

fn at_the_floor(on_floor: Floor) -> LossScale {
    LossScale::Dynamic(DynamicLossScale { init_scale: 1., on_floor, ..DynamicLossScale::default() })
}

#[test]
fn at_its_floor_the_scale_stays_and_the_wrapper_gives_up_in_words() {
    let model = Recorded::small();
    let mut wrapper = OptimWrapper::builder(Adam::default())
        .precision(Precision::F16)
        .loss_scale(at_the_floor(Floor::Error { after: 2 }))
        .build(&model.store)
        .unwrap();
    let before = model.values();
    let spoiled = || model.spoiled_loss(&["middle.bias"], f64::NAN);
    for _ in 0..2 {
        assert!(stepped(wrapper.update_params(&spoiled()).unwrap()).skipped().unwrap());
        assert_eq!(wrapper.loss_scale().unwrap(), 1.);
    }
    let error = wrapper.update_params(&spoiled()).unwrap_err();
    let OptimWrapperError::Scaler(ScalerError::Collapsed { in_a_row: 2, scale, parameters }) = &error else {
        panic!("{error}")
    };
    assert_eq!((*scale, parameters.as_str()), (1., "middle.bias"));
    assert!(model.unchanged_since(&before));
    assert_eq!(wrapper.skipped_updates().unwrap(), 2);
}

#[test]
fn a_schedule_advances_with_applied_updates_only() {
    let halves = Schedule::new([Piece::new(Curve::Exponential { gamma: 0.5 })]).unwrap();
    for precision in PRECISIONS {
        let model = Recorded::small();
        let mut wrapper = OptimWrapper::builder(Sgd { lr: 0.5, ..Sgd::default() })
            .precision(precision)
            .schedule(halves.clone())
            .build(&model.store)
            .unwrap();
        let mut lr = 0.5;
        for overflow in [true, false, true, true, false, false, true, false] {
            let before = model.values();
            // The rate of the update that comes next.
            assert_eq!(wrapper.groups()[0].lr, lr, "{precision}");
            let bad = if overflow { f64::INFINITY } else { 0.5 };
            let stats = stepped(wrapper.update_params(&model.spoiled_loss(&["last.weight"], bad)).unwrap());
            assert_eq!(stats.skipped().unwrap(), overflow);
            assert_eq!(wrapper.groups()[0].base_lr, 0.5, "{precision}");
            if !overflow {
                let moved: Vec<Tensor> = before.iter().map(|value| value - 0.5 * lr).collect();
                assert!(model.unchanged_since(&moved), "{precision}: not a step of {lr}");
                lr /= 2.;
            }
        }
    }
}

/// tch's optimizer cannot skip on the device; the wrapper skips for it.
#[test]
fn a_tch_optimizer_skips_as_well() {
    use tch::nn::{self, OptimizerConfig};
    for precision in PRECISIONS {
        let model = Recorded::small();
        let optimizer = nn::adam(0.9, 0.999, 0.).build(&model.store, 0.1).unwrap();
        let mut wrapper = OptimWrapper::wrap(optimizer).precision(precision).build(&model.store).unwrap();
        let reference = Recorded::small();
        let mut plain = nn::adam(0.9, 0.999, 0.).build(&reference.store, 0.1).unwrap();
        for overflow in [true, false, false, true, false] {
            if overflow {
                let stats =
                    stepped(wrapper.update_params(&model.spoiled_loss(&["last.weight"], f64::NAN)).unwrap());
                assert!(stats.skipped().unwrap());
            } else {
                assert!(!stepped(wrapper.update_params(&clean_loss(&model)).unwrap()).skipped().unwrap());
                plain.backward_step(&clean_loss(&reference));
            }
            assert!(model.unchanged_since(&reference.values()), "{precision}");
        }
        assert_eq!(wrapper.skipped_updates().unwrap(), 2);
        assert_eq!(wrapper.applied_updates().unwrap(), 3);
    }
}

/// The region's own f16: a loss that overflows in the forward, not only gradients that a test made up.
#[test]
fn an_f16_forward_that_overflows_is_skipped_and_recovers() {
    use amp_runtime::autocast;
    use tch::Kind;
    use tch::nn::{self, Module};
    let store = nn::VarStore::new(device());
    let layer = nn::linear(store.root(), 4, 1, nn::LinearConfig::default());
    let mut wrapper = OptimWrapper::builder(Sgd { lr: 1e-3, ..Sgd::default() })
        .precision(Precision::F16)
        .build(&store)
        .unwrap();
    let before = layer.ws.detach().copy();
    let loss = |size: f64| {
        let xs = Tensor::full([2, 4], size, (Kind::Float, device()));
        autocast(Precision::F16, || layer.forward(&xs)).to_kind(Kind::Float).square().mean(Kind::Float)
    };
    assert!(stepped(wrapper.update_params(&loss(1e5)).unwrap()).skipped().unwrap());
    assert!(same_bits(&layer.ws, &before));
    assert_eq!(wrapper.loss_scale().unwrap(), 32768.);
    assert!(!stepped(wrapper.update_params(&loss(0.01)).unwrap()).skipped().unwrap());
    assert!(!same_bits(&layer.ws, &before));
}
