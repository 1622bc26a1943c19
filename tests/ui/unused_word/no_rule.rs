//! Strictness of a rule that does not exist.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(deny(opaqe), allow(everything))]
fn forward(x: &Tensor) -> Tensor {
    x.relu()
}

fn main() {}
