//! The updates: do SGD, Adam and AdamW compute what `torch.optim` computes, for the parameters that they should?
use amp_runtime::{
    Adam, AdamW, ClipGrad, DynamicLossScale, GradScaler, LossScale, OptimWrapper, Optimizer, OptimizerConfig,
    Precision, Sgd, StepOutcome,
};
use amp_tests::device;
use amp_tests::goldens::{self, Goldens, OTHER_KERNELS, assert_same, relative_difference, same_bits};
use amp_tests::recorded::Recorded;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

const FILE: &str = "optimizers.safetensors";
const STEPS: i64 = 200;
/// torch's plain loops round some hundred times where the fused kernels round once: norm of the difference over the norm.
const PLAIN: f64 = 1e-6;

/// The same, which on a GPU is no nearer to a CPU's plain loop than to its fused kernels.
fn plain_bound() -> f64 {
    if device() == Device::Cpu { PLAIN } else { OTHER_KERNELS }
}

struct Reference {
    file: Goldens,
    document: Value,
    exact: bool,
}

impl Reference {
    fn open() -> Self {
        let file = Goldens::open(FILE);
        let exact = file.same_kernels();
        Self { file, document: goldens::json("optimizers.json"), exact }
    }

    fn model(&self) -> Recorded {
        let mut model = Recorded::default();
        for param in self.document["params"].as_array().unwrap() {
            let name = param["name"].as_str().unwrap();
            let group = usize::try_from(param["group"].as_u64().unwrap()).unwrap();
            let _ = model.add(name, self.file.tensor(&format!("init/{name}")), group);
        }
        model
    }

    /// The recorded gradients of a step; a row of NaN is none.
    fn gradients<'a>(&self, model: &'a Recorded, step: i64) -> Vec<(&'a str, Tensor)> {
        let all = model.names().into_iter().map(|name| {
            let grad = self.file.tensor(&format!("grad/{name}")).get(step);
            (name, grad)
        });
        all.filter(|(_, grad)| !bool::try_from(grad.isnan().all()).unwrap()).collect()
    }

    /// Compares the parameters with those recorded after so many updates, if they were.
    fn check_params(&self, run: &str, after: i64, model: &Recorded) {
        for name in model.names() {
            let got = model.variable(name);
            let fused = self.file.tensor(&format!("{run}/fused/after{after}/{name}"));
            assert_same(&got, fused, self.exact, &format!("{run} after {after}: {name}"));
            let plain = self.file.tensor(&format!("{run}/plain/after{after}/{name}"));
            let difference = relative_difference(&got, plain);
            assert!(
                difference < plain_bound(),
                "{run} after {after}: {name} is {difference:e} from the plain loop"
            );
        }
    }

    fn check_state(&self, run: &str, state: &std::collections::BTreeMap<String, Tensor>) {
        let fused = format!("{run}/fused/state/");
        let wanted: Vec<_> = self.file.below(&fused).collect();
        assert_eq!(wanted.len(), state.len(), "{run}: {:?}", state.keys());
        for (key, wanted) in wanted {
            let got = state[key].to_kind(Kind::Float);
            assert_same(&got, wanted, self.exact, &format!("{run}: {key}"));
            let plain = self.file.tensor(&format!("{run}/plain/state/{key}"));
            let difference = relative_difference(&got, plain);
            assert!(difference < plain_bound(), "{run}: {key} is {difference:e} from the plain loop");
        }
    }
}

fn config(entry: &Value) -> OptimizerConfig {
    let mut args = entry["args"].clone();
    args["type"] = entry["optimizer"].clone();
    serde_json::from_value(args).unwrap()
}

/// One update without loss scale.
fn apply(optimizer: &mut Optimizer, loss: &Tensor) {
    let mut scaler = GradScaler::new(LossScale::Off).unwrap();
    loss.backward();
    scaler.step(optimizer).unwrap();
    scaler.update().unwrap();
}

#[test]
fn two_hundred_updates_as_torch_computes_them() {
    let reference = Reference::open();
    let configs = reference.document["configs"].as_array().unwrap();
    assert_eq!(configs.len(), 14);
    for entry in configs {
        let run = entry["name"].as_str().unwrap();
        let model = reference.model();
        let mut optimizer = Optimizer::new(config(entry), &model.store).unwrap();
        for step in 0..STEPS {
            apply(&mut optimizer, &model.loss(reference.gradients(&model, step)));
            if [1, 2, 10, 100, 200].contains(&(step + 1)) {
                reference.check_params(run, step + 1, &model);
            }
        }
        reference.check_state(run, optimizer.state().unwrap().tensors());
    }
}

#[test]
fn scaled_and_clipped_runs_with_overflows_as_torch_computes_them() {
    // Our norm of f32 gradients on the CPU sums in another order than torch's: its last bit, and so the clipped gradients'.
    let reference = Reference { exact: false, ..Reference::open() };
    let scaler = &reference.document["scaler"];
    let number = |key: &str| scaler[key].as_f64().unwrap();
    let by = DynamicLossScale {
        init_scale: number("init_scale"),
        growth_factor: number("growth_factor"),
        backoff_factor: number("backoff_factor"),
        growth_interval: u32::try_from(scaler["growth_interval"].as_u64().unwrap()).unwrap(),
        min_scale: 0.,
        max_scale: f64::INFINITY,
        ..DynamicLossScale::default()
    };
    let runs = reference.document["scaled"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    for entry in runs {
        let run = format!("scaled/{}", entry["name"].as_str().unwrap());
        let recorded = |what: &str| reference.file.f64s(&format!("{run}/fused/{what}"));
        let (scales, norms, found_inf) = (recorded("scales"), recorded("norms"), recorded("found_inf"));
        let model = reference.model();
        let mut wrapper = OptimWrapper::builder(config(entry))
            .precision(Precision::F16)
            .loss_scale(LossScale::Dynamic(by))
            .clip_grad(ClipGrad::norm(number("max_norm")))
            .build(&model.store)
            .unwrap();
        let mut skipped = 0;
        for (step, wanted_found) in (0..).zip(&found_inf) {
            let mut gradients = reference.gradients(&model, step);
            for overflow in entry["overflows"].as_array().unwrap() {
                if overflow["step"].as_i64() == Some(step) {
                    let bad: f64 = overflow["value"].as_str().unwrap().parse().unwrap();
                    let (_, grad) =
                        gradients.iter_mut().find(|(name, _)| overflow["param"] == *name).unwrap();
                    *grad = grad.copy();
                    let _ = grad.view(-1).get(overflow["index"].as_i64().unwrap()).fill_(bad);
                }
            }
            let before = wrapper.loss_scale().unwrap();
            let outcome = wrapper.update_params(&model.loss(gradients)).unwrap();
            let StepOutcome::Stepped(stats) = outcome else { panic!("{run}, step {step}: no update") };
            let at = usize::try_from(step).unwrap();
            assert_eq!(stats.loss_scale().unwrap(), before, "{run}, step {step}");
            assert_eq!(wrapper.loss_scale().unwrap(), scales[at], "{run}, step {step}");
            assert_eq!(stats.found_inf().unwrap(), *wanted_found == 1., "{run}, step {step}");
            assert_eq!(stats.skipped().unwrap(), *wanted_found == 1., "{run}, step {step}");
            skipped += u64::from(*wanted_found == 1.);
            let norm = stats.grad_norm().unwrap().unwrap();
            if norms[at].is_finite() {
                let allowed = 1e-6 * norms[at];
                assert!((norm - norms[at]).abs() <= allowed, "{run}, step {step}: {norm}, not {}", norms[at]);
            } else {
                assert!(!norm.is_finite(), "{run}, step {step}: {norm}");
            }
            if (step + 1) % 10 == 0 {
                reference.check_params(&run, step + 1, &model);
            }
        }
        assert_eq!(wrapper.skipped_updates().unwrap(), skipped, "{run}");
        reference.check_state(&run, wrapper.state().unwrap().optimizer().tensors());
    }
}

fn every_optimizer() -> Vec<OptimizerConfig> {
    vec![
        Sgd { lr: 0.1, weight_decay: 0.1, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.1, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.1, ..Sgd::default() }.into(),
        Adam { lr: 0.1, weight_decay: 0.1, amsgrad: true, ..Adam::default() }.into(),
        AdamW { lr: 0.1, weight_decay: 0.1, ..AdamW::default() }.into(),
    ]
}

/// A loss that leaves out all variables but the named ones.
fn loss_of(model: &Recorded, names: &[&str], seed: f64) -> Tensor {
    model.loss(names.iter().map(|&name| {
        let variable = model.variable(name).detach();
        (name, variable.sin() * seed + 0.125)
    }))
}

#[test]
fn a_parameter_without_gradient_is_left_alone() {
    for config in every_optimizer() {
        let model = Recorded::small();
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        // Momentum and averages exist by now: nothing of them must move the weight.
        apply(&mut optimizer, &loss_of(&model, &["first.weight", "middle.bias"], 1.));
        let before = model.values();
        let state = optimizer.state().unwrap();
        apply(&mut optimizer, &loss_of(&model, &["middle.bias"], 2.));
        let after = model.values();
        assert!(same_bits(&before[0], &after[0]), "{config:?}: no gradient, but an update");
        assert!(!same_bits(&before[1], &after[1]), "{config:?}: a gradient, but no update");
        let later = optimizer.state().unwrap();
        for (key, tensor) in state.tensors() {
            let same = same_bits(tensor, &later.tensors()[key]);
            assert_eq!(same, !key.starts_with("middle.bias"), "{config:?}: {key}");
        }
    }
}

/// What the variable `name` becomes if it is trained alone, with these losses.
fn alone(config: OptimizerConfig, name: &str, value: &Tensor, seeds: &[f64]) -> Tensor {
    let model = Recorded::new([(name, value.shallow_clone())]);
    let mut optimizer = Optimizer::new(config, &model.store).unwrap();
    for &seed in seeds {
        apply(&mut optimizer, &loss_of(&model, &[name], seed));
    }
    model.variable(name)
}

#[test]
fn a_late_first_gradient_begins_as_if_alone() {
    for config in every_optimizer() {
        let model = Recorded::small();
        let start = model.values();
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        for seed in [1., 2.] {
            apply(&mut optimizer, &loss_of(&model, &["first.weight"], seed));
        }
        for seed in [3., 4., 5.] {
            apply(&mut optimizer, &loss_of(&model, &["first.weight", "middle.bias"], seed));
        }
        let first = alone(config, "first.weight", &start[0], &[1., 2., 3., 4., 5.]);
        assert!(same_bits(&model.variable("first.weight"), &first), "{config:?}");
        let late = alone(config, "middle.bias", &start[1], &[3., 4., 5.]);
        assert!(same_bits(&model.variable("middle.bias"), &late), "{config:?}");
    }
}

#[test]
fn a_variable_added_after_the_optimizer_joins_the_next_update() {
    for config in every_optimizer() {
        let mut model = Recorded::small();
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        apply(&mut optimizer, &model.uniform_loss(1.));
        let value = Tensor::from_slice(&[0.5f32, -1.]);
        let _ = model.add("late.weight", &value, 3);
        apply(&mut optimizer, &loss_of(&model, &["late.weight", "first.weight"], 2.));
        assert!(same_bits(&model.variable("late.weight"), &alone(config, "late.weight", &value, &[2.])));
        let groups = optimizer.groups();
        assert_eq!(groups[1].id, 3);
        assert_eq!(groups[1].parameters, ["late.weight"]);
    }
}

#[test]
fn frozen_variables_stay_and_train_again_once_thawed() {
    for config in every_optimizer() {
        let model = Recorded::small();
        let frozen = model.variable("middle.bias").set_requires_grad(false);
        let start = frozen.detach().copy();
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        apply(&mut optimizer, &model.uniform_loss(1.));
        assert!(same_bits(&frozen, &start), "{config:?}");
        let _ = frozen.set_requires_grad(true);
        apply(&mut optimizer, &model.uniform_loss(1.));
        assert!(!same_bits(&frozen, &start), "{config:?}");
    }
}

#[test]
fn each_group_has_its_own_numbers() {
    for config in every_optimizer() {
        let mut model = Recorded::small();
        let value = Tensor::from_slice(&[0.5f32, -1., 2.]);
        let _ = model.add("other.weight", &value, 7);
        let start = model.values();
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        optimizer.set_lr(0.05).unwrap();
        optimizer.set_lr_group(7, 0.02).unwrap();
        optimizer.set_weight_decay(0.2).unwrap();
        optimizer.set_weight_decay_group(7, 0.3).unwrap();
        let change = |lr: f64, weight_decay: f64| match config {
            OptimizerConfig::Sgd(sgd) => OptimizerConfig::Sgd(Sgd { lr, weight_decay, ..sgd }),
            OptimizerConfig::Adam(adam) => OptimizerConfig::Adam(Adam { lr, weight_decay, ..adam }),
            OptimizerConfig::AdamW(adamw) => OptimizerConfig::AdamW(AdamW { lr, weight_decay, ..adamw }),
        };
        for seed in [1., 2., 3.] {
            apply(&mut optimizer, &loss_of(&model, &["first.weight", "other.weight"], seed));
        }
        let first = alone(change(0.05, 0.2), "first.weight", &start[0], &[1., 2., 3.]);
        assert!(same_bits(&model.variable("first.weight"), &first), "{config:?}");
        let other = alone(change(0.02, 0.3), "other.weight", &value, &[1., 2., 3.]);
        assert!(same_bits(&model.variable("other.weight"), &other), "{config:?}");
        let numbers: Vec<_> = optimizer.groups().iter().map(|g| (g.id, g.lr, g.weight_decay)).collect();
        assert_eq!(numbers, [(0, 0.05, 0.2), (7, 0.02, 0.3)]);
        assert_eq!(optimizer.lr(), 0.05);
        let _ = model.add("late.weight", &value, 9);
        apply(&mut optimizer, &loss_of(&model, &["late.weight"], 1.));
        let late = &optimizer.groups()[2];
        assert_eq!((late.id, late.lr, late.weight_decay), (9, 0.05, 0.2));
    }
}

#[test]
fn sgd_without_momentum_remembers_nothing() {
    let model = Recorded::small();
    let mut optimizer = Optimizer::new(Sgd { lr: 0.5, ..Sgd::default() }, &model.store).unwrap();
    let before = model.values();
    apply(&mut optimizer, &model.uniform_loss(1.));
    assert!(optimizer.state().unwrap().tensors().is_empty());
    for (after, before) in model.values().iter().zip(&before) {
        assert!(same_bits(after, &(before - 0.5)));
    }
}

#[test]
fn several_dtypes_update_together() {
    for config in every_optimizer() {
        let kinds = [("a", Kind::Float), ("b", Kind::Double), ("c", Kind::BFloat16)];
        let value = |kind| Tensor::from_slice(&[0.5f32, -1., 2.]).to_kind(kind);
        let model = Recorded::new(kinds.map(|(name, kind)| (name, value(kind))));
        let mut optimizer = Optimizer::new(config, &model.store).unwrap();
        for seed in [1., 2.] {
            apply(&mut optimizer, &loss_of(&model, &["a", "b", "c"], seed));
        }
        for (name, kind) in kinds {
            assert_eq!(model.variable(name).kind(), kind);
            assert!(
                same_bits(&model.variable(name), &alone(config, name, &value(kind), &[1., 2.])),
                "{name}"
            );
        }
    }
}

/// 67 elements: whole vectors and a tail, for the CPU's bf16 kernel of SGD (libtorch 2.11) updates the tail only.
#[test]
fn bf16_parameters_move_as_f32_ones_do() {
    for config in every_optimizer() {
        let value = Tensor::linspace(-1., 1., 67, (Kind::Float, device())).to_kind(Kind::BFloat16);
        let narrow = Recorded::new([("weight", value.shallow_clone())]);
        let wide = Recorded::new([("weight", value.to_kind(Kind::Float))]);
        for model in [&narrow, &wide] {
            let mut optimizer = Optimizer::new(config, &model.store).unwrap();
            for step in 1..4 {
                let phase = Tensor::arange(67, (Kind::Float, device())) * f64::from(step);
                let grad = phase.cos().to_kind(Kind::BFloat16).to_kind(model.variable("weight").kind());
                apply(&mut optimizer, &model.loss([("weight", grad)]));
            }
        }
        let wide = wide.variable("weight").detach();
        let moved = (&wide - value.to_kind(Kind::Float)).abs().max().double_value(&[]);
        let off = (narrow.variable("weight").detach().to_kind(Kind::Float) - &wide).abs().max();
        // bf16 rounds weights up to 1.5, and what is remembered of them, by 2^-8 in each of three updates.
        let allowed = 6. / 256.;
        assert!(off.double_value(&[]) < allowed, "{config:?}: off by {off}");
        assert!(moved > 4. * allowed, "{config:?}: too small an update to tell");
    }
}
