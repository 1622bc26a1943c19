//! A case that is forgotten.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(xs: Option<&Tensor>, w: &Tensor) -> Tensor {
    match xs {
        Some(xs) if xs.exp().dim() == 2 => xs.matmul(w),
        None => w.matmul(w),
    }
}

#[amp]
pub fn bound(xs: Option<&Tensor>, w: &Tensor) -> Tensor {
    let Some(xs) = xs;
    xs.matmul(w)
}

fn main() {}
