//! The mask that libtorch refuses at run time.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn scores(q: &Tensor, k: &Tensor, mask: &Tensor) -> Tensor {
    q.matmul(k).masked_fill(mask, -1e9)
}

fn main() {}
