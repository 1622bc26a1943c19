//! A type that nothing decides.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(xs: &Tensor) -> Tensor {
    let list = xs.size().iter().map(|v| v * 2).collect();
    xs.exp()
}

#[amp]
pub fn closure(xs: &Tensor) -> Tensor {
    let f = |t| t.unsqueeze(0);
    xs.matmul(xs)
}

fn main() {}
