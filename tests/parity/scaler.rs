//! The loss scaler beside what `torch.amp.GradScaler` did, case by case.
use super::{Recording, loss, numbers, weight, word, zeros};
use amp_runtime::{
    DynamicLossScale, Floor, GradScaler, LossScale, OptimError, OptimWrapper, OptimWrapperDict, Optimizer,
    Precision, ScalerError, ScalerState, Sgd, autocast,
};
use amp_tests::recorded::Recorded;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

const SYSTEM: &str = "torch.amp.GradScaler";
const CLEAN: [f32; 2] = [1., 2.];
const OVERFLOW: [f32; 2] = [f32::INFINITY, 1.];

struct Rig {
    model: Recorded,
    optimizer: Optimizer,
    scaler: GradScaler,
}

fn descent(model: &Recorded) -> Optimizer {
    Optimizer::new(Sgd { lr: 1., ..Sgd::default() }, &model.store).unwrap()
}

impl Rig {
    fn new(by: LossScale) -> Self {
        let model = zeros();
        Self { optimizer: descent(&model), model, scaler: GradScaler::new(by).unwrap() }
    }

    fn backward(mut self, gradient: [f32; 2]) -> Self {
        self.scaler.scale(&loss(&self.model, gradient)).unwrap().backward();
        self
    }

    fn unscale(mut self) -> Self {
        self.scaler.unscale(&mut self.optimizer).unwrap();
        self
    }

    fn step(mut self) -> Self {
        self.scaler.step(&mut self.optimizer).unwrap();
        self
    }

    fn train(self, gradient: [f32; 2]) -> Self {
        let mut rig = self.backward(gradient).step();
        rig.scaler.update().unwrap();
        rig
    }

    fn scale(&self) -> f64 {
        self.scaler.get_scale().unwrap()
    }

    fn numbers(&self) -> Value {
        json!({"weight": weight(&self.model), "scale": self.scale()})
    }
}

fn dynamic(change: impl FnOnce(&mut DynamicLossScale)) -> LossScale {
    let mut by = DynamicLossScale::default();
    change(&mut by);
    LossScale::Dynamic(by)
}

/// As theirs: no floor, no ceiling.
fn unlimited(growth_interval: u32) -> LossScale {
    dynamic(|by| {
        let (min_scale, max_scale) = (0., f64::INFINITY);
        *by = DynamicLossScale { growth_interval, min_scale, max_scale, on_floor: Floor::Clamp, ..*by };
    })
}

/// What is recorded for a case, and what it was here.
fn agree(recording: &Recording, case: &str, here: &Value) {
    assert_eq!(here, recording.gives(SYSTEM, case), "{case}");
}

/// What is recorded for a case is something else than what it is here, or the page is out of date.
fn depart(recording: &Recording, case: &str, here: &Value) {
    assert_ne!(here, recording.gives(SYSTEM, case), "{case}: no departure any more");
}

#[test]
fn the_defaults_are_theirs() {
    let recording = Recording::read();
    let ours = DynamicLossScale::default();
    for (argument, ours) in [
        ("init_scale", json!(ours.init_scale)),
        ("growth_factor", json!(ours.growth_factor)),
        ("backoff_factor", json!(ours.backoff_factor)),
        ("growth_interval", json!(ours.growth_interval)),
    ] {
        assert_eq!(ours, *recording.default(SYSTEM, argument), "{argument}");
    }
}

#[test]
fn steps_come_out_as_recorded() {
    let recording = Recording::read();
    let rig = || Rig::new(LossScale::dynamic());
    let soon = || Rig::new(dynamic(|by| by.growth_interval = 2));
    let stepped = rig().backward(CLEAN).step();
    agree(&recording, "`step` without `unscale_`", &stepped.numbers());
    assert!(!stepped.model.variable("weight").grad().defined());
    depart(&recording, "the gradient after `step`", &Value::Null);
    let unscaled = rig().backward(CLEAN).unscale().step();
    agree(&recording, "`unscale_`, then `step`: unscaled once", &unscaled.numbers());
    agree(&recording, "an overflow", &rig().train(OVERFLOW).numbers());
    agree(&recording, "a NaN", &rig().train([f32::NAN, 1.]).numbers());
    agree(&recording, "`growth_interval` clean updates", &soon().train(CLEAN).train(CLEAN).numbers());

    let mut late = soon().train(CLEAN).train(OVERFLOW).train(CLEAN);
    let state = late.scaler.state().unwrap().unwrap();
    let state = json!({"scale": state.scale, "_growth_tracker": state.growth_tracker});
    agree(&recording, "an overflow between clean updates", &state);

    let mut first = rig().backward(OVERFLOW);
    let other = zeros();
    let mut second = descent(&other);
    first.scaler.scale(&loss(&other, CLEAN)).unwrap().backward();
    first = first.step();
    first.scaler.step(&mut second).unwrap();
    first.scaler.update().unwrap();
    let mut both = first.numbers();
    both["other"] = weight(&other);
    agree(&recording, "an overflow in one of two optimizers", &both);
}

#[test]
fn scales_go_where_theirs_go() {
    let recording = Recording::read();
    let after =
        |by: LossScale, count: usize, gradient| (0..count).fold(Rig::new(by), |rig, _| rig.train(gradient));
    agree(&recording, "200 overflows in a row", &after(unlimited(2000), 200, OVERFLOW).numbers());
    let floored = after(dynamic(|by| by.on_floor = Floor::Clamp), 200, OVERFLOW);
    assert_eq!(floored.scale(), 1.);
    depart(&recording, "200 overflows in a row", &floored.numbers());

    agree(&recording, "300 growths in a row", &json!(after(unlimited(1), 300, CLEAN).scale()));
    let ours = after(dynamic(|by| by.growth_interval = 1), 300, CLEAN).scale();
    assert_eq!(ours, 24f64.exp2());
    depart(&recording, "300 growths in a row", &json!(ours));
}

#[test]
fn losses_are_scaled_as_recorded() {
    let recording = Recording::read();
    let mut scaler = GradScaler::new(LossScale::dynamic()).unwrap();
    let mut scale = |loss: &Tensor| scaler.scale(loss);
    let each = [1f32, 2.].map(|loss| numbers(&scale(&Tensor::from_slice(&[loss])).unwrap()));
    agree(&recording, "`scale` of a list", &json!(each));
    let half = |shape: &[i64]| Tensor::full(shape, 2., (Kind::Half, Device::Cpu));
    agree(&recording, "`scale` of an f16 scalar", &numbers(&scale(&half(&[])).unwrap()));
    let one = numbers(&scale(&half(&[1])).unwrap());
    assert_eq!(one, json!([131_072.]));
    depart(&recording, "`scale` of one f16 element", &one);
    let double = scale(&Tensor::from(1f64)).unwrap();
    agree(&recording, "the dtype of a scaled f64 loss", &word(double.kind()));
    assert_eq!(recording.gives(SYSTEM, "`scale` of integers"), "torch.float32");
    assert!(matches!(scale(&Tensor::from(3i64)), Err(ScalerError::NotFloating(Kind::Int64))));
}

/// Where theirs raises, ours does too; where it takes a number that cannot work, ours does not.
#[test]
fn numbers_are_refused_where_theirs_are_and_beyond() {
    let recording = Recording::read();
    let (mut both, mut ours_alone) = (0, 0);
    for (case, record) in recording.cases(SYSTEM) {
        let Some((field, number)) = case.trim_matches('`').split_once('=') else { continue };
        let Ok(number) = number.parse::<f64>() else { continue };
        if case.contains(' ') {
            continue;
        }
        let by = dynamic(|by| match field {
            "init_scale" => by.init_scale = number,
            "growth_factor" => by.growth_factor = number,
            "backoff_factor" => by.backoff_factor = number,
            "growth_interval" => by.growth_interval = 0,
            other => panic!("{other}"),
        });
        let refused = GradScaler::new(by).err();
        assert!(
            matches!(&refused, Some(ScalerError::InvalidValue { field: named, .. }) if *named == field),
            "{case}"
        );
        *if record.get("raises").is_some() { &mut both } else { &mut ours_alone } += 1;
    }
    assert_eq!((both, ours_alone), (4, 9));
}

#[test]
fn a_scale_is_set_as_recorded() {
    let recording = Recording::read();
    let begun = Rig::new(dynamic(|by| by.init_scale = 8.));
    agree(&recording, "`get_scale` before `scale`", &json!(begun.scale()));
    let mut rig = Rig::new(LossScale::dynamic()).backward(CLEAN).step();
    rig.scaler.set_scale(128.).unwrap();
    agree(&recording, "`update(128.0)`", &json!(rig.scale()));
    assert_eq!(*recording.gives(SYSTEM, "`update(0.0)`"), json!(0.));
    assert!(matches!(rig.scaler.set_scale(0.), Err(ScalerError::InvalidValue { .. })));

    let mut rig = Rig::new(LossScale::dynamic()).backward(CLEAN);
    rig.scaler.set_scale(32768.).unwrap();
    let moved = weight(&rig.step().model);
    assert_eq!(moved, json!([-1., -2.]));
    depart(&recording, "the scale set between `scale` and `step`", &moved);
}

fn state_of(value: &Value) -> Result<ScalerState, serde_json::Error> {
    let mut value = value.clone();
    if let Some(numbers) = value.as_object_mut() {
        // The two that PyTorch lacks.
        numbers.insert("hysteresis_tracker".to_owned(), json!(1));
        numbers.insert("floor_tracker".to_owned(), json!(0));
    }
    serde_json::from_value(value)
}

#[test]
fn states_are_read_and_written_as_theirs() {
    let recording = Recording::read();
    let mut scaler = GradScaler::new(LossScale::dynamic()).unwrap();
    let state = scaler.state().unwrap().unwrap();
    let mut ours: Vec<String> = json!(state).as_object().unwrap().keys().cloned().collect();
    ours.retain(|key| key != "hysteresis_tracker" && key != "floor_tracker");
    let theirs = recording.gives(SYSTEM, "the keys of `state_dict`").as_array().unwrap();
    let mut theirs: Vec<&str> = theirs.iter().map(|key| key.as_str().unwrap()).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);

    let loaded = recording.gives(SYSTEM, "a loaded state");
    scaler.load_state(&state_of(loaded).unwrap()).unwrap();
    let mut back = json!(scaler.state().unwrap().unwrap());
    let LossScale::Dynamic(config) = scaler.config() else { panic!("{:?}", scaler.config()) };
    assert_eq!(json!(config.growth_factor), loaded["growth_factor"]);
    assert_eq!(json!(config.backoff_factor), loaded["backoff_factor"]);
    assert_eq!(json!(config.growth_interval), loaded["growth_interval"]);
    back.as_object_mut().unwrap().retain(|key, _| key != "hysteresis_tracker" && key != "floor_tracker");
    assert_eq!(back, *loaded);

    assert!(recording.says(SYSTEM, "loading a state without `scale`").contains("scale"));
    let mut incomplete = loaded.clone();
    incomplete.as_object_mut().unwrap().remove("scale");
    assert!(state_of(&incomplete).unwrap_err().to_string().contains("missing field `scale`"));
    assert!(recording.says(SYSTEM, "loading an empty state").contains("is empty"));
    assert!(serde_json::from_value::<ScalerState>(json!({})).is_err());
    let stuck = state_of(recording.gives(SYSTEM, "loading `growth_factor=1.0`")).unwrap();
    assert!(matches!(
        scaler.load_state(&stuck),
        Err(ScalerError::InvalidValue { field: "growth_factor", .. })
    ));
    assert_eq!(recording.gives(SYSTEM, "loading `scale=nan`")["scale"], "nan");
    let undefined = ScalerState { scale: f64::NAN, ..state };
    assert!(matches!(scaler.load_state(&undefined), Err(ScalerError::State(_))));
}

/// Theirs refuses to be pickled there.
#[test]
fn a_state_between_step_and_update_is_the_last_updates() {
    let recording = Recording::read();
    assert!(recording.says(SYSTEM, "pickling between `step` and `update`").contains("after scaler.update()"));
    let mut rig = Rig::new(LossScale::dynamic()).train(OVERFLOW).backward(CLEAN);
    let before = rig.scaler.state().unwrap();
    let mut rig = rig.step();
    assert_eq!(rig.scaler.state().unwrap(), before);
    rig.scaler.update().unwrap();
    assert_ne!(rig.scaler.state().unwrap(), before);
}

#[test]
fn without_a_scale_nothing_is_scaled() {
    let recording = Recording::read();
    let mut off = Rig::new(LossScale::Off);
    agree(&recording, "disabled: `get_scale`", &json!(off.scale()));
    let scaled = off.scaler.scale(&Tensor::from_slice(&[3f32])).unwrap();
    agree(&recording, "disabled: `scale`", &numbers(&scaled));
    assert!(off.scaler.state().unwrap().is_none());
    agree(&recording, "`state_dict` of a disabled one", &json!({}));
    let skipped = off.train(OVERFLOW).numbers();
    assert_eq!(skipped["weight"], json!([0., 0.]));
    depart(&recording, "disabled: an overflow", &skipped);
}

#[test]
fn clipping_gives_their_norm() {
    let recording = Recording::read();
    let by = LossScale::Static(8.);
    let mut rig = Rig::new(by).backward([3., 4.]).unscale();
    let norm = rig.scaler.clip_grad_norm(&mut rig.optimizer, 1., 2.).unwrap();
    let clipped = json!({"norm": numbers(&norm), "weight": weight(&rig.step().model)});
    agree(&recording, "`clip_grad_norm_` after `unscale_`", &clipped);

    let mut scaled = Rig::new(by).backward([3., 4.]);
    assert_eq!(recording.gives(SYSTEM, "`clip_grad_norm_` before `unscale_`")["norm"], 40.);
    let early = scaled.scaler.clip_grad_norm(&mut scaled.optimizer, 1., 2.);
    assert!(matches!(early, Err(ScalerError::ClipBeforeUnscale)));
    assert_eq!(recording.gives(SYSTEM, "`clip_grad_norm_(-1.0)`")["norm"], 5.);
    let mut negative = scaled.unscale();
    let refused = negative.scaler.clip_grad_norm(&mut negative.optimizer, -1., 2.);
    assert!(matches!(refused, Err(ScalerError::Optim(OptimError::InvalidValue { field: "max_norm", .. }))));

    let mut huge = Rig::new(LossScale::Static(1.)).backward([3e38, 3e38]).unscale();
    let norm = huge.scaler.clip_grad_norm(&mut huge.optimizer, 1., 2.).unwrap();
    let theirs = recording.gives(SYSTEM, "`clip_grad_norm_` of finite gradients whose norm overflows");
    assert_eq!(numbers(&norm), theirs["norm"]);
    assert_eq!(weight(&huge.step().model), json!([0., 0.]));

    let mut model = zeros();
    let _ = model.add("idle", &Tensor::from_slice(&[1f32, 1.]), 0);
    let scaler = GradScaler::new(by).unwrap();
    let mut rig = Rig { optimizer: descent(&model), model, scaler }.backward([3., 4.]).unscale();
    let norm = rig.scaler.clip_grad_norm(&mut rig.optimizer, 1., 2.).unwrap();
    agree(&recording, "`clip_grad_norm_` with a parameter that has none", &numbers(&norm));
}

#[test]
fn gradients_of_other_dtypes() {
    let recording = Recording::read();
    let of = |kind| Recorded::new([("weight", Tensor::zeros([2], (kind, Device::Cpu)))]);
    let model = of(Kind::BFloat16);
    let scaler = GradScaler::new(LossScale::Static(8.)).unwrap();
    let mut rig = Rig { optimizer: descent(&model), model, scaler };
    let gradient = Tensor::from_slice(&CLEAN).to_kind(Kind::BFloat16);
    rig.scaler.scale(&rig.model.loss([("weight", gradient)])).unwrap().backward();
    agree(&recording, "bf16 gradients", &weight(&rig.step().model));
    assert!(recording.says(SYSTEM, "f16 gradients").contains("FP16 gradients"));
    let refused = Optimizer::new(Sgd::default(), &of(Kind::Half).store);
    assert!(matches!(refused, Err(OptimError::HalfParameter { name }) if name == "weight"));
}

/// What theirs refuses when it runs does not compile here: the types of the calls.
#[test]
fn types_leave_no_room() {
    const _: fn(&mut GradScaler, &Tensor) -> Result<Tensor, ScalerError> = GradScaler::scale;
    const _: fn(&mut GradScaler, &mut Optimizer) -> Result<(), ScalerError> = GradScaler::step;
    const _: fn(&mut GradScaler) -> Result<(), ScalerError> = GradScaler::update;
    const _: fn(&mut GradScaler, f64) -> Result<(), ScalerError> = GradScaler::set_scale;
    const _: fn(LossScale) -> Result<GradScaler, ScalerError> = GradScaler::new;
    const _: fn(Precision, fn()) = autocast;
    const _: fn(&mut OptimWrapperDict, String, OptimWrapper) -> Option<OptimWrapper> =
        OptimWrapperDict::insert;
    let recording = Recording::read();
    for (system, case) in [
        (SYSTEM, "`scale` of what is no tensor"),
        (SYSTEM, "`step` with a closure"),
        (SYSTEM, "`update(128)`"),
        (SYSTEM, "`update` with two numbers"),
        ("torch.autocast", "`device_type` is no string"),
        ("torch.autocast", "`device_type` is unknown"),
        ("OptimWrapperDict", "a value that is no wrapper"),
    ] {
        assert!(!recording.says(system, case).is_empty());
    }
}
