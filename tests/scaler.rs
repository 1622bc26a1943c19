//! The loss scale's path: does it take the steps of `torch.amp.GradScaler`, and those of the two hysteresis rules?
use amp_runtime::{DynamicLossScale, Floor, GradScaler, LossScale, Optimizer, ScalerState, Sgd};
use amp_tests::device;
use amp_tests::goldens::{self, Goldens};
use amp_tests::recorded::Recorded;
use amp_tests::scale_model::ScaleModel;
use proptest::prelude::*;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

/// PyTorch's behaviour: no floor, no ceiling, nobody complains.
fn unlimited() -> DynamicLossScale {
    DynamicLossScale {
        min_scale: 0.,
        max_scale: f64::INFINITY,
        on_floor: Floor::Clamp,
        ..DynamicLossScale::default()
    }
}

/// A scaler and an optimizer of one parameter, whose gradient the test writes.
struct Rig {
    scaler: GradScaler,
    optimizer: Optimizer,
    model: Recorded,
    loss: Tensor,
    gradients: Vec<Tensor>,
    grad: Tensor,
}

impl Rig {
    fn new(by: DynamicLossScale) -> Self {
        let model = Recorded::new([("weight", Tensor::from_slice(&[0.25f32, -3.]))]);
        let optimizer = Optimizer::new(Sgd { lr: 0., ..Sgd::default() }, &model.store).unwrap();
        model.uniform_loss(1.).backward();
        let grad = model.variable("weight").grad();
        let pairs = [[1., -2.], [f32::INFINITY, 1.], [1., f32::NEG_INFINITY], [f32::NAN, -1.]];
        let gradients = pairs.iter().map(|pair| Tensor::from_slice(pair).to_device(device())).collect();
        let scaler = GradScaler::new(LossScale::Dynamic(by)).unwrap();
        let loss = model.any_loss();
        Self { scaler, optimizer, model, loss, gradients, grad }
    }

    fn gradient(&self, step: usize, overflow: bool) -> &Tensor {
        &self.gradients[if overflow { 1 + step % 3 } else { 0 }]
    }

    /// Check and update of the scale, without an update of the parameter.
    fn check(&mut self, step: usize, overflow: bool) -> ScalerState {
        let mut grad = self.grad.shallow_clone();
        grad.copy_(self.gradient(step, overflow));
        let _ = self.scaler.scale(&self.loss).unwrap();
        self.scaler.unscale(&mut self.optimizer).unwrap();
        self.scaler.update().unwrap();
        self.scaler.state().unwrap().unwrap()
    }

    /// A whole training step.
    fn train(&mut self, step: usize, overflow: bool) -> ScalerState {
        let _ = self.scaler.scale(&self.loss).unwrap();
        self.model.loss([("weight", self.gradient(step, overflow).shallow_clone())]).backward();
        self.scaler.step(&mut self.optimizer).unwrap();
        self.scaler.update().unwrap();
        self.scaler.state().unwrap().unwrap()
    }
}

/// One recorded sequence.
struct Trace {
    by: DynamicLossScale,
    whole_path: bool,
    overflows: Vec<bool>,
    /// After every step.
    scales: Vec<f64>,
    final_tracker: i64,
    tracker_samples: Vec<i64>,
    tracker_checksum: i64,
}

#[expect(clippy::cast_possible_truncation, reason = "the scale is stored in f32")]
fn traces() -> Vec<Trace> {
    const STEPS: usize = 3000;
    let file = Goldens::open("scaler_traces.safetensors");
    let floats = |name| file.f64s(name);
    let integers = |name| file.i64s(name);
    let (init, growth, backoff) = (floats("init_scale"), floats("growth_factor"), floats("backoff_factor"));
    let (interval, whole) = (integers("growth_interval"), integers("full_path"));
    let (overflow_offsets, overflow_steps) = (integers("overflow_offsets"), integers("overflow_steps"));
    let (change_offsets, change_steps) = (integers("change_offsets"), integers("change_steps"));
    let change_scales = floats("change_scales");
    let (finals, samples) = (integers("final_tracker"), integers("tracker_samples"));
    let checksums = integers("tracker_checksum");
    let index = |value: i64| usize::try_from(value).unwrap();
    let trace = |i: usize| {
        let mut overflows = vec![false; STEPS];
        for &step in &overflow_steps[index(overflow_offsets[i])..index(overflow_offsets[i + 1])] {
            overflows[index(step)] = true;
        }
        let mut scales = vec![f64::from(init[i] as f32); STEPS];
        for change in index(change_offsets[i])..index(change_offsets[i + 1]) {
            scales[index(change_steps[change])..].fill(change_scales[change]);
        }
        let by = DynamicLossScale {
            init_scale: init[i],
            growth_factor: growth[i],
            backoff_factor: backoff[i],
            growth_interval: u32::try_from(interval[i]).unwrap(),
            ..unlimited()
        };
        Trace {
            by,
            whole_path: whole[i] == 1,
            overflows,
            scales,
            final_tracker: finals[i],
            tracker_samples: samples[i * 30..(i + 1) * 30].to_vec(),
            tracker_checksum: checksums[i],
        }
    };
    (0..init.len()).map(trace).collect()
}

/// One of how many sequences is followed: three million steps, each of which is read back, would take a GPU half an hour.
fn every() -> usize {
    let every = if device() == Device::Cpu { 1 } else { 100 };
    println!("one of {every} sequences, on {:?}", device());
    every
}

/// Follows a recorded sequence; `update` returns scale and growth tracker after a step.
fn follow(number: usize, trace: &Trace, mut update: impl FnMut(usize, bool) -> (f64, i64)) {
    let (mut checksum, mut samples, mut last) = (0, Vec::new(), 0);
    for (step, (&overflow, &wanted)) in trace.overflows.iter().zip(&trace.scales).enumerate() {
        let (scale, tracker) = update(step, overflow);
        assert_eq!(
            scale.to_bits(),
            wanted.to_bits(),
            "sequence {number}, step {step}: {scale}, not {wanted}"
        );
        checksum += (i64::try_from(step).unwrap() + 1) * tracker;
        if step % 100 == 99 {
            samples.push(tracker);
        }
        last = tracker;
    }
    assert_eq!(samples, trace.tracker_samples, "sequence {number}: growth trackers");
    assert_eq!(checksum, trace.tracker_checksum, "sequence {number}: growth trackers");
    assert_eq!(last, trace.final_tracker, "sequence {number}: growth tracker");
}

#[test]
fn every_recorded_trace_of_unscale_and_update() {
    let traces = traces();
    assert_eq!(traces.len(), 1000);
    let checked = traces.iter().enumerate().filter(|(_, trace)| !trace.whole_path);
    for (number, trace) in checked.step_by(every()) {
        let mut rig = Rig::new(trace.by);
        follow(number, trace, |step, overflow| {
            let state = rig.check(step, overflow);
            (state.scale, state.growth_tracker)
        });
    }
}

/// PyTorch's parameters become NaN in some of these sequences: at a scale of 0 its inverse is inf, and 0 * inf is applied.
/// Ours skips there.
#[test]
fn every_recorded_trace_of_whole_steps() {
    let traces = traces();
    let trained = traces.iter().enumerate().filter(|(_, trace)| trace.whole_path);
    let mut scales = trained.clone().flat_map(|(_, trace)| &trace.scales);
    assert!(scales.any(|scale| *scale == 0.), "no recorded sequence reaches a scale of 0 any more");
    for (number, trace) in trained.step_by(every()) {
        let mut rig = Rig::new(trace.by);
        let before = rig.model.values();
        follow(number, trace, |step, overflow| {
            let state = rig.train(step, overflow);
            (state.scale, state.growth_tracker)
        });
        assert!(rig.model.unchanged_since(&before), "sequence {number}: learning rate 0 moved the parameter");
    }
}

#[test]
fn every_recorded_trace_of_the_model() {
    for (number, trace) in traces().iter().enumerate() {
        let mut model = ScaleModel::new(trace.by);
        follow(number, trace, |_, overflow| {
            model.update(overflow);
            (f64::from(model.scale), model.growth_tracker)
        });
    }
}

/// The arguments of a recorded hysteresis sequence, in one of the two styles.
fn hysteresis(entry: &Value, consecutive: bool) -> DynamicLossScale {
    let number = |key: &str| entry[key].as_f64();
    let count = |key: &str| u32::try_from(entry[key].as_u64().unwrap()).unwrap();
    DynamicLossScale {
        init_scale: number("init_scale").unwrap(),
        growth_factor: number("growth_factor").unwrap(),
        backoff_factor: number("backoff_factor").unwrap(),
        growth_interval: count("growth_interval"),
        min_scale: number("min_scale").unwrap_or(0.),
        max_scale: number("max_scale").unwrap_or(f64::INFINITY),
        hysteresis: count("hysteresis"),
        consecutive_hysteresis: consecutive,
        on_floor: Floor::Clamp,
    }
}

const STYLES: [(&str, bool); 2] = [("megatron", false), ("consecutive", true)];

#[test]
fn the_published_hysteresis_trace() {
    let fixed = &goldens::json("hysteresis.json")["fixed"];
    for (style, consecutive) in STYLES {
        let mut rig = Rig::new(hysteresis(fixed, consecutive));
        let found = fixed["found"].as_array().unwrap().iter().enumerate();
        let scales: Vec<f64> =
            found.map(|(step, found)| rig.check(step, found.as_u64() == Some(1)).scale).collect();
        let wanted: Vec<f64> =
            fixed[style].as_array().unwrap().iter().map(|scale| scale.as_f64().unwrap()).collect();
        assert_eq!(scales, wanted, "{style}");
    }
}

#[test]
fn every_recorded_hysteresis_trace() {
    let document = goldens::json("hysteresis.json");
    let entries = document["random"].as_array().unwrap();
    assert_eq!(entries.len(), 200);
    for (number, entry) in entries.iter().enumerate().step_by(every()) {
        let steps = usize::try_from(entry["steps"].as_u64().unwrap()).unwrap();
        let overflows: Vec<u64> =
            entry["overflow_steps"].as_array().unwrap().iter().map(|step| step.as_u64().unwrap()).collect();
        for (style, consecutive) in STYLES {
            let by = hysteresis(entry, consecutive);
            let (mut rig, mut model) = (Rig::new(by), ScaleModel::new(by));
            let mut before = f64::from(model.scale);
            let (mut changes, mut tracker) = (Vec::new(), 0);
            for step in 0..steps {
                let overflow = overflows.contains(&(step as u64));
                let state = rig.check(step, overflow);
                model.update(overflow);
                assert_eq!(f64::from(model.scale), state.scale, "{style} {number}, step {step}: the model");
                if state.scale.to_bits() != before.to_bits() {
                    changes.push((step as u64, state.scale));
                }
                (before, tracker) = (state.scale, state.growth_tracker);
            }
            let wanted = entry[style]["changes"].as_array().unwrap().iter();
            let wanted: Vec<_> =
                wanted.map(|at| (at[0].as_u64().unwrap(), at[1].as_f64().unwrap())).collect();
            assert_eq!(changes, wanted, "{style} {number}");
            assert_eq!(Some(tracker), entry[style]["growth_tracker"].as_i64(), "{style} {number}");
        }
    }
}

fn any_scale() -> impl Strategy<Value = DynamicLossScale> {
    let power = prop_oneof![(0i32..25).prop_map(|k| f64::from(k).exp2()), (0f64..24.).prop_map(f64::exp2)];
    let growth = prop_oneof![Just(2.), 1.0001f64..4.];
    let backoff = prop_oneof![Just(0.5), 0.05f64..0.99];
    let floor = prop_oneof![Just(0.), Just(1.), 1e-4f64..1.];
    let ceiling = prop_oneof![Just(f64::INFINITY), Just(1.), 1f64..1e3];
    (power, growth, backoff, 1u32..12, floor, ceiling, 1u32..5, any::<bool>()).prop_map(
        |(
            init_scale,
            growth_factor,
            backoff_factor,
            growth_interval,
            floor,
            ceiling,
            hysteresis,
            consecutive,
        )| {
            DynamicLossScale {
                init_scale,
                growth_factor,
                backoff_factor,
                growth_interval,
                min_scale: (floor * init_scale).min(init_scale),
                max_scale: ceiling * init_scale,
                hysteresis,
                consecutive_hysteresis: consecutive,
                on_floor: Floor::Clamp,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_configuration_follows_the_model(
        by in any_scale(),
        overflows in prop::collection::vec(prop::bool::weighted(0.35), 1..120),
    ) {
        let (mut rig, mut model) = (Rig::new(by), ScaleModel::new(by));
        for (step, &overflow) in overflows.iter().enumerate() {
            let state = rig.check(step, overflow);
            model.update(overflow);
            prop_assert_eq!(state.scale.to_bits(), f64::from(model.scale).to_bits(), "step {}", step);
            prop_assert_eq!(state.growth_tracker, model.growth_tracker, "step {}", step);
            if by.hysteresis > 1 {
                prop_assert_eq!(state.hysteresis_tracker, model.hysteresis_tracker, "step {}", step);
            }
            prop_assert_eq!(rig.grad.kind(), Kind::Float);
        }
    }
}
