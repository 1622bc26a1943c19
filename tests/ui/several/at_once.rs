//! All mistakes of a function come at once.
use amp_runtime::prelude::*;
use tch::{Kind, Tensor};

#[amp(full(gelo))]
fn attention(q: &Tensor, k: &Tensor, mask: &Tensor) -> Tensor {
    let scores = q.matmul(&k.tr()).masked_fill(mask, -1e9);
    scores.backward();
    let weights = scores.softmax(-1, Kind::Half);
    scores.matmul(&weights) + 1e-8
}

fn main() {}
