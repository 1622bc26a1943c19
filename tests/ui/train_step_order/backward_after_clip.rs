//! Scaled gradients on top of clipped ones.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn one_more(opt: &mut OptimWrapper, first: &Tensor, second: &Tensor) {
    first.backward();
    opt.clip_grad_norm(1.0);
    second.backward();
    opt.step();
}

#[amp(train_step)]
pub fn as_a_function(opt: &mut OptimWrapper, first: &Tensor, second: &Tensor) {
    Tensor::backward(first);
    opt.clip_grad_value(1.0);
    Tensor::backward(second);
    opt.step();
}

#[amp(train_step)]
pub fn a_whole_update(opt: &mut OptimWrapper, first: &Tensor, second: &Tensor) {
    first.backward();
    opt.clip_grad_norm(1.0);
    opt.backward_step(second);
}

fn main() {}
