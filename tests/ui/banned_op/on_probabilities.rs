//! A loss that takes the logarithm of a low probability.
use amp_runtime::prelude::*;
use tch::{Reduction, Tensor};

#[amp]
fn loss(p: &Tensor, target: &Tensor) -> Tensor {
    p.binary_cross_entropy(target, None::<Tensor>, Reduction::Mean)
}

fn main() {}
