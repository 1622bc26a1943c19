//! An operation that is handed on.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn forward(xs: &[Tensor]) -> Vec<Tensor> {
    xs.iter().map(Tensor::exp).collect()
}

fn main() {}
