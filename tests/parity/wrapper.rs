//! The optimizer wrapper beside what MMEngine's `OptimWrapper`, `AmpOptimWrapper` and `OptimWrapperDict` did.
use super::{Recording, loss, weight, word, zeros};
use amp_runtime::config::OptimWrapperConfig;
use amp_runtime::{
    Adam, ClipGrad, LossScale, OptimWrapper, OptimWrapperBuilder, OptimWrapperDict, OptimWrapperError,
    Precision, ScalerError, Sgd, amp, autocast, with_precision,
};
use amp_tests::recorded::Recorded;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

const PLAIN: &str = "OptimWrapper";
const AMP: &str = "AmpOptimWrapper";
const DICT: &str = "OptimWrapperDict";
const CLEAN: [f32; 2] = [1., 2.];

struct Rig {
    model: Recorded,
    wrapper: OptimWrapper,
}

fn descent() -> OptimWrapperBuilder {
    OptimWrapper::builder(Sgd { lr: 1., ..Sgd::default() })
}

fn plain() -> OptimWrapperBuilder {
    descent().precision(Precision::Full)
}

fn amp() -> OptimWrapperBuilder {
    descent().precision(Precision::F16)
}

impl Rig {
    fn new(builder: OptimWrapperBuilder) -> Self {
        Self::of(zeros(), builder)
    }

    fn of(model: Recorded, builder: OptimWrapperBuilder) -> Self {
        Self { wrapper: builder.build(&model.store).unwrap(), model }
    }

    fn update(&mut self, gradient: [f32; 2]) -> Value {
        let _ = self.wrapper.update_params(&loss(&self.model, gradient)).unwrap();
        weight(&self.model)
    }

    /// What an update says of its norm, with MMEngine's name for it, and the weight after it.
    fn clipped(&mut self, gradient: [f32; 2]) -> Value {
        let outcome = self.wrapper.update_params(&loss(&self.model, gradient)).unwrap();
        let word = |norm: f64| if norm.is_finite() { json!(norm) } else { json!(norm.to_string()) };
        let logged = match outcome.stats().unwrap().grad_norm().unwrap() {
            Some(norm) => json!({"train/grad_norm": word(norm)}),
            None => json!({}),
        };
        json!({"logged": logged, "weight": weight(&self.model)})
    }

    /// The weight's first element after each of so many batches.
    fn steps(&mut self, batches: usize) -> Value {
        (0..batches).map(|_| self.update(CLEAN)[0].clone()).collect()
    }

    fn gradient_is_there(&self) -> bool {
        self.model.variable("weight").grad().defined()
    }
}

#[test]
fn the_defaults_are_theirs() {
    let recording = Recording::read();
    let config =
        OptimWrapperConfig::from_json(r#"{"type": "AmpOptimWrapper", "optimizer": {"type": "SGD"}}"#)
            .unwrap();
    assert_eq!(json!(config.accumulative_counts), *recording.default(PLAIN, "accumulative_counts"));
    assert!(config.clip_grad.is_none() && recording.default(PLAIN, "clip_grad").is_null());
    assert!(config.precision.is_none() && recording.default(AMP, "dtype").is_null());
    let mut rig = Rig::new(plain());
    assert_eq!(rig.steps(2), json!([-1., -2.]), "every batch updates");
}

#[test]
fn clipping_is_told_as_recorded() {
    let recording = Recording::read();
    let agree =
        |system: &str, case: &str, here: &Value| assert_eq!(here, recording.gives(system, case), "{case}");
    let clip = |builder: OptimWrapperBuilder| Rig::new(builder.clip_grad(ClipGrad::norm(1.)));
    agree(PLAIN, "`clip_grad` by norm", &clip(plain()).clipped([3., 4.]));
    agree(AMP, "`clip_grad` by norm", &clip(amp()).clipped([3., 4.]));
    agree(PLAIN, "no `clip_grad`", &Rig::new(plain()).clipped([3., 4.]));
    let by_value = Rig::new(plain().clip_grad(ClipGrad::value(3.5))).clipped([3., 4.]);
    agree(PLAIN, "`clip_grad` by value", &by_value);
    let mut overflow = clip(amp());
    agree(AMP, "`clip_grad` of an overflow", &overflow.clipped([f32::INFINITY, 1.]));
    assert_eq!(overflow.wrapper.skipped_updates().unwrap(), 1);

    let mut model = zeros();
    let _ = model.add("idle", &Tensor::from_slice(&[0f32, 0.]), 0);
    let mut rig = Rig::of(model, plain().clip_grad(ClipGrad::norm(1.)));
    agree(PLAIN, "`clip_grad` with a parameter without gradient", &rig.clipped([3., 4.]));
}

/// Theirs updates it all the same, by what is left of a gradient from before.
#[test]
fn a_frozen_parameter_stays() {
    let recording = Recording::read();
    let theirs = recording.gives(PLAIN, "`clip_grad` of a frozen parameter with an old gradient");
    assert_eq!(theirs["other"], json!([-50., -50.]));
    let mut model = zeros();
    let other = model.add("other", &Tensor::from_slice(&[0f32, 0.]), 0);
    (&other * 100.).sum(Kind::Float).backward();
    let other = other.set_requires_grad(false);
    let mut rig = Rig::of(model, plain().clip_grad(ClipGrad::norm(1.)));
    let stray = rig.wrapper.update_params(&loss(&rig.model, [3., 4.])).unwrap_err();
    assert!(matches!(&stray, OptimWrapperError::StrayGradient { name } if name == "other"), "{stray}");
    rig.wrapper.zero_grad().unwrap();
    let clipped = rig.clipped([3., 4.]);
    assert_eq!((&clipped["logged"], &clipped["weight"]), (&theirs["logged"], &theirs["weight"]));
    assert_eq!(super::numbers(&other), json!([0., 0.]));
}

#[test]
fn windows_update_as_recorded() {
    let recording = Recording::read();
    let agree = |case: &str, here: &Value| assert_eq!(here, recording.gives(PLAIN, case), "{case}");
    agree("a window of 2", &Rig::new(plain().accumulate(2)).steps(4));
    agree("windows of 3 in 4 batches", &Rig::new(plain().accumulate(3).max_counts(4)).steps(4));
    let mut resumed = Rig::new(plain().accumulate(3));
    resumed.wrapper.initialize_count_status(4, Some(9)).unwrap();
    agree("a resumed count inside a window", &resumed.steps(3));
    assert!(
        recording.case(PLAIN, "accumulation with batch norm")["warns"][0]
            .as_str()
            .unwrap()
            .contains("BatchNorm")
    );

    let mut rig = Rig::new(plain());
    let _ = rig.update(CLEAN);
    assert!(
        !rig.gradient_is_there() && recording.gives(PLAIN, "the gradient after `update_params`").is_null()
    );
    let _ = rig.wrapper.backward(&loss(&rig.model, CLEAN)).unwrap().unscale().unwrap().step().unwrap();
    assert!(!rig.gradient_is_there() && !recording.gives(PLAIN, "the gradient after `step`").is_null());
    let _ = rig.wrapper.backward(&loss(&rig.model, CLEAN)).unwrap().accumulate();
    rig.wrapper.zero_grad().unwrap();
    assert!(!rig.gradient_is_there() && recording.gives(PLAIN, "`zero_grad`, then the gradient").is_null());
}

#[test]
fn counts_are_saved() {
    let recording = Recording::read();
    let (mut saved, mut loaded) = (Rig::new(plain().accumulate(3)), Rig::new(plain().accumulate(3)));
    let _ = saved.steps(2);
    loaded.wrapper.load_state(&saved.wrapper.state().unwrap()).unwrap();
    assert_eq!((loaded.wrapper.inner_count(), loaded.gradient_is_there()), (2, true));
    assert_eq!(*recording.gives(PLAIN, "`inner_count` after loading"), json!(0));
}

/// Two groups, as the recorded ones: the second has half the rate.
fn two_groups() -> Rig {
    let mut model = zeros();
    let _ = model.add("other", &Tensor::from_slice(&[0f32, 0.]), 1);
    let mut rig = Rig::of(model, plain());
    rig.wrapper.set_lr_group(1, 0.5).unwrap();
    rig
}

fn rates(wrapper: &OptimWrapper) -> Value {
    wrapper.groups().iter().map(|group| json!(group.lr)).collect()
}

#[test]
fn numbers_of_groups_are_theirs() {
    let recording = Recording::read();
    let (one, two) = (Rig::new(plain()), two_groups());
    assert_eq!(rates(&one.wrapper), recording.gives(PLAIN, "`get_lr`, one group")["lr"]);
    let theirs = recording.gives(PLAIN, "`get_lr`, two groups");
    assert_eq!(
        (rates(&two.wrapper), json!([two.wrapper.lr()])),
        (theirs["lr"].clone(), theirs["base_lr"].clone())
    );
    let with_base = recording.gives(PLAIN, "the length of `param_groups`, two groups");
    assert_eq!(json!(two.wrapper.groups().len() + 1), *with_base);
    let momentum =
        |builder: OptimWrapperBuilder| Rig::new(builder.precision(Precision::Full)).wrapper.momentum();
    let sgd = momentum(OptimWrapper::builder(Sgd { momentum: 0.9, ..Sgd::default() }));
    let adam = momentum(OptimWrapper::builder(Adam { betas: (0.8, 0.99), ..Adam::default() }));
    assert_eq!(json!([sgd, adam]), *recording.gives(PLAIN, "`get_momentum` of SGD and Adam"));
}

/// `loss_scale={'init_scale': 0.0}` as JSON.
fn argument(case: &str) -> (&str, Value) {
    let (key, python) = case.trim_matches('`').split_once('=').unwrap();
    (key, serde_json::from_str(&python.replace('\'', "\"").replace("None", "null")).unwrap())
}

#[test]
fn loss_scales_begin_as_recorded() {
    let recording = Recording::read();
    let read = |keys: Value| {
        let mut config = json!({"type": "AmpOptimWrapper", "dtype": "float16", "optimizer": {"type": "SGD"}});
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        OptimWrapperConfig::from_json(&config.to_string())
    };
    let mut departures = Vec::new();
    for (case, record) in recording.cases(AMP).filter(|(case, _)| case.starts_with("`loss_scale=")) {
        let (key, value) = argument(case);
        let Ok(config) = read(json!({key: value})) else {
            if record.get("raises").is_none() {
                departures.push(case);
            }
            continue;
        };
        let mut rig = Rig::new(config.builder());
        let before = rig.wrapper.loss_scale().unwrap();
        if record.get("raises").is_some() {
            departures.push(case);
            continue;
        }
        assert_eq!(json!(before), record["gives"]["scale"], "{case}");
        let _ = rig.update([f32::INFINITY, 1.]);
        let is_fixed = rig.wrapper.loss_scale().unwrap() - before == 0.;
        assert_eq!(is_fixed, !record["gives"]["fixed"].is_null(), "{case}");
    }
    assert_eq!(departures, ["`loss_scale=512`", "`loss_scale=None`", "`loss_scale={'init_scale': 0.0}`"]);
    assert_eq!(*recording.default(AMP, "loss_scale"), json!("dynamic"));
    assert_eq!(Rig::new(amp()).wrapper.loss_scale().unwrap(), 65536.);
    let bf16 = Rig::new(descent().precision(Precision::Bf16));
    assert_eq!(bf16.wrapper.loss_scale().unwrap(), 1.);
    assert_eq!(recording.gives(AMP, "`dtype='bfloat16'`: its scaler")["enabled"], true);
}

#[test]
fn overflows_skip_as_recorded() {
    let recording = Recording::read();
    for (case, builder, batches, at) in [
        ("an overflow", amp(), 1, 0),
        ("an overflow, `loss_scale=512.0`", amp().loss_scale(LossScale::Static(512.)), 1, 0),
        ("an overflow in a window of 3", amp().accumulate(3), 3, 1),
    ] {
        let mut rig = Rig::new(builder);
        for batch in 0..batches {
            let _ = rig.update(if batch == at { [f32::INFINITY, 1.] } else { CLEAN });
        }
        let (scale, count) = (rig.wrapper.loss_scale().unwrap(), rig.wrapper.inner_count());
        let here = json!({"weight": weight(&rig.model), "scale": scale, "inner_count": count});
        assert_eq!(here, *recording.gives(AMP, case), "{case}");
        assert_eq!(rig.wrapper.lost_micro_batches().unwrap(), batches);
    }
}

#[test]
fn a_scaler_too_many_or_too_few_is_told() {
    let recording = Recording::read();
    let (mut scaled, mut bare) = (Rig::new(amp()), Rig::new(plain()));
    scaled.wrapper.set_loss_scale(8.).unwrap();
    let missing = scaled.wrapper.load_state(&bare.wrapper.state().unwrap()).unwrap_err();
    assert!(matches!(&missing, OptimWrapperError::State { key, .. } if key == "loss_scaler"), "{missing}");
    let surplus = bare.wrapper.load_state(&scaled.wrapper.state().unwrap()).unwrap_err();
    assert!(matches!(surplus, OptimWrapperError::Scaler(ScalerError::State(_))), "{surplus}");
    assert!(recording.gives(PLAIN, "loading a state with a loss scaler").is_null());
    // Whoever means it says so, and has what theirs gives.
    scaled.wrapper.load_state(&bare.wrapper.state().unwrap().without_scaler()).unwrap();
    let kept = json!(scaled.wrapper.loss_scale().unwrap());
    assert_eq!(kept, *recording.gives(AMP, "loading a state without a loss scaler"));
    bare.wrapper.load_state(&scaled.wrapper.state().unwrap().without_scaler()).unwrap();
}

/// What is borrowed cannot be emptied by who reads it.
#[test]
fn what_is_given_stays() {
    let recording = Recording::read();
    assert_eq!(*recording.gives(PLAIN, "the dict given as `clip_grad`"), json!({"max_norm": 1.}));
    let keys = recording.gives(AMP, "the dict given to `load_state_dict`").as_array().unwrap();
    assert!(!keys.contains(&json!("loss_scaler")));
    let mut rig = Rig::new(amp());
    let state = rig.wrapper.state().unwrap();
    rig.wrapper.load_state(&state).unwrap();
    rig.wrapper.load_state(&state).unwrap();
}

#[amp]
fn squared(xs: &Tensor) -> Tensor {
    xs.matmul(xs)
}

#[test]
fn a_context_is_a_region() {
    let recording = Recording::read();
    let square = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
    let within = |builder: OptimWrapperBuilder| {
        let rig = Rig::new(builder);
        let kind = autocast(rig.wrapper.precision(), || square.matmul(&square).kind());
        assert_eq!(with_precision(rig.wrapper.precision(), || squared(&square).kind()), kind);
        kind
    };
    assert_eq!(word(within(descent().precision(Precision::Bf16))), *recording.gives(AMP, "`optim_context`"));
    assert!(recording.says(AMP, "`optim_context` of f16 on the CPU").contains("only support"));
    assert_eq!(within(amp()), Kind::Half);
    assert_eq!(within(plain()), Kind::Float);
}

#[test]
fn a_dictionary_is_theirs() {
    let recording = Recording::read();
    let gives = |case: &str| recording.gives(DICT, case);
    let mut dict = OptimWrapperDict::new();
    assert_eq!(json!([dict.len(), dict.get("a").is_ok()]), *gives("no wrappers"));
    let (one, two) = (Rig::new(plain().accumulate(3)), two_groups());
    dict.insert("b", two.wrapper);
    dict.insert("a", one.wrapper);
    let names: Value = dict.iter_mut().map(|(name, _)| json!(name)).collect();
    assert_eq!(names, json!(["a", "b"]));
    assert_eq!(*gives("the names, in order"), json!(["b", "a"]));
    assert_eq!(json!(dict.state().unwrap().keys().collect::<Vec<_>>()), *gives("the keys of `state_dict`"));
    for (name, lr) in dict.lr() {
        let theirs = gives("`get_lr`");
        let base = theirs.get(format!("{name}.base_lr")).unwrap_or(&theirs[format!("{name}.lr")]);
        assert_eq!(json!([lr]), *base, "{name}");
    }
    for (name, wrapper) in dict.iter_mut() {
        assert_eq!(rates(wrapper), gives("`get_lr`")[format!("{name}.lr")], "{name}");
    }
    for (name, momentum) in dict.momentum() {
        let theirs = gives("`get_momentum`")[format!("{name}.momentum")].as_array().unwrap().clone();
        assert!(theirs.iter().all(|theirs| theirs.as_f64() == Some(momentum)), "{name}");
    }
    dict.initialize_count_status(3, Some(10)).unwrap();
    let counts: Value = dict.iter_mut().map(|(_, wrapper)| json!(wrapper.inner_count())).collect();
    assert_eq!(counts, json!([3, 3]));
    assert_eq!(*gives("`initialize_count_status`"), json!([0, 0]));

    let a = dict.get("a").unwrap();
    let _ = a.backward(&loss(&one.model, CLEAN)).unwrap().accumulate();
    dict.drop_window().unwrap();
    assert!(!one.model.variable("weight").grad().defined() && gives("`zero_grad`").is_null());
}
