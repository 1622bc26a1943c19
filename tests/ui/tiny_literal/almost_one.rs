//! A bound that is one in bf16.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(dtype = bf16)]
fn bounded(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w).clamp(0., 0.999)
}

fn main() {}
