//! The least f32 is too much for bf16 as well.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(dtype = bf16)]
fn scores(q: &Tensor, k: &Tensor, mask: &Tensor) -> Tensor {
    q.matmul(k).masked_fill(mask, f32::MIN as f64)
}

fn main() {}
