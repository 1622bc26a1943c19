//! What users do that nobody meant: it works as they would expect, or it is an error that says what to do.
use amp_runtime::__private::set_gradient;
use amp_runtime::checkpoint::{self, LoadOptions};
use amp_runtime::config::TrainingConfig;
use amp_runtime::{
    ClipGrad, CustomKey, DynamicLossScale, Floor, GradScaler, LossScale, OptimWrapper, OptimWrapperDict,
    OptimWrapperError, Optimizer, Paramwise, Precision, ScalerError, Sgd, StepOutcome, amp, autocast,
    count_ops, full, low, with_precision,
};
use tch::nn::{self, OptimizerConfig as _, VarStore};
use tch::{Device, Kind, Tensor};

/// A store with one weight of ones.
fn store(shape: &[i64]) -> (VarStore, Tensor) {
    let store = VarStore::new(Device::Cpu);
    let weight = store.root().ones("weight", shape);
    (store, weight)
}

fn wrapper(store: &VarStore) -> OptimWrapper {
    OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(Precision::Full).build(store).unwrap()
}

fn value(tensor: &Tensor) -> f64 {
    tensor.double_value(&[])
}

/// d loss / d weight is 1 in every element.
fn loss(weight: &Tensor) -> Tensor {
    weight.sum(Kind::Float)
}

/// libtorch keeps low copies of weights until a region ends: whatever writes to the weights inside one must drop them.
#[test]
fn an_update_inside_a_region_is_seen_by_the_next_forward() {
    let xs = Tensor::ones([1, 2], (Kind::Float, Device::Cpu));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    for ours in [true, false] {
        let (mut store, weight) = store(&[2, 2]);
        let builder = if ours {
            OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() })
        } else {
            OptimWrapper::wrap(nn::sgd(0., 0., 0., false).build(&store, 1.).unwrap())
        };
        let mut optim = builder.precision(Precision::Bf16).build(&store).unwrap();
        if ours {
            checkpoint::save(&file, &store, &mut optim, &serde_json::Value::Null).unwrap();
        }
        autocast(Precision::Bf16, || {
            let forward = || xs.matmul(&weight).sum(Kind::Float);
            let before = forward();
            let _ = optim.update_params(&before).unwrap();
            assert_eq!((value(&before), value(&forward())), (4., 0.), "ours: {ours}");
            if ours {
                checkpoint::load(&file, &mut store, &mut optim, LoadOptions::default()).unwrap();
                assert_eq!(value(&forward()), 4.);
            }
        });
    }
}

#[test]
fn regions_of_both_low_dtypes_nest() {
    let (_store, weight) = store(&[2, 2]);
    let kind = || weight.matmul(&weight).kind();
    let kinds = autocast(Precision::Bf16, || [kind(), autocast(Precision::F16, kind), kind()]);
    assert_eq!(kinds, [Kind::BFloat16, Kind::Half, Kind::BFloat16]);
}

#[test]
fn a_backward_that_fails_halfway_leaves_no_gradients() {
    let (store, weight) = store(&[]);
    let other = store.root().ones("other", &[]);
    let mut optim = wrapper(&store);
    let used = other.square();
    used.backward();
    optim.zero_grad().unwrap();
    // The weight's gradient of 100 is there by the time that the used part fails.
    let error = optim.update_params(&(&weight * 100. + used)).unwrap_err().to_string();
    assert!(error.contains("second time") && !error.contains("frame #"), "{error}");
    assert!(!weight.grad().defined());
    let _ = optim.update_params(&loss(&weight)).unwrap();
    assert_eq!(value(&weight), 0.);
}

#[test]
fn a_collapse_is_said_once_and_can_be_left() {
    let (store, weight) = store(&[]);
    let on_floor = Floor::Error { after: 2 };
    let scale = DynamicLossScale { init_scale: 1., on_floor, ..DynamicLossScale::default() };
    let builder = OptimWrapper::builder(Sgd { lr: 0.5, ..Sgd::default() }).precision(Precision::F16);
    let mut optim = builder.loss_scale(LossScale::Dynamic(scale)).build(&store).unwrap();
    let update = |optim: &mut OptimWrapper, bad: bool| {
        optim.update_params(&(loss(&weight) * if bad { f64::INFINITY } else { 1. }))
    };
    for _ in 0..2 {
        let _ = update(&mut optim, true).unwrap();
    }
    let collapsed = update(&mut optim, true).unwrap_err();
    assert!(
        matches!(collapsed, OptimWrapperError::Scaler(ScalerError::Collapsed { in_a_row: 2, .. })),
        "{collapsed}"
    );
    // Whoever goes on has as many tries again.
    for _ in 0..2 {
        let _ = update(&mut optim, true).unwrap();
    }
    assert!(update(&mut optim, true).is_err());
    let _ = update(&mut optim, false).unwrap();
    assert_eq!(value(&weight), 0.5);
    // Nor is it said where the gradients are fine by now.
    for bad in [true, true, false] {
        let _ = update(&mut optim, bad).unwrap();
    }
    assert_eq!((value(&weight), optim.skipped_updates().unwrap()), (0., 6));
}

#[test]
fn gradients_of_another_loss_are_refused() {
    let (store, weight) = store(&[]);
    let mut optim = wrapper(&store);
    loss(&weight).backward();
    let error = optim.update_params(&loss(&weight)).unwrap_err();
    assert!(matches!(&error, OptimWrapperError::StrayGradient { name } if name == "weight"), "{error}");
    optim.zero_grad().unwrap();
    let _ = optim.update_params(&loss(&weight)).unwrap();
    assert_eq!(value(&weight), 0.);
}

#[test]
fn an_update_under_no_grad_is_the_update() {
    for (precision, counts) in [(Precision::F16, 1), (Precision::Full, 1), (Precision::Full, 2)] {
        let (store, weight) = store(&[]);
        let builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(precision);
        let mut optim = builder.accumulate(counts).build(&store).unwrap();
        for _ in 0..counts {
            let loss = loss(&weight);
            drop(tch::no_grad(|| optim.update_params(&loss)).unwrap());
        }
        assert_eq!(value(&weight), 0., "{precision} {counts}");
    }
}

#[test]
fn a_window_that_is_dropped_is_counted_and_one_that_is_stepped_early_is_whole() {
    let (store, weight) = store(&[]);
    let builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(Precision::Full);
    let mut optim = builder.accumulate(4).build(&store).unwrap();
    for _ in 0..3 {
        drop(optim.update_params(&loss(&weight)).unwrap());
    }
    optim.drop_window().unwrap();
    assert_eq!(optim.lost_micro_batches().unwrap(), 3);
    for batch in 1..=4 {
        let outcome = optim.update_params(&loss(&weight)).unwrap();
        assert_eq!(matches!(outcome, StepOutcome::Stepped(_)), batch == 4);
    }
    assert_eq!(value(&weight), 0.);
    drop(optim.backward(&loss(&weight)).unwrap().unscale().unwrap().step().unwrap());
    assert_eq!(value(&weight), -1.);
}

/// As PyTorch's loops have it: gradients to none before every backward, of a window too.
#[test]
fn a_loop_that_zeroes_before_each_backward_accumulates() {
    #[amp(train_step)]
    fn step(optim: &mut OptimWrapper, weight: &Tensor) -> Result<StepOutcome, OptimWrapperError> {
        let loss = loss(weight);
        optim.zero_grad();
        loss.backward();
        optim.clip_grad_norm(10.);
        optim.step()
    }
    let (store, weight) = store(&[]);
    let builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(Precision::Full);
    let mut optim = builder.accumulate(2).build(&store).unwrap();
    for batch in 1..=6 {
        let outcome = step(&mut optim, &weight).unwrap();
        assert_eq!(outcome.stats().is_some(), batch % 2 == 0);
    }
    assert_eq!((value(&weight), optim.lost_micro_batches().unwrap()), (-2., 0));
}

/// Norms written by hand: squares of 400 are inf in f16, and what is divided by their root would be 0.
#[test]
fn a_tensor_times_itself_does_not_overflow() {
    #[amp]
    fn norms(x: &Tensor, w: &Tensor) -> [Tensor; 2] {
        let h = x.matmul(w);
        let rms = (&h * &h).mean_dim([-1i64].as_slice(), true, Kind::Float);
        let d = &h - h.mean_dim([-1i64].as_slice(), true, Kind::Float);
        let variance = (&d * &d).mean_dim([-1i64].as_slice(), true, Kind::Float);
        [&h * (rms + 1e-6).rsqrt(), d / (variance + 1e-5).sqrt()]
    }
    let ramp = Tensor::arange(16, (Kind::Float, Device::Cpu));
    let (x, w) = (ramp.reshape([1, 16]) * 60., Tensor::eye(16, (Kind::Float, Device::Cpu)));
    let run = |precision| with_precision(precision, || norms(&x, &w));
    for (low, full) in run(Precision::F16).iter().zip(&run(Precision::Full)) {
        assert!(low.to_kind(Kind::Float).allclose(full, 1e-2, 1e-2, false), "{low:?}");
    }
}

#[test]
fn a_clip_that_fails_leaves_no_gradients() {
    let (store, weight) = store(&[]);
    let builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(Precision::Full);
    let mut optim = builder.build(&store).unwrap();
    drop(optim.backward(&loss(&weight)).unwrap().accumulate());
    assert!(optim.clip_grad_norm(-1.).is_err());
    assert!(!weight.grad().defined());
    drop(optim.update_params(&loss(&weight)).unwrap());
    assert_eq!(value(&weight), 0.);
}

#[test]
fn variables_added_late_are_in_the_state_that_is_loaded() {
    let build = || {
        let (store, _) = store(&[2]);
        let optim = OptimWrapper::builder(Sgd { momentum: 0.9, ..Sgd::default() }).precision(Precision::Full);
        let optim = optim.build(&store).unwrap();
        let _ = (store.root() / "late").ones("weight", &[3]);
        (store, optim)
    };
    let (_, mut saved) = build();
    let (_store, mut loaded) = build();
    let state = saved.state().unwrap();
    assert!(state.optimizer().tensors().contains_key("late.weight/momentum_buffer"));
    loaded.load_state(&state).unwrap();
}

#[test]
fn names_that_tch_numbered_are_still_weights_and_biases() {
    let store = VarStore::new(Device::Cpu);
    let _twice = [(); 2].map(|()| nn::linear(store.root(), 4, 4, nn::LinearConfig::default()));
    let paramwise = Paramwise { bias_lr_mult: Some(2.), ..Paramwise::default() };
    let sgd = Sgd { lr: 0.5, ..Sgd::default() };
    let optimizer = Optimizer::with_paramwise(sgd, &store, paramwise).unwrap();
    let groups = optimizer.groups();
    for group in &groups {
        let biases = group.parameters.iter().filter(|name| name.starts_with("bias")).count();
        let numbered = group.parameters.iter().filter(|name| name.contains("__")).count();
        let wanted = if group.base_lr == 1. { 2 } else { 0 };
        assert_eq!((biases, numbered, group.parameters.len()), (wanted, 1, 2), "{groups:?}");
    }
    assert_eq!(groups.len(), 2);
    let custom = Paramwise {
        custom_keys: [("weight".to_owned(), CustomKey { lr_mult: 0.5, decay_mult: 1. })].into(),
        ..Paramwise::default()
    };
    assert_eq!(Optimizer::with_paramwise(sgd, &store, custom).unwrap().groups().len(), 2);
}

#[test]
fn a_typo_at_the_top_of_a_configuration_is_told() {
    let wrapper = r#"{"optimizer": {"type": "SGD"}}"#;
    for (document, typo) in [
        (format!(r#"{{"optim_wrapper": {wrapper}, "param_schedulers": []}}"#), "param_schedulers"),
        (format!(r#"{{"optim_wraper": {wrapper}}}"#), "optim_wraper"),
    ] {
        let error = TrainingConfig::from_json(&document).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown key `{typo}`")), "{error}");
    }
    let others = format!(r#"{{"optim_wrapper": {wrapper}, "train_cfg": {{}}, "optim": 1, "model": null}}"#);
    TrainingConfig::from_json(&others).unwrap();
}

#[test]
fn a_parameter_without_elements_has_no_norm() {
    for norm_type in [1., 2., 3., f64::INFINITY] {
        let (store, weight) = store(&[2]);
        let _ = store.root().ones("empty", &[0]);
        let clip = ClipGrad::Norm { max_norm: 1e6, norm_type, error_if_nonfinite: false };
        let builder = OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() }).precision(Precision::Full);
        let mut optim = builder.clip_grad(clip).build(&store).unwrap();
        let empty = &store.variables()["empty"];
        let outcome = optim.update_params(&(loss(&weight) + loss(empty))).unwrap();
        let norm = outcome.stats().unwrap().grad_norm().unwrap().unwrap();
        let wanted = if norm_type.is_finite() { 2_f64.powf(1. / norm_type) } else { 1. };
        assert!((norm - wanted).abs() < 1e-6, "p {norm_type}: {norm}");
    }
}

#[test]
fn a_limit_below_zero_is_refused_by_the_scaler_too() {
    let (store, weight) = store(&[]);
    let mut optimizer = Optimizer::new(Sgd::default(), &store).unwrap();
    let mut scaler = GradScaler::new(LossScale::dynamic()).unwrap();
    scaler.scale(&loss(&weight)).unwrap().backward();
    scaler.unscale(&mut optimizer).unwrap();
    assert!(scaler.clip_grad_norm(&mut optimizer, -1., 2.).is_err());
    assert!(scaler.clip_grad_value(&mut optimizer, -1.).is_err());
    assert_eq!(value(&weight.grad()), 1.);
    optimizer.zero_grad().unwrap();
    assert!(!weight.grad().defined());
}

#[test]
fn counts_of_several_wrappers_change_together_or_not_at_all() {
    let (first, _) = store(&[]);
    let (second, weight) = store(&[]);
    let mut optims = OptimWrapperDict::new();
    let counted = |store: &VarStore| {
        let builder = OptimWrapper::builder(Sgd::default()).precision(Precision::Full);
        builder.accumulate(2).build(store).unwrap()
    };
    optims.insert("a", counted(&first));
    optims.insert("b", counted(&second));
    drop(optims.get("b").unwrap().update_params(&loss(&weight)).unwrap());
    assert!(matches!(optims.initialize_count_status(100, None), Err(OptimWrapperError::OpenWindow(1))));
    assert_eq!(optims.get("a").unwrap().inner_count(), 0);
}

#[test]
fn counts_of_operators_nest() {
    let (_store, weight) = store(&[]);
    let ((_, inner), outer) = count_ops(|| {
        let _ = weight.sin();
        count_ops(|| weight.sin().sin()).unwrap()
    })
    .unwrap();
    assert_eq!((inner["aten::sin"], outer["aten::sin"]), (2, 3));
}

/// A cast that has nothing to do returns the same tensor; f64, integers and bool are nobody's business.
#[test]
fn casts_touch_what_is_theirs() {
    let kinds = [Kind::Float, Kind::Half, Kind::BFloat16, Kind::Double, Kind::Int64, Kind::Bool];
    for kind in kinds {
        let tensor = Tensor::ones([2], (kind, Device::Cpu));
        for precision in [Precision::Full, Precision::F16, Precision::Bf16] {
            let is_ours = matches!(kind, Kind::Float | Kind::Half | Kind::BFloat16);
            let lowered = low(&tensor, precision).unwrap();
            let wanted = precision.low_kind().filter(|_| is_ours).unwrap_or(kind);
            assert_eq!(lowered.kind(), wanted, "{kind:?} to {precision}");
            assert_eq!(lowered.data_ptr() == tensor.data_ptr(), wanted == kind, "{kind:?} to {precision}");
        }
        let wide = full(&tensor).unwrap();
        assert_eq!(wide.kind(), if matches!(kind, Kind::Half | Kind::BFloat16) { Kind::Float } else { kind });
        assert_eq!(wide.data_ptr() == tensor.data_ptr(), wide.kind() == kind);
    }
    let (_store, weight) = store(&[2]);
    loss(&full(&low(&weight, Precision::F16).unwrap()).unwrap()).backward();
    assert_eq!((weight.grad().kind(), value(&weight.grad().sum(Kind::Float))), (Kind::Float, 2.));
}

/// A gradient whose sign is a flag and not in memory: the kernels would read it the wrong way round.
#[test]
fn a_gradient_with_a_pending_sign_is_the_gradient() {
    let (store, weight) = store(&[2]);
    let mut optim = wrapper(&store);
    let negative = Tensor::complex(
        &Tensor::zeros([2], (Kind::Float, Device::Cpu)),
        &Tensor::ones([2], (Kind::Float, Device::Cpu)),
    );
    let pending = negative.conj().imag();
    drop(optim.backward(&loss(&weight)).unwrap().accumulate());
    set_gradient(&weight, &pending).unwrap();
    drop(optim.step().unwrap());
    assert_eq!(value(&weight.get(0)), 2.);
}
