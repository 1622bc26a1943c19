//! Two updates from one backward.
use amp_runtime::OptimWrapper;
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) {
    let unscaled = wrapper.backward(loss).unwrap().unscale().unwrap();
    let _ = unscaled.step();
    let _ = unscaled.step();
}

fn main() {}
