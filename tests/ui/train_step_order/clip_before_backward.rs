//! Clipping what is not there.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn by_norm(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.clip_grad_norm(1.0);
    loss.backward();
    opt.step();
}

#[amp(train_step)]
pub fn by_value(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.zero_grad();
    opt.clip_grad_value(0.5);
    loss.backward();
    opt.step();
}

#[amp(train_step)]
pub fn each_arm(opt: &mut OptimWrapper, loss: &Tensor, by: i64) {
    match by {
        0 => opt.clip_grad_norm(1.0),
        _ => opt.clip_grad_value(1.0),
    };
    loss.backward();
    opt.step();
}

fn main() {}
