//! A loss that nobody scales.
use amp_runtime::prelude::*;
use tch::{Reduction, Tensor};

#[amp]
fn train(x: &Tensor, w: &Tensor, target: &Tensor) {
    let loss = x.matmul(w).mse_loss(target, Reduction::Mean);
    loss.backward();
}

fn main() {}
