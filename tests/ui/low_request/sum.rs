//! A sum asked for in bf16.
use amp_runtime::prelude::*;
use tch::{Kind, Tensor};

#[amp]
fn total(x: &Tensor) -> Tensor {
    x.sum(Kind::BFloat16)
}

fn main() {}
