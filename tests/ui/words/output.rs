//! A return type that cannot be cast.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(output = full)]
fn forward(x: &Tensor) -> (Tensor, std::time::Duration) {
    (x.exp(), std::time::Duration::ZERO)
}

fn main() {}
