//! Gradients that nobody uses.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn only_backward(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.zero_grad();
    loss.backward();
}

pub struct Env;

impl Env {
    pub fn step(&self) {}
}

#[amp(train_step)]
pub fn the_step_of_something_else(opt: &mut OptimWrapper, env: &Env, loss: &Tensor) {
    loss.backward();
    opt.clip_grad_norm(1.0);
    env.step();
}

#[amp(train_step)]
pub fn nothing_at_all(opt: &mut OptimWrapper, loss: &Tensor) -> f64 {
    opt.set_lr(0.1);
    loss.double_value(&[])
}

fn main() {}
