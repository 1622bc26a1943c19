//! A value that is lent.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(mut list: Vec<Tensor>, mut w: Tensor) -> Tensor {
    let first = &list[0];
    list.push(w.exp());
    let h = first.matmul(&w);
    let r = &mut w;
    let i = w.exp();
    *r = i.matmul(&h);
    h
}

#[amp]
pub fn fixed(xs: &Tensor, list: &Vec<Tensor>) -> Tensor {
    let h = xs.exp();
    let _ = h.relu_();
    list.push(h.exp());
    h
}

fn main() {}
