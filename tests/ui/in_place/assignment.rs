//! A sum into a low tensor, in a full block.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn sum(x: &Tensor, w: &Tensor) -> Tensor {
    let mut h = x.matmul(w);
    #[amp(full)]
    {
        h += x;
    }
    h
}

fn main() {}
