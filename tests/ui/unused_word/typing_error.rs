//! An override of an operation that does not exist.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(full(gelo))]
fn forward(x: &Tensor) -> Tensor {
    x.gelu("none")
}

fn main() {}
