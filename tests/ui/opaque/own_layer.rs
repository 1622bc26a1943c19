//! A layer of which nothing is known.
use amp_runtime::prelude::*;
use tch::{Tensor, nn};

#[derive(Debug)]
struct Opaque;

impl nn::Module for Opaque {
    fn forward(&self, xs: &Tensor) -> Tensor {
        xs.relu()
    }
}

#[amp(deny(opaque))]
fn forward(layer: &Opaque, xs: &Tensor) -> Tensor {
    xs.apply(layer)
}

fn main() {}
