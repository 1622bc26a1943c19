//! One arm low, one in f32.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
fn scores(x: &Tensor, w: &Tensor, probabilities: bool) -> Tensor {
    let logits = x.matmul(w);
    if probabilities { logits.softmax(-1, None) } else { logits }
}

fn main() {}
