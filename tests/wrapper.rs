//! The wrapper's other faces: tch's own method names, tch's own optimizers, several wrappers, and what an update reads back.
use amp_runtime::{
    Adam, AdamW, ClipGrad, LossScale, OptimWrapper, OptimWrapperDict, OptimizerConfig, Precision, Sgd,
    StepOutcome,
};
use amp_tests::device;
use amp_tests::goldens::{relative_difference, same_bits};
use amp_tests::recorded::Recorded;
use tch::nn::{self, OptimizerConfig as _};
use tch::{Device, Tensor};

const PRECISIONS: [Precision; 3] = [Precision::F16, Precision::Bf16, Precision::Full];

fn config() -> OptimizerConfig {
    Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() }.into()
}

fn loss(model: &Recorded) -> Tensor {
    model.loss(model.names().into_iter().map(|name| (name, model.variable(name).detach().sin() + 0.25)))
}

type Way = fn(&mut OptimWrapper, &Tensor);

/// Five updates; the parameters afterwards.
fn train(
    precision: Precision,
    clip: Option<ClipGrad>,
    update: impl Fn(&mut OptimWrapper, &Tensor),
) -> Vec<Tensor> {
    let model = Recorded::small();
    let mut builder = OptimWrapper::builder(config()).precision(precision);
    if let Some(clip) = clip {
        builder = builder.clip_grad(clip);
    }
    let mut wrapper = builder.build(&model.store).unwrap();
    (0..5).for_each(|_| update(&mut wrapper, &loss(&model)));
    assert_eq!(wrapper.applied_updates().unwrap(), 5);
    model.values()
}

fn assert_same(a: &[Tensor], b: &[Tensor], what: &str) {
    assert!(a.iter().zip(b).all(|(a, b)| same_bits(a, b)), "{what}");
}

#[test]
fn the_ways_to_write_an_update_are_one_update() {
    for precision in PRECISIONS {
        let plain = train(precision, None, |wrapper, loss| drop(wrapper.update_params(loss).unwrap()));
        let ways: [(&str, Way); 3] = [
            ("backward_step", |wrapper, loss| drop(wrapper.backward_step(loss).unwrap())),
            ("types", |wrapper, loss| {
                drop(wrapper.backward(loss).unwrap().unscale().unwrap().step().unwrap());
            }),
            ("backward, step", |wrapper, loss| {
                drop(wrapper.backward(loss).unwrap().accumulate());
                drop(wrapper.step().unwrap());
            }),
        ];
        for (what, way) in ways {
            assert_same(&train(precision, None, way), &plain, what);
        }
        let norm = train(precision, Some(ClipGrad::norm(0.3)), |wrapper, loss| {
            drop(wrapper.update_params(loss).unwrap());
        });
        assert!(norm.iter().zip(&plain).any(|(a, b)| !same_bits(a, b)), "clipping changes nothing");
        let ways: [(&str, Way); 3] = [
            ("backward_step_clip_norm", |wrapper, loss| {
                drop(wrapper.backward_step_clip_norm(loss, 0.3).unwrap());
            }),
            ("clip_grad_norm", |wrapper, loss| {
                drop(wrapper.backward(loss).unwrap().accumulate());
                wrapper.clip_grad_norm(0.3).unwrap();
                drop(wrapper.step().unwrap());
            }),
            ("types, norm", |wrapper, loss| {
                let unscaled = wrapper.backward(loss).unwrap().unscale().unwrap();
                drop(unscaled.clip_grad(ClipGrad::norm(0.3)).unwrap().step().unwrap());
            }),
        ];
        for (what, way) in ways {
            assert_same(&train(precision, None, way), &norm, what);
            // Clipping by hand replaces what the wrapper was built with.
            assert_same(&train(precision, Some(ClipGrad::value(0.01)), way), &norm, what);
        }
        let value = train(precision, Some(ClipGrad::value(0.2)), |wrapper, loss| {
            drop(wrapper.update_params(loss).unwrap());
        });
        let ways: [(&str, Way); 2] = [
            ("backward_step_clip", |wrapper, loss| drop(wrapper.backward_step_clip(loss, 0.2).unwrap())),
            ("clip_grad_value", |wrapper, loss| {
                drop(wrapper.backward(loss).unwrap().accumulate());
                wrapper.clip_grad_value(0.2).unwrap();
                drop(wrapper.step().unwrap());
            }),
        ];
        for (what, way) in ways {
            assert_same(&train(precision, Some(ClipGrad::norm(0.01)), way), &value, what);
        }
    }
}

/// What tch alone makes of it.
fn tch_alone(optimizer: impl nn::OptimizerConfig, clip: Option<f64>) -> Vec<Tensor> {
    let model = Recorded::small();
    let mut optimizer = optimizer.build(&model.store, 0.1).unwrap();
    for _ in 0..5 {
        match clip {
            None => optimizer.backward_step(&loss(&model)),
            Some(max) => optimizer.backward_step_clip_norm(&loss(&model), max),
        }
    }
    model.values()
}

/// A power of two as scale: unscaled gradients are exact, and so is what tch makes of them.
#[test]
fn tchs_optimizers_update_as_without_a_wrapper() {
    for precision in PRECISIONS {
        let model = Recorded::small();
        let optimizer = nn::sgd(0.9, 0.1, 0.01, false).build(&model.store, 0.1).unwrap();
        let mut wrapper = OptimWrapper::wrap(optimizer).precision(precision).build(&model.store).unwrap();
        for _ in 0..5 {
            assert!(!wrapper.update_params(&loss(&model)).unwrap().stats().unwrap().skipped().unwrap());
            assert!(!model.variable("first.weight").grad().defined());
        }
        assert_same(&model.values(), &tch_alone(nn::sgd(0.9, 0.1, 0.01, false), None), "SGD");
        assert!(wrapper.lr().is_nan() && wrapper.momentum().is_nan());
        wrapper.set_lr(0.).unwrap();
        assert_eq!(wrapper.lr(), 0.);
        let before = model.values();
        let _ = wrapper.update_params(&loss(&model)).unwrap();
        assert_same(&model.values(), &before, "a learning rate of 0");
    }
}

#[test]
fn ours_agree_with_tchs() {
    let ours = |config: OptimizerConfig, clip: Option<f64>| {
        let model = Recorded::small();
        let mut builder = OptimWrapper::builder(config).precision(Precision::F16);
        if let Some(max) = clip {
            builder = builder.clip_grad(ClipGrad::norm(max));
        }
        let mut wrapper = builder.build(&model.store).unwrap();
        (0..5).for_each(|_| drop(wrapper.update_params(&loss(&model)).unwrap()));
        model.values()
    };
    let sgd = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true, ..Sgd::default() };
    let adam = Adam { lr: 0.1, weight_decay: 0.01, amsgrad: true, ..Adam::default() };
    let adamw = AdamW { lr: 0.1, weight_decay: 0.1, ..AdamW::default() };
    for clip in [None, Some(0.3)] {
        let pairs = [
            ("SGD", ours(sgd.into(), clip), tch_alone(nn::sgd(0.9, 0., 0.01, true), clip)),
            ("Adam", ours(adam.into(), clip), tch_alone(nn::adam(0.9, 0.999, 0.01).amsgrad(true), clip)),
            ("AdamW", ours(adamw.into(), clip), tch_alone(nn::adamw(0.9, 0.999, 0.1), clip)),
        ];
        for (what, ours, theirs) in pairs {
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let off = relative_difference(ours, theirs);
                // Another order of the same operations; a GPU rounds each of ten in five updates once more.
                let bound = if device() == Device::Cpu { 1e-6 } else { 5. * 10. * f64::from(f32::EPSILON) };
                assert!(off < bound, "{what}, clip {clip:?}: {off:e}");
            }
        }
    }
}

#[test]
fn wrappers_of_a_dictionary_are_their_own() {
    let models = [Recorded::small(), Recorded::small()];
    let build = |model: &Recorded, lr: f64| {
        OptimWrapper::builder(Adam { lr, ..Adam::default() })
            .precision(Precision::F16)
            .accumulate(2)
            .build(&model.store)
            .unwrap()
    };
    let mut dict = OptimWrapperDict::new();
    assert!(dict.is_empty());
    assert!(dict.insert("generator", build(&models[0], 0.1)).is_none());
    assert!(dict.insert("critic", build(&models[1], 0.2)).is_none());
    assert_eq!(dict.len(), 2);
    assert_eq!(
        dict.lr().into_iter().collect::<Vec<_>>(),
        [("critic".into(), 0.2), ("generator".into(), 0.1)]
    );
    assert!(dict.momentum().values().all(|&momentum| momentum == 0.9));
    let names: Vec<String> = dict.iter_mut().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["critic", "generator"]);

    dict.initialize_count_status(0, Some(3)).unwrap();
    let before = models[1].values();
    for batch in 1..=3 {
        let outcome = dict.get("generator").unwrap().update_params(&loss(&models[0])).unwrap();
        assert_eq!(matches!(outcome, StepOutcome::Stepped(_)), batch >= 2, "batch {batch}");
    }
    let _ = dict.get("critic").unwrap().update_params(&loss(&models[1])).unwrap();
    assert_same(&models[1].values(), &before, "the critic accumulates");
    assert!(models[1].variable("first.weight").grad().defined());

    // A state of both is put back whole.
    let saved = dict.state().unwrap();
    let then = models[0].values();
    dict.initialize_count_status(0, None).unwrap_err();
    dict.zero_grad().unwrap();
    assert!(models[1].variable("first.weight").grad().defined());
    dict.drop_window().unwrap();
    assert!(!models[1].variable("first.weight").grad().defined());
    dict.load_state(&saved).unwrap();
    assert!(models[1].variable("first.weight").grad().defined(), "the open window came back");
    assert_eq!(dict.get("critic").unwrap().inner_count(), 1);
    assert_eq!(dict.get("generator").unwrap().applied_updates().unwrap(), 2);
    assert_same(&models[0].values(), &then, "weights are not the wrapper's");
}

#[test]
fn an_unread_outcome_is_counted_all_the_same() {
    for loss_scale in [LossScale::dynamic(), LossScale::Off, LossScale::Static(64.)] {
        let model = Recorded::small();
        let mut wrapper = OptimWrapper::builder(config())
            .precision(Precision::Bf16)
            .loss_scale(loss_scale)
            .build(&model.store)
            .unwrap();
        for bad in [0.5, f64::NAN, 0.5, f64::INFINITY, f64::NAN, 0.5] {
            let _ = wrapper.update_params(&model.spoiled_loss(&["middle.bias"], bad)).unwrap();
        }
        assert_eq!((wrapper.applied_updates().unwrap(), wrapper.skipped_updates().unwrap()), (3, 3));
        assert_eq!(wrapper.lost_micro_batches().unwrap(), 3);
    }
}

/// Outcomes own their numbers: later updates do not change them.
#[test]
fn outcomes_keep() {
    let model = Recorded::small();
    let mut wrapper = OptimWrapper::builder(config())
        .precision(Precision::F16)
        .clip_grad(ClipGrad::norm(1.))
        .build(&model.store)
        .unwrap();
    let wanted = [
        (0.5, false, 65536.),
        (f64::NAN, true, 65536.),
        (0.25, false, 32768.),
        (f64::INFINITY, true, 32768.),
    ];
    let outcomes: Vec<StepOutcome> = wanted
        .iter()
        .map(|(value, ..)| wrapper.update_params(&model.spoiled_loss(&["first.weight"], *value)).unwrap())
        .collect();
    for (outcome, (value, skipped, scale)) in outcomes.iter().zip(wanted) {
        let stats = outcome.clone().stats().unwrap().clone();
        assert!(
            stats.is_ready().unwrap() || device() != Device::Cpu,
            "a CPU has computed it when it returns"
        );
        assert_eq!((stats.skipped().unwrap(), stats.loss_scale().unwrap()), (skipped, scale));
        assert!(stats.is_ready().unwrap(), "it has just been read");
        let norm = stats.grad_norm().unwrap().unwrap();
        if skipped {
            assert!(!norm.is_finite());
        } else {
            // Eleven elements of 0.5 and one of `value`: exact squares, one root.
            let exact = (11. * 0.25 + value * value).sqrt();
            assert!((norm - exact).abs() <= f64::from(f32::EPSILON) * exact, "{norm}, not {exact}");
        }
    }
}

/// How often libtorch handed a number to the host while `f` ran. On the CPU, `f64::try_from` copies memory instead and is
/// not seen; on CUDA both are copies from the device.
fn host_reads(f: impl FnOnce()) -> u64 {
    let ((), counts) = amp_runtime::count_ops(f).unwrap();
    assert!(counts.contains_key("aten::mul"), "nothing was counted: {counts:?}");
    ["aten::item", "aten::_local_scalar_dense", "aten::is_nonzero"]
        .iter()
        .map(|name| counts.get(*name).copied().unwrap_or(0))
        .sum()
}

#[test]
fn an_update_reads_nothing_back() {
    use amp_runtime::schedule::{Curve, Piece, Schedule};
    let adam = Adam { amsgrad: true, ..Adam::default() };
    let dampened = Sgd { momentum: 0.9, dampening: 0.5, ..Sgd::default() };
    for config in [config(), dampened.into(), adam.into(), AdamW::default().into()] as [OptimizerConfig; 4] {
        for precision in PRECISIONS {
            for clip in [ClipGrad::norm(0.1), ClipGrad::value(0.1)] {
                let model = Recorded::small();
                let mut wrapper = OptimWrapper::builder(config)
                    .precision(precision)
                    .clip_grad(clip)
                    .accumulate(2)
                    .schedule(Schedule::new([Piece::new(Curve::Exponential { gamma: 0.9 })]).unwrap())
                    .build(&model.store)
                    .unwrap();
                // libtorch's CPU kernel of Adam looks at the step counter of each parameter, in its own memory.
                let looks = device() == Device::Cpu && !matches!(config, OptimizerConfig::Sgd(_));
                let of_kernel = if looks { 2 * 3 } else { 0 };
                for bad in [0.5, 0.25, f64::NAN, 0.5, 0.25, 0.5, f64::INFINITY, f64::NAN, 0.5, 0.5] {
                    let loss = model.spoiled_loss(&["middle.bias"], bad);
                    let mut outcome = None;
                    let reads = host_reads(|| outcome = Some(wrapper.update_params(&(loss * 2.)).unwrap()));
                    let applied = match outcome {
                        Some(StepOutcome::Stepped(stats)) => !stats.skipped().unwrap(),
                        _ => false,
                    };
                    let allowed = if applied { of_kernel } else { 0 };
                    assert_eq!(reads, allowed, "{config:?}, {precision}, {clip:?}");
                }
                assert_eq!(wrapper.skipped_updates().unwrap(), 2);
            }
        }
    }
    // The count sees what there is to see.
    let weight = Tensor::from(0.5f32);
    assert!(host_reads(|| assert_eq!((&weight * 2.).double_value(&[]), 1.)) > 0);
}
