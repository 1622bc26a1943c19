//! A softmax asked for in f16.
use amp_runtime::prelude::*;
use tch::{Kind, Tensor};

#[amp]
fn attention(q: &Tensor, k: &Tensor) -> Tensor {
    q.matmul(&k.tr()).softmax(-1, Kind::Half)
}

fn main() {}
