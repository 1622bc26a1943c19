//! An exponential into a low tensor.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn weights(x: &Tensor, w: &Tensor) -> Tensor {
    let mut h = x.matmul(w);
    let _ = h.exp_();
    h
}

fn main() {}
