//! Gradients dropped before they are used.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn before_step(opt: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    opt.zero_grad();
    opt.step();
}

#[amp(train_step)]
pub fn before_clip(opt: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    opt.zero_grad();
    opt.clip_grad_norm(1.0);
    opt.step();
}

#[amp(train_step)]
pub fn after_clip(opt: &mut OptimWrapper, losses: &[Tensor]) {
    for loss in losses {
        loss.backward();
        opt.clip_grad_norm(1.0);
        opt.zero_grad();
        opt.step();
    }
}

fn main() {}
