//! `#[amp(train_step)]`: ordinary tch training code is, to the bit, the wrapper's loop written by hand.
#[path = "train_step/gan.rs"]
mod gan;
#[path = "train_step/near_misses.rs"]
mod near_misses;
#[path = "train_step/order.rs"]
mod order;
#[path = "train_step/results.rs"]
mod results;

use amp_runtime::prelude::*;
use amp_runtime::{OptimWrapperBuilder, OptimWrapperError};
use amp_tests::goldens::same_bits;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::nn::{self, Module, VarStore};
use tch::{Device, Kind, Reduction, Tensor};

type Result<T> = std::result::Result<T, OptimWrapperError>;

const PRECISIONS: [Precision; 3] = [Precision::F16, Precision::Bf16, Precision::Full];

/// One test at a time: libtorch's generator is everybody's, and its cache of casts serves one thread, so that losses which
/// share a cast add up their gradients in another precision when a second thread has it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two layers and a norm, the same in every run.
struct Net {
    store: VarStore,
    first: nn::Linear,
    norm: nn::LayerNorm,
    last: nn::Linear,
}

impl Net {
    fn new() -> Self {
        tch::manual_seed(3);
        let store = VarStore::new(Device::Cpu);
        let root = store.root();
        let first = nn::linear(&root / "first", 6, 8, nn::LinearConfig::default());
        let norm = nn::layer_norm(&root / "norm", vec![8], nn::LayerNormConfig::default());
        let last = nn::linear(&root / "last", 8, 2, nn::LinearConfig::default());
        Self { store, first, norm, last }
    }

    fn values(&self) -> Vec<Tensor> {
        let mut named: Vec<_> = self.store.variables().into_iter().collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        named.into_iter().map(|(_, value)| value.detach().copy()).collect()
    }
}

/// Batches of inputs and targets.
fn batches() -> Vec<(Tensor, Tensor)> {
    let options = (Kind::Float, Device::Cpu);
    tch::manual_seed(4);
    (0..6).map(|_| (Tensor::randn([5, 6], options), Tensor::randn([5, 2], options))).collect()
}

#[amp]
fn forward(net: &Net, xs: &Tensor, ys: &Tensor) -> Tensor {
    let hidden = xs.matmul(&net.first.ws.tr()).gelu("none").apply(&net.norm);
    net.last.forward(&hidden).mse_loss(ys, Reduction::Mean)
}

#[amp(train_step)]
fn plain(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    let hidden = xs.matmul(&net.first.ws.tr()).gelu("none").apply(&net.norm);
    let loss = net.last.forward(&hidden).mse_loss(ys, Reduction::Mean);
    loss.backward();
    opt.step();
}

fn plain_by_hand(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    let _ = opt.backward(&forward(net, xs, ys)).unwrap().accumulate();
    let _ = opt.step().unwrap();
}

#[amp(train_step)]
fn clipped(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) -> Result<()> {
    opt.set_lr(0.05);
    forward(net, xs, ys).backward();
    opt.clip_grad_norm(0.1);
    opt.step();
    Ok(())
}

fn clipped_by_hand(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) -> Result<()> {
    opt.set_lr(0.05)?;
    let _ = opt.backward(&forward(net, xs, ys))?.accumulate();
    opt.clip_grad_norm(0.1)?;
    let _ = opt.step()?;
    Ok(())
}

#[amp(train_step)]
fn in_one_call(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    let hidden = xs.matmul(&net.first.ws.tr()).gelu("none").apply(&net.norm);
    opt.backward_step_clip(&net.last.forward(&hidden).mse_loss(ys, Reduction::Mean), 0.01);
}

fn in_one_call_by_hand(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    let _ = opt.backward_step_clip(&forward(net, xs, ys), 0.01).unwrap();
}

/// Gradients of two losses, added up.
#[amp(train_step)]
fn two_losses(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    opt.zero_grad();
    for share in [0.25, 0.75] {
        (forward(net, &(xs * share), ys) * share).backward();
    }
    opt.step();
}

fn two_losses_by_hand(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) {
    opt.zero_grad().unwrap();
    for share in [0.25, 0.75] {
        let _ = opt.backward(&(forward(net, &(xs * share), ys) * share)).unwrap().accumulate();
    }
    let _ = opt.step().unwrap();
}

fn builder(precision: Precision) -> OptimWrapperBuilder {
    OptimWrapper::builder(AdamW { lr: 0.01, ..AdamW::default() }).precision(precision)
}

/// The parameters after all batches, and how many updates were applied.
fn train<T>(
    precision: Precision,
    build: impl Fn(OptimWrapperBuilder) -> OptimWrapperBuilder,
    step: impl Fn(&Net, &mut OptimWrapper, &Tensor, &Tensor) -> T,
) -> (Vec<Tensor>, u64) {
    let net = Net::new();
    let mut opt = build(builder(precision)).build(&net.store).unwrap();
    with_precision(precision, || {
        for (xs, ys) in batches() {
            drop(step(&net, &mut opt, &xs, &ys));
        }
    });
    (net.values(), opt.applied_updates().unwrap())
}

fn assert_same(a: &[Tensor], b: &[Tensor], what: &str) {
    assert!(a.len() > 3 && a.len() == b.len());
    assert!(a.iter().zip(b).all(|(a, b)| same_bits(a, b)), "{what}");
}

fn assert_differ(a: &[Tensor], b: &[Tensor], what: &str) {
    assert!(a.iter().zip(b).any(|(a, b)| !same_bits(a, b)), "{what}");
}

#[test]
fn a_training_step_is_the_loop_written_by_hand() {
    let _alone = alone();
    let start = Net::new().values();
    for precision in PRECISIONS {
        for counts in [1, 2] {
            let build = |builder: OptimWrapperBuilder| builder.accumulate(counts);
            let what = |name: &str| format!("{name}, {precision:?}, accumulating {counts}");
            let (wired, updates) = train(precision, build, plain);
            let (hand, updates_by_hand) = train(precision, build, plain_by_hand);
            assert_differ(&wired, &start, &what("nothing moved"));
            assert_eq!(updates, updates_by_hand);
            assert_same(&wired, &hand, &what("plain"));
            let (wired, _) = train(precision, build, |net, opt, xs, ys| clipped(net, opt, xs, ys).unwrap());
            assert_same(&wired, &train(precision, build, clipped_by_hand).0, &what("clipped"));
            assert_differ(&wired, &train(precision, build, plain).0, &what("clipping changes nothing"));
            let (wired, _) = train(precision, build, in_one_call);
            assert_same(&wired, &train(precision, build, in_one_call_by_hand).0, &what("in one call"));
        }
        let (wired, _) = train(precision, |builder| builder, two_losses);
        assert_same(&wired, &train(precision, |builder| builder, two_losses_by_hand).0, "two losses");
    }
}

/// Were the forward not in a region, low precision would change nothing.
#[test]
fn the_forward_is_a_region() {
    let _alone = alone();
    let full = train(Precision::Full, |builder| builder, plain).0;
    assert_differ(&train(Precision::Bf16, |builder| builder, plain).0, &full, "bf16 is full");
    assert_differ(&train(Precision::F16, |builder| builder, plain).0, &full, "f16 is full");
}

#[test]
fn an_overflow_is_skipped_and_the_scale_backs_off() {
    let _alone = alone();
    let scale = DynamicLossScale { init_scale: 2f64.powi(24), ..DynamicLossScale::default() };
    let start = Net::new();
    let mut opt = builder(Precision::F16).loss_scale(LossScale::Dynamic(scale)).build(&start.store).unwrap();
    let before = start.values();
    let (xs, ys) = (Tensor::full([5, 6], 100., (Kind::Float, Device::Cpu)), &batches()[0].1);
    with_precision(Precision::F16, || plain(&start, &mut opt, &xs, ys));
    assert_same(&start.values(), &before, "an overflow moved something");
    assert_eq!((opt.skipped_updates().unwrap(), opt.loss_scale().unwrap()), (1, 2f64.powi(23)));

    let build = |builder: OptimWrapperBuilder| builder.loss_scale(LossScale::Dynamic(scale));
    let (wired, updates) = train(Precision::F16, build, plain);
    assert!(updates < 6, "nothing overflows");
    assert_same(&wired, &train(Precision::F16, build, plain_by_hand).0, "with overflows");
}

#[amp(train_step)]
fn skipped(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) -> Result<()> {
    let loss = forward(net, xs, ys);
    #[amp(skip)]
    loss.backward();
    opt.backward_step(&loss);
    Ok(())
}

/// The gradients carry the scale: `loss.backward()` as it is would not.
#[test]
fn a_backward_that_is_not_wired_is_refused() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = builder(Precision::F16).build(&net.store).unwrap();
    let (xs, ys) = &batches()[0];
    let refused = with_precision(Precision::F16, || skipped(&net, &mut opt, xs, ys));
    assert!(matches!(refused, Err(OptimWrapperError::StrayGradient { .. })), "{refused:?}");
}
