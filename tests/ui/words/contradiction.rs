//! One operation in both lists, and a dtype that is none.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(dtype = f32, low(exp), full(exp))]
fn forward(x: &Tensor) -> Tensor {
    x.exp()
}

fn main() {}
