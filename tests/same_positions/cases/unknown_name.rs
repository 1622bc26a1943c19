//! A name that nobody gave.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(xs: &Tensor) -> Tensor {
    let h = ys.matmul(xs);
    let i = xs.matmul(&weight).exp();
    let j = Tenser::cat(&[h, i], 0);
    j.softmax(-1, Knd::Float) + helper(xs.exp())
}

fn main() {}
