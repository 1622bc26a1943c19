//! Clipping gradients that still carry the loss scale.
use amp_runtime::{ClipGrad, OptimWrapper};
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let scaled = wrapper.backward(loss).unwrap();
    let _ = scaled.clip_grad(ClipGrad::norm(1.));
}

fn main() {}
