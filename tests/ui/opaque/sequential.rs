//! tch's own containers hide what is in them.
use amp_runtime::prelude::*;
use tch::{Tensor, nn};

#[amp(deny(opaque))]
fn forward(net: &nn::Sequential, xs: &Tensor) -> Tensor {
    xs.apply(net)
}

fn main() {}
