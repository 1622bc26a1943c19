//! Marks that bind to less than they seem to, and one that is unknown.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn forward(x: &Tensor, w: &Tensor) -> Tensor {
    let y;
    #[amp(full)]
    y = x.exp() + w;
    #[amp(ful)]
    let z = y.exp();
    z
}

fn main() {}
