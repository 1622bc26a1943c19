//! A trait that is not there.
use amp_runtime::prelude::amp;
use tch::Tensor;

pub struct Plain;

#[amp]
pub fn forward(xs: &Tensor, plain: &Plain) -> Tensor {
    let h = xs.apply(plain);
    let i = xs.exp() + "text";
    let j = plain * xs;
    h + i + j + xs.matmul(xs)?
}

#[amp]
pub fn generic<T>(xs: &Tensor, value: T) -> Tensor {
    xs.apply(&value) + xs.apply_t(&value, true)
}

fn main() {}
