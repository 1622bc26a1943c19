//! A small network, and what becomes of it in a training with and without a graph.
use amp_runtime::prelude::*;
use amp_runtime::{AdamW, OptimWrapperBuilder, OptimizerConfig, StepStats, set_default_precision};
use amp_tests::device;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Device, Kind, Tensor, nn};

/// One test at a time: random numbers are the process's, and so is a capture of them.
///
/// Where a test chooses no precision, it is full on every device.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_precision(Some(Precision::Full));
    one
}

/// Convolution, batch norm, dropout and a linear layer.
pub(crate) struct Net {
    pub(crate) store: nn::VarStore,
    pub(crate) layers: Layers,
}

pub(crate) struct Layers {
    pub(crate) conv: nn::Conv2D,
    pub(crate) norm: nn::BatchNorm,
    pub(crate) linear: nn::Linear,
    pub(crate) dropout: f64,
}

impl Net {
    /// Always the same one.
    pub(crate) fn new(dropout: f64) -> Self {
        tch::manual_seed(1);
        let store = nn::VarStore::new(device());
        let root = store.root();
        // A bias before a batch norm has no gradient but noise, which AdamW would make steps of.
        let config = nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
        let conv = nn::conv2d(&root / "conv", 3, 8, 3, config);
        let norm = nn::batch_norm2d(&root / "norm", 8, nn::BatchNormConfig::default());
        let linear = nn::linear(&root / "linear", 8, 4, nn::LinearConfig::default());
        Self { store, layers: Layers { conv, norm, linear, dropout } }
    }

    pub(crate) fn loss(&self, batch: &[Tensor]) -> Tensor {
        self.layers.loss(&batch[0], &batch[1])
    }

    pub(crate) fn values(&self) -> Vec<(String, Vec<f64>)> {
        let values = |tensor: &Tensor| Vec::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).unwrap();
        let mut all: Vec<_> =
            self.store.variables().iter().map(|(name, tensor)| (name.clone(), values(tensor))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

#[amp]
impl Layers {
    pub(crate) fn loss(&self, images: &Tensor, target: &Tensor) -> Tensor {
        let xs = images.apply(&self.conv).apply_t(&self.norm, true).relu();
        let xs = xs.mean_dim([2, 3].as_slice(), false, Kind::Float).dropout(self.dropout, true);
        xs.apply(&self.linear).cross_entropy_for_logits(target)
    }
}

pub(crate) fn batch(seed: i64) -> (Tensor, Tensor) {
    tch::manual_seed(seed);
    (Tensor::randn([6, 3, 8, 8], (Kind::Float, device())), Tensor::randint(4, [6], (Kind::Int64, device())))
}

pub(crate) fn builder(precision: Precision) -> OptimWrapperBuilder {
    let scale = DynamicLossScale { init_scale: 1024., growth_interval: 3, ..DynamicLossScale::default() };
    let scale = if precision == Precision::F16 { LossScale::Dynamic(scale) } else { LossScale::Off };
    let adamw = AdamW { lr: 0.01, ..AdamW::default() };
    OptimWrapper::builder(OptimizerConfig::from(adamw)).precision(precision).loss_scale(scale)
}

/// What came of each batch.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Course {
    pub(crate) losses: Vec<f64>,
    pub(crate) scales: Vec<f64>,
    pub(crate) norms: Vec<Option<f64>>,
    pub(crate) skipped: Vec<bool>,
}

impl Course {
    pub(crate) fn note(&mut self, loss: &Tensor, stats: Option<&StepStats>) {
        self.losses.push(f64::try_from(loss).unwrap());
        if let Some(stats) = stats {
            self.scales.push(stats.loss_scale().unwrap());
            self.norms.push(stats.grad_norm().unwrap());
            self.skipped.push(stats.skipped().unwrap());
        }
    }
}

pub(crate) fn train(
    builder: OptimWrapperBuilder,
    batches: &[(Tensor, Tensor)],
    graphed: bool,
) -> (Course, Net) {
    let net = Net::new(0.);
    let mut optim = builder.build(&net.store).unwrap();
    let mut course = Course::default();
    with_precision(optim.precision(), || {
        if graphed {
            let (images, target) = batch(1000);
            let capture = optim.capture(&[&images, &target], |batch| net.loss(batch));
            let mut graphed = capture.unwrap();
            assert!(graphed.loss().is_none());
            for (images, target) in batches {
                let outcome = graphed.update_params(&mut optim, &[images, target]).unwrap();
                course.note(graphed.loss().unwrap(), outcome.stats());
            }
        } else {
            for (images, target) in batches {
                let loss = net.layers.loss(images, target);
                let outcome = optim.update_params(&loss).unwrap();
                course.note(&loss, outcome.stats());
            }
        }
    });
    optim.finish_window().unwrap();
    (course, net)
}

/// On a GPU, kernels that add in any order differ in the last bits; after some steps of AdamW that is still little.
pub(crate) fn assert_same(graphed: &(Course, Net), plain: &(Course, Net)) {
    if device() == Device::Cpu {
        assert_eq!(graphed.0, plain.0);
        return assert_eq!(graphed.1.values(), plain.1.values());
    }
    println!("losses {:?}\n   and {:?}", graphed.0.losses, plain.0.losses);
    assert_eq!((&graphed.0.scales, &graphed.0.skipped), (&plain.0.scales, &plain.0.skipped));
    let close = |a: f64, b: f64| (a - b).abs() <= 0.01 * b.abs().max(0.05) || (a.is_nan() && b.is_nan());
    for (a, b) in graphed.0.losses.iter().zip(&plain.0.losses) {
        assert!(close(*a, *b), "loss {a} against {b}");
    }
    for (a, b) in graphed.0.norms.iter().zip(&plain.0.norms) {
        assert_eq!(a.is_some(), b.is_some());
        assert!(a.zip(*b).is_none_or(|(a, b)| close(a, b)), "norm {a:?} against {b:?}");
    }
    for ((name, a), (_, b)) in graphed.1.values().iter().zip(plain.1.values()) {
        for (a, b) in a.iter().zip(b) {
            assert!(close(*a, b), "{name}: {a} against {b}");
        }
    }
}
