//! A user's own type with an operation's name.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[derive(Clone)]
pub struct Array(Vec<f64>);

impl Array {
    pub fn exp(&self, by: f64) -> f64 {
        self.0[0] * by
    }

    pub fn matmul(&self, other: &Tensor) -> f64 {
        other.double_value(&[])
    }
}

#[amp]
pub fn forward(a: &Array, xs: &Tensor) -> f64 {
    let h = a.exp();
    let i = a.matmul(1.0);
    let j = a.softmax(-1);
    h + i + a.exp("x") + a.matmul(xs).exp(1)
}

fn main() {}
