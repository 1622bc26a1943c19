//! A second backward while the first one waits for its step.
use amp_runtime::OptimWrapper;
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let unscaled = wrapper.backward(loss).unwrap().unscale().unwrap();
    let _ = wrapper.backward(loss);
    let _ = unscaled.step();
}

fn main() {}
