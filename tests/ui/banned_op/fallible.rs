//! The twin that returns a `Result` is no way around.
use amp_runtime::prelude::*;
use tch::{Reduction, TchError, Tensor};

#[amp]
fn loss(p: &Tensor, target: &Tensor) -> Result<Tensor, TchError> {
    p.f_binary_cross_entropy(target, None::<Tensor>, Reduction::Mean)
}

fn main() {}
