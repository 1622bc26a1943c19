//! A type parameter may be anything.
use amp_runtime::prelude::*;
use tch::{Tensor, nn};

#[amp(deny(opaque))]
fn forward<M: nn::ModuleT>(net: &M, xs: &Tensor) -> Tensor {
    xs.apply_t(net, true)
}

fn main() {}
