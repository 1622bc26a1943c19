//! The same with names for the sides.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn areas(x: &Tensor, w: &Tensor) -> Tensor {
    let (from, to) = (x.matmul(w), w.matmul(x));
    let (width, height) = (&to - &from, &to - from.relu());
    width * height
}

fn main() {}
