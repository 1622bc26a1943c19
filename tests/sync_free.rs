//! A training step waits for nothing of itself: on a GPU the host is through with it while the device still has work before it.
//! (The next one looks at its outcome first, so the host is never more than one update ahead.)
use amp_runtime::prelude::*;
use amp_runtime::{AdamW, OptimWrapperError, OptimizerConfig, StepOutcome};
use amp_tests::device;
use std::time::Instant;
use tch::{Cuda, Device, Kind, Tensor, nn};

/// Forward, loss, backward and update.
#[amp(train_step)]
fn step(layer: &nn::Linear, optim: &mut OptimWrapper, xs: &Tensor) -> Result<StepOutcome, OptimWrapperError> {
    let loss = loss(layer, xs);
    loss.backward();
    optim.step()
}

#[amp]
fn loss(layer: &nn::Linear, xs: &Tensor) -> Tensor {
    xs.apply(layer).relu().mse_loss(xs, tch::Reduction::Mean)
}

#[test]
fn a_step_is_queued_behind_work_that_is_not_done() {
    let Device::Cuda(index) = device() else {
        return println!("SKIPPED: a CPU has no queue; AMP_TEST_DEVICE=cuda runs this");
    };
    let index = i64::try_from(index).unwrap();
    let options = (Kind::Float, device());
    let adamw = || OptimizerConfig::from(AdamW::default());
    for (config, precision) in [
        (Sgd { lr: 1e-3, momentum: 0.9, ..Sgd::default() }.into(), Precision::F16),
        (adamw(), Precision::F16),
        (adamw(), Precision::Bf16),
    ] {
        let store = nn::VarStore::new(device());
        let layer = nn::linear(store.root(), 256, 256, nn::LinearConfig::default());
        let builder = OptimWrapper::builder(config).precision(precision).clip_grad(ClipGrad::norm(1.));
        let mut optim = builder.build(&store).unwrap();
        let xs = Tensor::randn([64, 256], options);
        let busy = Tensor::randn([8192, 8192], options);
        let mut steps = |count| {
            let step = |_| with_precision(precision, || step(&layer, &mut optim, &xs)).unwrap();
            (0..count).map(step).collect::<Vec<_>>()
        };
        // The allocators and the libraries make what they need at first, and that waits. Pinned memory is made anew as long as what
        // there is is in use: the warm-up's outcomes stay until nothing is under way.
        let outcomes = steps(5);
        let mut product = busy.matmul(&busy);
        Cuda::synchronize(index);
        drop(outcomes);
        let start = Instant::now();
        for _ in 0..60 {
            product = busy.matmul(&product) * 1e-2;
        }
        let queued = start.elapsed();
        let _outcome = steps(1);
        let returned = start.elapsed();
        Cuda::synchronize(index);
        let done = start.elapsed();
        println!(
            "{precision}: queued after {queued:?}, the step returned after {returned:?}, done after {done:?}"
        );
        assert!(queued * 4 < done, "the work before the steps is too short to show anything");
        assert!(returned * 2 < done, "{precision}: the host waited: {returned:?} of {done:?}");
    }
}
