//! libtorch's traps, each measured on 2.11: does the runtime stay out of them?
//!
//! Elsewhere: a flag of 2 from two optimizers (`scaler_rules.rs`), from a norm and a gradient (`clipping.rs`); skipped
//! first updates (`overflow.rs`); norms that overflow (`clipping.rs`); the scale's arithmetic (`scaler.rs`); gradients
//! that are none, and bf16 under SGD (`optimizers.rs`); sparse, doubled and converted ones (`errors.rs`).
use amp_runtime::{
    Adam, AdamW, ClipGrad, LossScale, OptimError, OptimWrapper, OptimizerConfig, Precision, Sgd, StepOutcome,
};
use amp_tests::goldens::same_bits;
use amp_tests::recorded::Recorded;
use tch::{Device, Kind, Tensor};

fn optimizers() -> [OptimizerConfig; 5] {
    [
        Sgd { lr: 0.1, weight_decay: 0.1, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, dampening: 0.5, ..Sgd::default() }.into(),
        Adam { lr: 0.1, amsgrad: true, ..Adam::default() }.into(),
        AdamW { lr: 0.1, ..AdamW::default() }.into(),
    ]
}

fn wrapper(config: OptimizerConfig, model: &Recorded) -> OptimWrapper {
    OptimWrapper::builder(config)
        .precision(Precision::F16)
        .clip_grad(ClipGrad::norm(1.5))
        .build(&model.store)
        .unwrap()
}

fn skipped(outcome: &StepOutcome) -> bool {
    outcome.stats().unwrap().skipped().unwrap()
}

fn ramp(shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin().view(shape)
}

/// The same numbers, the channels innermost in memory.
fn channels_last(images: &Tensor) -> Tensor {
    images.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// Trap 1: one overflow per dtype, each of which raises the flag.
#[test]
fn overflows_in_every_dtype_at_once_skip() {
    for config in optimizers() {
        let value = |kind| ramp(&[40]).to_kind(kind);
        let kinds = [("f32", Kind::Float), ("f64", Kind::Double), ("bf16", Kind::BFloat16)];
        let model = Recorded::new(kinds.map(|(name, kind)| (name, value(kind))));
        let mut wrapper = wrapper(config, &model);
        let before = model.values();
        for _ in 0..2 {
            let spoiled = model.spoiled_loss(&["f32", "f64", "bf16"], f64::INFINITY);
            assert!(skipped(&wrapper.update_params(&spoiled).unwrap()));
            assert!(model.unchanged_since(&before), "{config:?}");
        }
        assert!(!skipped(&wrapper.update_params(&model.uniform_loss(0.5)).unwrap()));
        for (now, then) in model.values().iter().zip(&before) {
            let unmoved = now.eq_tensor(then).sum(Kind::Int64).int64_value(&[]);
            assert_eq!(unmoved, 0, "{config:?}: elements that did not move");
        }
    }
}

/// Two updates of one 4-D weight whose gradients are laid out by `lay` when the update takes them.
fn updated(
    config: OptimizerConfig,
    weight: &Tensor,
    lay: impl Fn(&Tensor) -> Tensor,
) -> (Tensor, Vec<Tensor>) {
    let model = Recorded::new([("conv.weight", weight.shallow_clone())]);
    let mut wrapper = wrapper(config, &model);
    for step in 1..3 {
        let grad = ramp(&weight.size()) * f64::from(step);
        let scaled = wrapper.backward(&model.loss([("conv.weight", grad)])).unwrap();
        let mut grad = model.variable("conv.weight").grad();
        grad.set_data(&lay(&grad));
        let _ = scaled.unscale().unwrap().step().unwrap();
    }
    let state = wrapper.state().unwrap();
    let state = state.optimizer().tensors().values().map(Tensor::copy).collect();
    (model.variable("conv.weight").detach().contiguous(), state)
}

/// Trap 2: the CPU's fused kernels walk memory; other strides give other numbers without an error.
#[test]
fn gradients_laid_out_otherwise_update_the_right_elements() {
    for config in optimizers() {
        for shape in [[6, 3, 5, 4], [8, 5, 1, 1], [1, 7, 3, 3]] {
            let contiguous = ramp(&shape);
            let last = channels_last(&contiguous);
            let as_is = |grad: &Tensor| grad.shallow_clone();
            let (wanted, wanted_state) = updated(config, &contiguous, as_is);
            let runs = [
                ("a channels-last gradient", updated(config, &contiguous, channels_last)),
                ("a contiguous gradient", updated(config, &last, Tensor::contiguous)),
                ("all channels-last", updated(config, &last, as_is)),
            ];
            for (what, (got, state)) in runs {
                let same = |got: &Tensor, wanted: &Tensor| {
                    // The norm that clips is summed in memory order: its last bit may differ.
                    let off = (got - wanted).abs().max().double_value(&[]);
                    off <= 4. * f64::from(f32::EPSILON)
                };
                assert!(same(&got, &wanted), "{config:?}, {shape:?}: {what}");
                assert_eq!(state.len(), wanted_state.len());
                for (got, wanted) in state.iter().zip(&wanted_state) {
                    assert!(got.is_contiguous());
                    assert!(same(got, wanted), "{config:?}, {shape:?}: state of {what}");
                }
            }
        }
    }
}

#[test]
fn expanded_gradients_update_every_element() {
    for config in optimizers() {
        let spread = |grad: &Tensor| grad.flatten(0, -1).get(0).expand(grad.size(), false);
        let copied = |grad: &Tensor| spread(grad).contiguous();
        let weight = ramp(&[3, 2, 4, 4]);
        let (got, _) = updated(config, &weight, spread);
        let (wanted, _) = updated(config, &weight, copied);
        assert!(same_bits(&got, &wanted), "{config:?}");
    }
}

/// A model made channels-last after its optimizer: an error, and nothing half done.
#[test]
fn a_layout_changed_under_the_optimizer_changes_nothing() {
    for config in optimizers() {
        let model =
            Recorded::new([("a", ramp(&[4])), ("conv.weight", ramp(&[6, 3, 5, 4])), ("z", ramp(&[4]))]);
        let mut wrapper = wrapper(config, &model);
        let _ = wrapper.update_params(&model.uniform_loss(0.01)).unwrap();
        let state = |wrapper: &mut OptimWrapper| -> Vec<Tensor> {
            wrapper.state().unwrap().optimizer().tensors().values().map(Tensor::copy).collect()
        };
        let before = (model.values(), state(&mut wrapper));
        let mut weight = model.variable("conv.weight");
        weight.set_data(&channels_last(&weight));
        match wrapper.update_params(&model.uniform_loss(0.01)) {
            // Without state there is nothing that no longer fits.
            Ok(outcome) => {
                assert!(before.1.is_empty() && !skipped(&outcome));
                let unmoved = weight.eq_tensor(&before.0[1]).sum(Kind::Int64).int64_value(&[]);
                assert_eq!(unmoved, 0);
            }
            Err(error) => {
                let relaid = OptimError::Relaid { name: "conv.weight".to_owned() };
                assert_eq!(error.to_string(), relaid.to_string());
                assert!(model.unchanged_since(&before.0), "{config:?}: {error}");
                wrapper.zero_grad().unwrap();
                let after = state(&mut wrapper);
                assert!(after.iter().zip(&before.1).all(|(a, b)| same_bits(a, b)), "{config:?}: {error}");
            }
        }
    }
}

/// Trap 3, for a parameter that comes late: its first update overflows, with dampening.
#[test]
fn a_late_first_gradient_that_overflows_starts_the_momentum_later() {
    let config = Sgd { lr: 0.1, momentum: 0.9, dampening: 0.5, ..Sgd::default() };
    let run = |overflow: bool| {
        let model = Recorded::small();
        let mut wrapper =
            OptimWrapper::builder(config).precision(Precision::Full).build(&model.store).unwrap();
        let grad = |name: &str, value: f64| model.variable(name).detach().full_like(value);
        let _ = wrapper.update_params(&model.loss([("first.weight", grad("first.weight", 0.5))])).unwrap();
        if overflow {
            let spoiled = model.spoiled_loss(&["middle.bias"], f64::NAN);
            assert!(skipped(&wrapper.update_params(&spoiled).unwrap()));
        }
        for value in [0.25, 0.5] {
            let _ = wrapper.update_params(&model.uniform_loss(value)).unwrap();
        }
        model.values()
    };
    let (with, without) = (run(true), run(false));
    assert!(with.iter().zip(&without).all(|(a, b)| same_bits(a, b)));
}

/// Trap 4: a weight saved for backward and updated before it must be noticed; the fused kernels do not say so.
#[test]
fn an_update_before_a_second_backward_is_noticed() {
    for config in optimizers() {
        let model = Recorded::small();
        let mut wrapper = wrapper(config, &model);
        let weight = model.variable("last.weight");
        let saved = (&weight * &weight).sum(Kind::Float);
        let _ = wrapper.update_params(&model.uniform_loss(0.5)).unwrap();
        let error = saved.f_backward().expect_err("the gradient of a weight that is gone");
        assert!(error.to_string().contains("modified by an inplace operation"), "{error}");
    }
}

/// Unscaling and clipping write to gradients.
#[test]
fn gradients_count_their_writes_too() {
    let model = Recorded::small();
    let mut wrapper = wrapper(optimizers()[0], &model);
    let scaled = wrapper.backward(&model.uniform_loss(0.5)).unwrap();
    let factor = Tensor::from(2f32).set_requires_grad(true);
    let saved = |factor: &Tensor| (factor * model.variable("last.weight").grad()).sum(Kind::Float);
    let before_unscale = saved(&factor);
    let unscaled = scaled.unscale().unwrap();
    let before_clip = saved(&factor);
    let _ = unscaled.clip_grad(ClipGrad::value(0.125)).unwrap().clip_grad(ClipGrad::norm(0.1)).unwrap();
    assert!(before_unscale.f_backward().is_err(), "unscaling was not counted");
    assert!(before_clip.f_backward().is_err(), "clipping was not counted");
    wrapper.zero_grad().unwrap();
}

/// Trap 10: an f32 counter sticks at 2^24, where a run of some days arrives.
#[test]
fn adam_counts_beyond_what_f32_can() {
    for config in [Adam::default().into(), AdamW::default().into()] as [OptimizerConfig; 2] {
        let model = Recorded::small();
        let mut wrapper = wrapper(config, &model);
        let state = wrapper.state().unwrap();
        for (key, tensor) in state.optimizer().tensors() {
            if key.ends_with("/step") {
                let _ = tensor.shallow_clone().fill_((1 << 24) - 1);
            }
        }
        wrapper.load_state(&state).unwrap();
        for _ in 0..3 {
            let _ = wrapper.update_params(&model.uniform_loss(0.5)).unwrap();
            assert!(skipped(
                &wrapper.update_params(&model.spoiled_loss(&["last.weight"], f64::NAN)).unwrap()
            ));
        }
        let _ = wrapper.update_params(&model.loss([("last.weight", ramp(&[2]))])).unwrap();
        let state = wrapper.state().unwrap();
        let steps = |name: &str| state.optimizer().tensors()[&format!("{name}/step")].int64_value(&[]);
        assert_eq!(steps("first.weight"), (1 << 24) + 2);
        assert_eq!(steps("last.weight"), (1 << 24) + 3);
    }
}

/// Trap 12: a convolution with channels-last weights and images trains as the contiguous one, and its state is saved
/// contiguous and comes back in its own layout.
#[test]
fn channels_last_by_permute_trains_and_resumes() {
    let images = ramp(&[2, 3, 8, 8]);
    let train = |last: bool, stop: Option<usize>| {
        let weight = ramp(&[5, 3, 3, 3]) * 0.2;
        let weight = if last { channels_last(&weight) } else { weight };
        let images = if last { channels_last(&images) } else { images.shallow_clone() };
        let model = Recorded::new([("conv.weight", weight)]);
        let mut first = wrapper(optimizers()[3], &model);
        let mut second = wrapper(optimizers()[3], &model);
        for step in 0..6 {
            let weight = model.variable("conv.weight");
            assert_eq!(weight.is_contiguous(), !last);
            let loss = images
                .conv2d(&weight, None::<&Tensor>, [1, 1], [1, 1], [1, 1], 1)
                .relu()
                .square()
                .mean(Kind::Float);
            if stop == Some(step) {
                second.load_state(&first.state().unwrap()).unwrap();
            }
            let active = if stop.is_some_and(|stop| stop <= step) { &mut second } else { &mut first };
            assert!(!skipped(&active.update_params(&loss).unwrap()));
        }
        model.variable("conv.weight").detach().contiguous()
    };
    let contiguous = train(false, None);
    let last = train(true, None);
    let off = (&contiguous - &last).abs().max().double_value(&[]);
    // Other convolution kernels, sums in another order; six updates of Adam at 0.1, whose direction is a ratio.
    assert!(off < 1e-4, "off by {off:e}");
    assert!(same_bits(&last, &train(true, Some(3))), "a state put back changed the training");
}

/// A static scale that is no power of two rounds where the gradients are unscaled: once, by the inverse.
#[test]
fn unscaling_multiplies_by_the_inverse() {
    let model = Recorded::new([("weight", Tensor::zeros([50], (Kind::Float, Device::Cpu)))]);
    let mut wrapper = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() })
        .precision(Precision::F16)
        .loss_scale(LossScale::Static(1000.))
        .build(&model.store)
        .unwrap();
    // Without its 0, of which the two sides would differ in sign.
    let grad = ramp(&[51]).narrow(0, 1, 50);
    let _ = wrapper.update_params(&model.loss([("weight", grad.shallow_clone())])).unwrap();
    let multiplied = -(&grad * 1000.) * Tensor::from(1f32 / 1000.);
    let divided = -(&grad * 1000.) / Tensor::from(1000f32);
    assert!(same_bits(&model.variable("weight"), &multiplied));
    assert!(!same_bits(&multiplied, &divided), "the two do not differ for these numbers");
}
