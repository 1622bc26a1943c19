//! The pair that one operation replaces.
use amp_runtime::prelude::*;
use tch::{Reduction, Tensor};

#[amp]
fn loss(logits: &Tensor, target: &Tensor) -> Tensor {
    let p = logits.sigmoid();
    p.binary_cross_entropy(target, None::<Tensor>, Reduction::Mean)
}

fn main() {}
