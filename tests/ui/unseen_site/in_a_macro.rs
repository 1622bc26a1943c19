//! Tokens that only the macro understands.
use amp_runtime::prelude::*;
use tch::Tensor;

macro_rules! twice {
    ($value:expr) => {
        &$value + &$value
    };
}

#[amp]
fn forward(x: &Tensor, w: &Tensor) -> Tensor {
    twice!(x.matmul(w))
}

fn main() {}
