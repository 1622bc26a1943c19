//! Another type than was promised.
use amp_runtime::prelude::amp;
use tch::{Kind, Tensor};

#[amp]
pub fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
    xs.matmul(w).dim()
}

#[amp]
pub fn reference(xs: &Tensor) -> Tensor {
    xs
}

#[amp]
pub fn branches(xs: &Tensor, train: bool) -> Tensor {
    let h: f64 = xs.exp();
    let i = if train { xs.softmax(-1, Kind::Float) } else { 1.0 };
    match i.dim() {
        2 => h.exp(),
        _ => xs.log(),
    }
}

#[amp]
pub fn nothing(xs: &Tensor) -> Tensor {
    xs.exp();
}

fn main() {}
