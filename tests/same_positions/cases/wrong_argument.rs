//! An argument of another type.
use amp_runtime::prelude::amp;
use tch::{Kind, Tensor};

#[amp]
pub fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(1.0);
    let i = h.softmax("last", Kind::Float);
    Tensor::cat(&[h, w], 0) + i.sum(1) + w.masked_fill(xs, "value")
}

fn main() {}
