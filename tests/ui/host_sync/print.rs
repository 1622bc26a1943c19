//! A loss printed before the step.
use amp_runtime::prelude::*;
use tch::{Kind, Tensor};

#[amp(train_step, deny(host_sync))]
fn train(optim: &mut OptimWrapper, x: &Tensor, w: &Tensor) {
    let loss = x.matmul(w).sum(Kind::Float);
    loss.backward();
    loss.print();
    optim.step();
}

fn main() {}
