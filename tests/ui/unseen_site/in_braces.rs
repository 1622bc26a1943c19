//! A macro with a syntax of its own.
use amp_runtime::prelude::*;
use tch::Tensor;

macro_rules! choose {
    ($if:ident => $then:expr, $else:expr) => {
        if $if { $then } else { $else }
    };
}

#[amp]
fn forward(x: &Tensor, deep: bool) -> Tensor {
    choose!(deep => x.exp(), x.shallow_clone())
}

fn main() {}
