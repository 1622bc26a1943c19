//! Words that are not known, said twice or written otherwise.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(dtyp = bf16, explain, explain, dtype(bf16))]
fn forward(x: &Tensor) -> Tensor {
    x.relu()
}

#[amp(skip)]
fn left_alone(x: &Tensor) -> Tensor {
    x.relu()
}

fn main() {}
