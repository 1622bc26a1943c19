//! Errors of optimizers and their wrapper: is each of them reached, and does it name what is wrong?
use amp_runtime::schedule::{Curve, Piece, Schedule};
use amp_runtime::{
    Adam, AdamW, ClipGrad, LossScale, OptimError, OptimWrapper, OptimWrapperBuilder, OptimWrapperDict,
    OptimWrapperError, OptimizerConfig, Paramwise, Precision, ScalerError, Sgd,
};
use amp_tests::recorded::Recorded;
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};

fn builder(config: impl Into<OptimizerConfig>) -> OptimWrapperBuilder {
    OptimWrapper::builder(config).precision(Precision::Full)
}

fn wrapper(model: &Recorded) -> OptimWrapper {
    builder(Sgd { lr: 0.5, momentum: 0.9, ..Sgd::default() }).build(&model.store).unwrap()
}

fn refusal(builder: OptimWrapperBuilder, store: &VarStore) -> OptimWrapperError {
    builder.build(store).expect_err("it was accepted")
}

fn optim(error: OptimWrapperError) -> OptimError {
    match error {
        OptimWrapperError::Optim(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    let sgd = Sgd::default();
    let adam = Adam::default();
    let adamw = AdamW::default();
    let cases: [(&str, OptimizerConfig); 17] = [
        ("lr", Sgd { lr: -1., ..sgd }.into()),
        ("lr", Sgd { lr: f64::NAN, ..sgd }.into()),
        ("momentum", Sgd { momentum: -0.1, ..sgd }.into()),
        ("dampening", Sgd { dampening: f64::INFINITY, ..sgd }.into()),
        ("weight_decay", Sgd { weight_decay: -1e-4, ..sgd }.into()),
        ("lr", Adam { lr: -1., ..adam }.into()),
        ("betas[0]", Adam { betas: (1., 0.9), ..adam }.into()),
        ("betas[1]", Adam { betas: (0.9, -0.1), ..adam }.into()),
        ("betas[1]", Adam { betas: (0.9, f64::NAN), ..adam }.into()),
        ("eps", Adam { eps: -1e-8, ..adam }.into()),
        ("weight_decay", Adam { weight_decay: -1., ..adam }.into()),
        ("lr", AdamW { lr: f64::NAN, ..adamw }.into()),
        ("betas[0]", AdamW { betas: (-0.1, 0.9), ..adamw }.into()),
        ("betas[1]", AdamW { betas: (0.9, 1.), ..adamw }.into()),
        ("eps", AdamW { eps: f64::NAN, ..adamw }.into()),
        ("weight_decay", AdamW { weight_decay: -1., ..adamw }.into()),
        ("weight_decay", AdamW { weight_decay: f64::NAN, ..adamw }.into()),
    ];
    let store = Recorded::small().store;
    for (wanted, config) in cases {
        match optim(refusal(builder(config), &store)) {
            OptimError::InvalidValue { field, .. } => assert_eq!(field, wanted, "{config:?}"),
            other => panic!("{config:?}: {other}"),
        }
    }
    for (momentum, dampening) in [(0., 0.), (0.9, 0.1)] {
        let config = Sgd { nesterov: true, momentum, dampening, ..sgd };
        assert!(matches!(optim(refusal(builder(config), &store)), OptimError::Nesterov { .. }));
    }
    let clips = [
        ("max_norm", ClipGrad::norm(-1.)),
        ("max_norm", ClipGrad::norm(f64::NAN)),
        ("norm_type", ClipGrad::Norm { max_norm: 1., norm_type: 0., error_if_nonfinite: false }),
        ("clip_value", ClipGrad::value(-0.5)),
    ];
    for (wanted, clip) in clips {
        let at_build = refusal(builder(sgd).clip_grad(clip), &store);
        let model = Recorded::small();
        let mut wrapper = wrapper(&model);
        let unscaled = wrapper.backward(&model.uniform_loss(1.)).unwrap().unscale().unwrap();
        let by_hand = unscaled.clip_grad(clip).err().unwrap();
        for error in [at_build, by_hand] {
            assert!(matches!(optim(error), OptimError::InvalidValue { field, .. } if field == wanted));
        }
    }
}

#[test]
fn contradictory_options_are_refused_at_build() {
    let store = Recorded::small().store;
    let sgd = Sgd::default();
    let off = OptimWrapper::builder(sgd).precision(Precision::F16).loss_scale(LossScale::Off);
    assert!(matches!(refusal(off, &store), OptimWrapperError::F16WithoutScaler));
    assert!(matches!(refusal(builder(sgd).accumulate(0), &store), OptimWrapperError::NoAccumulation));
    let scale = refusal(builder(sgd).loss_scale(LossScale::Static(0.)), &store);
    assert!(matches!(
        scale,
        OptimWrapperError::Scaler(ScalerError::InvalidValue { field: "loss_scale", .. })
    ));
    let paramwise = Paramwise { norm_decay_mult: Some(0.), ..Paramwise::default() };
    assert!(matches!(optim(refusal(builder(sgd).paramwise(paramwise), &store)), OptimError::NoWeightDecay));
}

/// A store with one good variable and a second one, `odd.weight`.
fn with_odd(odd: &Tensor) -> VarStore {
    let store = VarStore::new(Device::Cpu);
    let _ = store.root().zeros("good", &[2]);
    let _ = (store.root() / "odd").add("weight", odd.shallow_clone(), true);
    store
}

#[test]
fn variables_that_cannot_be_trained_are_named() {
    assert!(matches!(
        optim(refusal(builder(Sgd::default()), &VarStore::new(Device::Cpu))),
        OptimError::NoParameters
    ));
    let zeros = |kind| Tensor::zeros([4, 4], (kind, Device::Cpu));
    let cases = [
        ("HalfParameter", zeros(Kind::Half)),
        ("UnsupportedKind", zeros(Kind::ComplexFloat)),
        ("NotDense", zeros(Kind::Float).narrow(1, 0, 2)),
        ("NotDense", Tensor::zeros([1], (Kind::Float, Device::Cpu)).expand([4], false)),
    ];
    for (wanted, odd) in cases {
        let error = refusal(builder(Sgd::default()), &with_odd(&odd));
        let text = error.to_string();
        assert!(text.contains("odd.weight"), "{wanted}: {text}");
        let name = match optim(error) {
            OptimError::HalfParameter { .. } => "HalfParameter",
            OptimError::UnsupportedKind { .. } => "UnsupportedKind",
            OptimError::NotDense { .. } => "NotDense",
            other => panic!("{wanted}: {other}"),
        };
        assert_eq!(name, wanted);
    }
}

#[test]
fn a_parameter_registered_twice_is_named_twice_or_bypassed() {
    let store = VarStore::new(Device::Cpu);
    let tied = store.root().ones("tied", &[2]);
    let _ = (store.root() / "head").add("weight", tied.shallow_clone(), true);
    let error = optim(refusal(builder(Sgd::default()), &store));
    let OptimError::Duplicate { first, second } = &error else { panic!("{error}") };
    let mut names = [first.as_str(), second.as_str()];
    names.sort_unstable();
    assert_eq!(names, ["head.weight", "tied"]);

    let bypass = Paramwise { bypass_duplicate: true, ..Paramwise::default() };
    let sgd = Sgd { lr: 1., ..Sgd::default() };
    let mut wrapper = builder(sgd).paramwise(bypass).build(&store).unwrap();
    let _ = wrapper.update_params(&tied.sum(Kind::Float)).unwrap();
    assert_eq!(tied.sum(Kind::Float).double_value(&[]), 0., "it was not updated exactly once");
}

#[test]
fn losses_that_cannot_be_differentiated_are_refused() {
    let model = Recorded::small();
    let mut wrapper = wrapper(&model);
    let before = model.values();
    let vector = wrapper.update_params(&(model.variable("last.weight") * 2.)).unwrap_err();
    assert!(matches!(vector, OptimWrapperError::LossShape(shape) if shape == [2]));
    let empty = wrapper.update_params(&Tensor::zeros([0], (Kind::Float, Device::Cpu))).unwrap_err();
    assert!(matches!(empty, OptimWrapperError::LossShape(shape) if shape == [0]));
    let integer = wrapper.update_params(&Tensor::from(1i64)).unwrap_err();
    assert!(matches!(integer, OptimWrapperError::LossKind(Kind::Int64)));
    let detached = wrapper.update_params(&model.uniform_loss(1.).detach()).unwrap_err();
    assert!(matches!(detached, OptimWrapperError::LossWithoutGraph));
    let unheeded = tch::no_grad(|| wrapper.update_params(&model.uniform_loss(1.))).unwrap_err();
    assert!(matches!(unheeded, OptimWrapperError::LossWithoutGraph));
    assert!(model.unchanged_since(&before));
    assert_eq!(wrapper.inner_count(), 0);
    // One element in any shape is a loss.
    let _ = wrapper.update_params(&model.uniform_loss(1.).view([1, 1])).unwrap();
    assert!(!model.unchanged_since(&before));
}

#[test]
fn a_loss_of_other_parameters_names_ours() {
    let (model, other) = (Recorded::small(), Recorded::small());
    let error = wrapper(&model).update_params(&other.uniform_loss(1.)).unwrap_err();
    let text = error.to_string();
    assert!(matches!(optim(error), OptimError::NoGradients { count: 3, .. }));
    model.names().iter().for_each(|name| assert!(text.contains(name), "{text}"));
}

#[test]
fn gradients_that_the_kernels_cannot_use_are_named() {
    let store = VarStore::new(Device::Cpu);
    let embedding = store.root().ones("embedding", &[5, 3]);
    let mut sparse = builder(Sgd::default()).build(&store).unwrap();
    let rows = Tensor::from_slice(&[1i64, 4]);
    let loss = Tensor::embedding(&embedding, &rows, -1, false, true).sum(Kind::Float);
    let error = sparse.update_params(&loss).unwrap_err();
    assert!(matches!(optim(error), OptimError::SparseGradient { name } if name == "embedding"));
    assert_eq!(embedding.sum(Kind::Float).double_value(&[]), 15.);

    // A gradient that somebody replaced: by bf16, and by another shape.
    for (odd, wanted) in [
        (Tensor::ones([2], (Kind::BFloat16, Device::Cpu)), "GradientKind"),
        (Tensor::ones([3], (Kind::Float, Device::Cpu)), "GradientPlace"),
    ] {
        let model = Recorded::small();
        let mut wrapper = wrapper(&model);
        let before = model.values();
        let scaled = wrapper.backward(&model.uniform_loss(1.)).unwrap();
        model.variable("last.weight").grad().set_data(&odd);
        let error = scaled.unscale().err().unwrap();
        let name = match optim(error) {
            OptimError::GradientKind { name, param: Kind::Float, grad: Kind::BFloat16 } => {
                assert_eq!(wanted, "GradientKind");
                name
            }
            OptimError::GradientPlace { name, shape, grad_shape, .. } => {
                assert_eq!((wanted, shape, grad_shape), ("GradientPlace", vec![2], vec![3]));
                name
            }
            other => panic!("{other}"),
        };
        assert_eq!(name, "last.weight");
        assert!(model.unchanged_since(&before));
        // Dropping the gradients is the way on.
        wrapper.zero_grad().unwrap();
        let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
        assert!(!model.unchanged_since(&before));
    }
}

/// A model converted after its optimizer was built: nothing of it may be updated as if it were what it was.
#[test]
fn a_model_converted_under_its_optimizer_is_refused() {
    type Convert = fn(&mut VarStore);
    let converts: [(&str, Convert); 3] =
        [("half", VarStore::half), ("bfloat16", VarStore::bfloat16), ("double", VarStore::double)];
    let configs: [OptimizerConfig; 3] = [
        Sgd { lr: 0.5, ..Sgd::default() }.into(),
        Sgd { lr: 0.5, momentum: 0.9, ..Sgd::default() }.into(),
        Adam::default().into(),
    ];
    for (what, convert) in converts {
        for config in configs {
            let mut model = Recorded::small();
            let mut wrapper = builder(config).build(&model.store).unwrap();
            let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
            convert(&mut model.store);
            let before = model.values();
            let error = wrapper.update_params(&model.uniform_loss(1.)).unwrap_err();
            assert!(error.to_string().contains("first.weight"), "{what} {config:?}: {error}");
            assert!(model.unchanged_since(&before), "{what} {config:?}");
        }
    }
}

#[test]
fn a_wrong_order_of_calls_is_an_error() {
    let model = Recorded::small();
    let mut wrapper = wrapper(&model);
    let before = model.values();
    let calls = [
        ("step", wrapper.step().err()),
        ("clip_grad_norm", wrapper.clip_grad_norm(1.).err()),
        ("clip_grad_value", wrapper.clip_grad_value(1.).err()),
    ];
    for (call, error) in calls {
        assert!(matches!(error, Some(OptimWrapperError::BeforeBackward(name)) if name == call), "{call}");
    }
    // The loss's own backward leaves gradients that carry no scale: they are not taken for ours.
    model.uniform_loss(1.).backward();
    assert!(matches!(wrapper.step(), Err(OptimWrapperError::BeforeBackward("step"))));
    wrapper.zero_grad().unwrap();

    drop(wrapper.backward(&model.uniform_loss(1.)).unwrap().unscale().unwrap());
    let again = wrapper.backward(&model.uniform_loss(1.)).err();
    assert!(matches!(again, Some(OptimWrapperError::BackwardAfterUnscale)));
    assert!(matches!(wrapper.state(), Err(OptimWrapperError::StateWhileUnscaled)));
    assert!(model.unchanged_since(&before));
    let _ = wrapper.step().unwrap();
    assert!(matches!(wrapper.step(), Err(OptimWrapperError::BeforeBackward("step"))));
    assert_eq!(wrapper.applied_updates().unwrap(), 1);
}

#[test]
fn groups_that_do_not_exist_are_refused() {
    let model = Recorded::small();
    let mut wrapper = wrapper(&model);
    for error in [wrapper.set_lr_group(4, 0.1), wrapper.set_weight_decay_group(4, 0.1)] {
        match optim(error.unwrap_err()) {
            OptimError::UnknownGroup { id: 4, known } => assert_eq!(known, [0]),
            other => panic!("{other}"),
        }
    }
    for lr in [-1., f64::NAN] {
        assert!(wrapper.set_lr(lr).is_err() && wrapper.set_lr_group(0, lr).is_err());
        assert!(wrapper.set_weight_decay(lr).is_err() && wrapper.set_weight_decay_group(0, lr).is_err());
    }
    assert_eq!((wrapper.lr(), wrapper.groups()[0].lr, wrapper.groups()[0].weight_decay), (0.5, 0.5, 0.));
}

#[test]
fn what_tch_does_not_give_out_is_refused() {
    use nn::OptimizerConfig;
    let model = Recorded::small();
    let build = || nn::Sgd::default().build(&model.store, 0.1).unwrap();
    let mut wrapper = OptimWrapper::wrap(build()).precision(Precision::Full).build(&model.store).unwrap();
    let schedule = Schedule::new([Piece::new(Curve::Exponential { gamma: 0.5 })]).unwrap();
    let scheduled = OptimWrapper::wrap(build()).precision(Precision::Full).schedule(schedule);
    assert!(matches!(optim(refusal(scheduled, &model.store)), OptimError::NotOurs(_)));
    let paramwise = Paramwise { bias_lr_mult: Some(2.), ..Paramwise::default() };
    let multiplied = OptimWrapper::wrap(build()).precision(Precision::Full).paramwise(paramwise);
    assert!(matches!(optim(refusal(multiplied, &model.store)), OptimError::NotOurs(_)));
    assert!(matches!(optim(wrapper.state().err().unwrap()), OptimError::NotOurs(_)));
    let state = builder(Sgd::default()).build(&model.store).unwrap().state().unwrap();
    assert!(matches!(optim(wrapper.load_state(&state).err().unwrap()), OptimError::NotOurs(_)));
}

#[test]
fn a_state_that_does_not_fit_names_the_entry_and_changes_nothing() {
    let model = Recorded::small();
    let mut saved = wrapper(&model);
    let _ = saved.update_params(&model.uniform_loss(1.)).unwrap();
    let state = saved.state().unwrap();

    let renamed = Recorded::new([("other.weight", Tensor::from_slice(&[1f32]))]);
    let reshaped = Recorded::new(model.names().into_iter().map(|name| (name, Tensor::from_slice(&[1f32]))));
    let mut larger = Recorded::small();
    let _ = larger.add("extra", &Tensor::from_slice(&[1f32]), 0);
    for (misfit, key) in
        [(&renamed, "other.weight"), (&reshaped, "first.weight/momentum_buffer"), (&larger, "extra")]
    {
        let error = optim(wrapper(misfit).load_state(&state).unwrap_err());
        assert!(matches!(&error, OptimError::State { key: named, .. } if named == key), "{error}");
    }
    let mut adam = builder(Adam::default()).build(&model.store).unwrap();
    assert!(
        matches!(optim(adam.load_state(&state).unwrap_err()), OptimError::State { key, .. } if key == "type")
    );
    let mut scaled = builder(Sgd::default()).loss_scale(LossScale::dynamic()).build(&model.store).unwrap();
    let error = scaled.load_state(&state).unwrap_err();
    assert!(matches!(&error, OptimWrapperError::State { key, .. } if key == "loss_scaler"), "{error}");
    let mut windows = builder(Sgd::default()).accumulate(3).build(&model.store).unwrap();
    let error = windows.load_state(&state).unwrap_err();
    assert!(
        matches!(&error, OptimWrapperError::State { key, .. } if key == "accumulative_counts"),
        "{error}"
    );
    assert_eq!(windows.applied_updates().unwrap(), 0);
}

#[test]
fn a_dictionary_names_what_it_does_not_have() {
    let model = Recorded::small();
    let mut dict = OptimWrapperDict::new();
    dict.insert("generator", wrapper(&model));
    let error = dict.get("critic").err().unwrap();
    assert!(
        matches!(&error, OptimWrapperError::UnknownName { name, known } if name == "critic" && *known == ["generator"])
    );
    let mut others = dict.state().unwrap();
    others.insert("critic".to_owned(), wrapper(&model).state().unwrap());
    assert!(matches!(dict.load_state(&others), Err(OptimWrapperError::UnknownName { .. })));
    let none = std::collections::BTreeMap::new();
    let error = dict.load_state(&none).unwrap_err();
    assert!(matches!(&error, OptimWrapperError::State { key, .. } if key == "generator"), "{error}");
}

/// A wrapper can be printed, and what `build` returns be unwrapped either way.
#[test]
fn a_wrapper_shows_how_it_was_built() {
    let model = Recorded::small();
    let builder = OptimWrapper::builder(Sgd { lr: 0.25, ..Sgd::default() }).precision(Precision::Bf16);
    let shown = format!("{:?}", builder.accumulate(3).build(&model.store).unwrap());
    for part in ["Bf16", "lr: 0.25", "counts: 3", "config: Off"] {
        assert!(shown.contains(part), "{shown}");
    }
    let empty = VarStore::new(Device::Cpu);
    let error = OptimWrapper::builder(Sgd::default()).build(&empty).unwrap_err();
    assert!(matches!(error, OptimWrapperError::Optim(OptimError::NoParameters)), "{error}");
}
