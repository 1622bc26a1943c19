//! Areas of boxes outgrow f16 above 255 by 255.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn areas(x: &Tensor, w: &Tensor) -> Tensor {
    let b = x.matmul(w);
    (b.select(1, 2) - b.select(1, 0)) * (b.select(1, 3) - b.select(1, 1))
}

fn main() {}
