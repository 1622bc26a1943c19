//! The difference hides behind a name.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn forward(x: &Tensor, w: &Tensor, log: bool) -> Tensor {
    let h = if log { x.log() } else { x.matmul(w) };
    h.relu()
}

fn main() {}
