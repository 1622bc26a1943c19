//! Nothing that has a loss scale.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn no_parameter(loss: &Tensor) {
    loss.backward();
}

#[amp(train_step)]
pub fn of_tch(opt: &mut tch::nn::Optimizer, loss: &Tensor) {
    opt.zero_grad();
    loss.backward();
    opt.step();
}

#[amp(train_step)]
pub fn borrowed(opt: &OptimWrapper, loss: &Tensor) {
    loss.backward();
    let _ = opt.lr();
}

fn main() {}
