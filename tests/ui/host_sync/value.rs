//! A loss read before the step.
use amp_runtime::prelude::*;
use tch::{Kind, Tensor};

#[amp(train_step, deny(host_sync))]
fn train(optim: &mut OptimWrapper, x: &Tensor, w: &Tensor) -> f64 {
    let loss = x.matmul(w).sum(Kind::Float);
    loss.backward();
    let value = loss.double_value(&[]);
    optim.step();
    value
}

fn main() {}
