//! The whole wrapper on random training runs, against a few lines of arithmetic in f64.
use amp_runtime::{
    Adam, AdamW, ClipGrad, DynamicLossScale, LossScale, OptimWrapper, OptimizerConfig, Precision, Sgd,
};
use amp_tests::recorded::Recorded;
use amp_tests::scale_model::ScaleModel;
use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

/// One batch: the gradients' phase, which parameters have one, and what is wrong with it.
#[derive(Debug, Clone)]
struct Batch {
    phase: f64,
    present: [bool; 3],
    bad: Option<f64>,
}

#[derive(Debug, Clone)]
struct Run {
    config: OptimizerConfig,
    loss_scale: LossScale,
    clip: Option<ClipGrad>,
    accumulate: u32,
    /// Whether the number of batches is announced.
    announced: bool,
    batches: Vec<Batch>,
}

/// The reference's parameter: f64 all through.
struct Param {
    value: Tensor,
    momentum: Option<Tensor>,
    averages: [Tensor; 3],
    steps: i32,
}

impl Param {
    fn new(value: &Tensor) -> Self {
        let value = value.to_kind(Kind::Double);
        let averages = [value.zeros_like(), value.zeros_like(), value.zeros_like()];
        Self { value, momentum: None, averages, steps: 0 }
    }

    fn update(&mut self, config: &OptimizerConfig, grad: &Tensor) {
        match *config {
            OptimizerConfig::Sgd(sgd) => self.descend(&sgd, grad),
            OptimizerConfig::Adam(adam) => {
                let grad = grad + &self.value * adam.weight_decay;
                self.adapt(adam.lr, adam.betas, adam.eps, adam.amsgrad, &grad);
            }
            OptimizerConfig::AdamW(adamw) => {
                self.value = &self.value * (1. - adamw.lr * adamw.weight_decay);
                self.adapt(adamw.lr, adamw.betas, adamw.eps, adamw.amsgrad, grad);
            }
        }
    }

    fn descend(&mut self, sgd: &Sgd, grad: &Tensor) {
        let grad = grad + &self.value * sgd.weight_decay;
        let step = if sgd.momentum == 0. {
            grad
        } else {
            let momentum = match &self.momentum {
                None => grad.copy(),
                Some(momentum) => momentum * sgd.momentum + &grad * (1. - sgd.dampening),
            };
            let step = if sgd.nesterov { grad + &momentum * sgd.momentum } else { momentum.copy() };
            self.momentum = Some(momentum);
            step
        };
        self.value = &self.value - step * sgd.lr;
    }

    fn adapt(&mut self, lr: f64, (beta1, beta2): (f64, f64), eps: f64, amsgrad: bool, grad: &Tensor) {
        self.steps += 1;
        let [mean, square, largest] = &mut self.averages;
        *mean = &*mean * beta1 + grad * (1. - beta1);
        *square = &*square * beta2 + grad.square() * (1. - beta2);
        *largest = largest.maximum(square);
        let square = if amsgrad { &*largest } else { &*square };
        let denominator = (square / (1. - beta2.powi(self.steps))).sqrt() + eps;
        self.value = &self.value - (&*mean / denominator) * (lr / (1. - beta1.powi(self.steps)));
    }
}

fn clip(clip: Option<ClipGrad>, grads: &mut [Option<Tensor>]) {
    match clip {
        None => {}
        Some(ClipGrad::Value { clip_value }) => {
            for grad in grads.iter_mut().flatten() {
                *grad = grad.clamp(-clip_value, clip_value);
            }
        }
        Some(ClipGrad::Norm { max_norm, .. }) => {
            let squares =
                grads.iter().flatten().map(|grad| grad.square().sum(Kind::Double).double_value(&[]));
            let factor = (max_norm / (squares.sum::<f64>().sqrt() + 1e-6)).min(1.);
            for grad in grads.iter_mut().flatten() {
                *grad = &*grad * factor;
            }
        }
    }
}

fn gradient(batch: &Batch, which: usize, like: &Tensor) -> Tensor {
    let count = i64::try_from(like.numel()).unwrap();
    let ramp =
        Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.7 + f64::from(u8::try_from(which).unwrap());
    let grad = (ramp + batch.phase).sin().view(like.size().as_slice());
    if let Some(bad) = batch.bad.filter(|_| which == 0) {
        let _ = grad.view(-1).get(0).fill_(bad);
    }
    grad
}

#[derive(Debug, Default, PartialEq)]
struct Counters {
    applied: u64,
    skipped: u64,
    lost: u64,
}

fn check(run: &Run) -> Result<(), TestCaseError> {
    let model = Recorded::small();
    let total = run.batches.len() as u64;
    let mut builder = OptimWrapper::builder(run.config)
        .precision(Precision::Bf16)
        .loss_scale(run.loss_scale)
        .accumulate(run.accumulate);
    if let Some(clip) = run.clip {
        builder = builder.clip_grad(clip);
    }
    if run.announced {
        builder = builder.max_counts(total);
    }
    let mut wrapper = builder.build(&model.store).unwrap();

    let mut params: Vec<Param> = model.values().iter().map(Param::new).collect();
    let mut scale = match run.loss_scale {
        LossScale::Dynamic(by) => Some(ScaleModel::new(by)),
        _ => None,
    };
    let mut counters = Counters::default();
    let mut window: (u64, bool, [Option<Tensor>; 3]) = (0, false, [None, None, None]);
    let last_window = total - total % u64::from(run.accumulate);
    for (index, batch) in (0..total).zip(&run.batches) {
        let names = model.names();
        let present = || (0..3).filter(|&which| which == 0 || batch.present[which]);
        let grads: Vec<(&str, Tensor)> =
            present().map(|which| (names[which], gradient(batch, which, &params[which].value))).collect();
        let outcome = wrapper.update_params(&model.loss(grads)).unwrap();

        let short = run.announced && index >= last_window;
        let factor =
            if short { u32::try_from(total % u64::from(run.accumulate)).unwrap() } else { run.accumulate };
        for which in present() {
            let share =
                gradient(batch, which, &params[which].value).to_kind(Kind::Double) / f64::from(factor);
            window.2[which] = Some(window.2[which].take().map_or_else(|| share.copy(), |sum| sum + &share));
        }
        window.0 += 1;
        window.1 |= batch.bad.is_some();
        let updates = (index + 1) % u64::from(run.accumulate) == 0 || run.announced && index + 1 == total;
        prop_assert_eq!(outcome.stats().is_some(), updates, "batch {}", index);
        if !updates {
            continue;
        }
        let (batches, overflow, mut grads) = std::mem::take(&mut window);
        if overflow {
            counters.skipped += 1;
            counters.lost += batches;
        } else {
            counters.applied += 1;
            clip(run.clip, &mut grads);
            for (param, grad) in params.iter_mut().zip(&grads) {
                if let Some(grad) = grad {
                    param.update(&run.config, grad);
                }
            }
        }
        let stats = outcome.stats().unwrap();
        prop_assert_eq!(stats.skipped().unwrap(), overflow, "batch {}", index);
        prop_assert_eq!(u64::from(stats.micro_batches()), batches);
        if let Some(scale) = &mut scale {
            prop_assert_eq!(stats.loss_scale().unwrap(), f64::from(scale.scale));
            scale.update(overflow);
            prop_assert_eq!(wrapper.loss_scale().unwrap(), f64::from(scale.scale));
        }
    }
    let got = Counters {
        applied: wrapper.applied_updates().unwrap(),
        skipped: wrapper.skipped_updates().unwrap(),
        lost: wrapper.lost_micro_batches().unwrap(),
    };
    prop_assert_eq!(got, counters);
    prop_assert_eq!(wrapper.inner_count(), total);
    for (value, param) in model.values().iter().zip(&params) {
        let off = (value.to_kind(Kind::Double) - &param.value).abs().max().double_value(&[]);
        let size = param.value.abs().max().double_value(&[]).max(1.);
        // At most 24 updates by rates of 0.1 and momenta that add up to ten of them, in f32: some hundred roundings of 6e-8.
        prop_assert!(off <= 2e-5 * size, "off by {:e} of {:e}", off, size);
    }
    Ok(())
}

fn any_optimizer() -> impl Strategy<Value = OptimizerConfig> {
    let decay = || prop_oneof![Just(0.), 0.001f64..0.2];
    let sgd = (0.001f64..0.1, prop_oneof![Just(0.), 0.1f64..0.95], 0f64..0.6, decay(), 0u8..3).prop_map(
        |(lr, momentum, dampening, weight_decay, kind)| {
            let nesterov = kind == 0 && momentum > 0.;
            let dampening = if kind == 1 { dampening } else { 0. };
            Sgd { lr, momentum, dampening, weight_decay, nesterov, maximize: false }.into()
        },
    );
    let adam = || (0.001f64..0.1, 0.5f64..0.95, 0.9f64..0.999, decay(), any::<bool>());
    let plain = adam().prop_map(|(lr, beta1, beta2, weight_decay, amsgrad)| {
        Adam { lr, betas: (beta1, beta2), weight_decay, amsgrad, ..Adam::default() }.into()
    });
    let decoupled = adam().prop_map(|(lr, beta1, beta2, weight_decay, amsgrad)| {
        AdamW { lr, betas: (beta1, beta2), weight_decay, amsgrad, ..AdamW::default() }.into()
    });
    prop_oneof![sgd, plain, decoupled]
}

fn any_run() -> impl Strategy<Value = Run> {
    let dynamic = (1u32..5, prop_oneof![Just(0.5), 0.2f64..0.9], 1u32..3, any::<bool>()).prop_map(
        |(growth_interval, backoff_factor, hysteresis, consecutive_hysteresis)| {
            LossScale::Dynamic(DynamicLossScale {
                growth_interval,
                backoff_factor,
                hysteresis,
                consecutive_hysteresis,
                ..DynamicLossScale::default()
            })
        },
    );
    let loss_scale =
        prop_oneof![2 => dynamic, 1 => Just(LossScale::Off), 1 => (1f64..1e4).prop_map(LossScale::Static)];
    let clip = prop_oneof![
        Just(None),
        (0.1f64..4.).prop_map(|max| Some(ClipGrad::norm(max))),
        (0.05f64..1.).prop_map(|max| Some(ClipGrad::value(max))),
    ];
    let bad = prop_oneof![
        5 => Just(None),
        1 => prop::sample::select(vec![Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(f64::NAN)]),
    ];
    let batch =
        (0f64..6.3, any::<[bool; 3]>(), bad).prop_map(|(phase, present, bad)| Batch { phase, present, bad });
    let batches = prop::collection::vec(batch, 1..24);
    (any_optimizer(), loss_scale, clip, 1u32..5, any::<bool>(), batches).prop_map(
        |(config, loss_scale, clip, accumulate, announced, batches)| Run {
            config,
            loss_scale,
            clip,
            accumulate,
            announced,
            batches,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_run_follows_the_reference(run in any_run()) {
        check(&run)?;
    }
}
