//! Clipping gradients that are gone.
use amp_runtime::{ClipGrad, OptimWrapper};
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let unscaled = wrapper.backward(loss).unwrap().unscale().unwrap();
    let _ = unscaled.step();
    let _ = unscaled.clip_grad(ClipGrad::norm(1.));
}

fn main() {}
