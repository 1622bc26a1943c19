//! Two optimizers, a place that cannot be followed, and one that is not there.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn whose(opt_g: &mut OptimWrapper, opt_d: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    opt_g.step();
    opt_d.step();
}

#[amp(train_step, optimizer = opts[i])]
pub fn computed(opts: &mut [OptimWrapper], i: usize, loss: &Tensor) {
    loss.backward();
    opts[i].step();
}

#[amp(train_step)]
pub fn marked_with_a_call(opts: &mut [OptimWrapper], loss: &Tensor) {
    #[amp(optimizer = opts.last_mut().unwrap())]
    loss.backward();
}

#[amp(train_step)]
pub fn mistyped(opt_g: &mut OptimWrapper, opt_d: &mut OptimWrapper, loss: &Tensor) {
    #[amp(optimizer = optg)]
    loss.backward();
    opt_g.step();
    opt_d.backward_step(loss);
}

fn main() {}
