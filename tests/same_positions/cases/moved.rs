//! A value that is gone.
use amp_runtime::prelude::amp;
use tch::{Kind, Tensor};

#[amp]
pub fn forward(xs: Tensor, w: Tensor) -> Tensor {
    drop(xs);
    let h = xs.matmul(&w);
    let f = move |t: &Tensor| t.matmul(&w);
    h.softmax(-1, Kind::Float) + w.exp() + f(&xs)
}

#[amp]
pub fn in_a_loop(xs: Vec<Tensor>) -> Vec<Tensor> {
    let mut out = vec![];
    for x in xs {
        out.push(x);
        out.push(x.exp());
    }
    xs
}

fn main() {}
