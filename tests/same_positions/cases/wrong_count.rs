//! Too few arguments, too many.
use amp_runtime::prelude::amp;
use tch::{Kind, Tensor};

#[amp]
pub fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul();
    let i = w.softmax(-1);
    let j = w.exp(1);
    h + i + j + Tensor::matmul(xs) + xs.log_softmax(-1, Kind::Float, 2)
}

fn main() {}
