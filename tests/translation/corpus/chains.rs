//! What edition 2024 added: `let` in a chain of conditions, temporaries of a tail that end before its locals.
use amp_runtime::prelude::amp;
use std::cell::RefCell;
use tch::{Kind, Tensor};

#[amp]
pub fn let_chain(xs: &Tensor, mask: Option<&Tensor>, train: bool) -> Tensor {
    if let Some(mask) = mask
        && train
        && xs.exp().numel() > 1
    {
        xs.masked_fill(mask, f64::NEG_INFINITY).softmax(-1, Kind::Float)
    } else {
        xs.softmax(-1, Kind::Float)
    }
}

#[amp]
pub fn tail_of_a_local_cell(xs: &Tensor, w: &Tensor) -> Tensor {
    let cell = RefCell::new(xs.exp());
    cell.borrow().matmul(w)
}
