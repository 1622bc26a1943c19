//! An update from gradients that still carry the loss scale.
use amp_runtime::OptimWrapper;
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let _ = wrapper.backward(loss).unwrap().step();
}

fn main() {}
