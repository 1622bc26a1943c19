//! Functions that cannot be a region.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
async fn forward(x: &Tensor) -> Tensor {
    x.exp()
}

#[amp]
const fn constant(x: &Tensor) -> &Tensor {
    x
}

fn main() {}
