//! A bound that is zero in f16.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn bounded(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w).clamp_min(1e-12)
}

fn main() {}
