//! Gradients divided by the loss scale twice.
use amp_runtime::OptimWrapper;
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let scaled = wrapper.backward(loss).unwrap();
    let _ = scaled.unscale();
    let _ = scaled.unscale();
}

fn main() {}
