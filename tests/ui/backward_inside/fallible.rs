//! The twin that returns a `Result` is no way around.
use amp_runtime::prelude::*;
use tch::{Kind, TchError, Tensor};

#[amp]
fn train(x: &Tensor, w: &Tensor) -> Result<(), TchError> {
    x.matmul(w).sum(Kind::Float).f_backward()
}

fn main() {}
