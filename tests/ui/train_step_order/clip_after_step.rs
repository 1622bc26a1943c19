//! Clipping what was applied already.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn by_norm(opt: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    opt.step();
    opt.clip_grad_norm(1.0);
}

#[amp(train_step)]
pub fn by_value(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.backward_step(loss);
    opt.clip_grad_value(0.5);
}

#[amp(train_step)]
pub fn every_round(opt: &mut OptimWrapper, losses: &[Tensor]) {
    for loss in losses {
        loss.backward();
        opt.step();
        if loss.numel() == 1 {
            opt.clip_grad_norm(1.0);
        }
    }
}

fn main() {}
