//! The optimizer inside a wrapper is out of reach, and an optimizer has no step of its own.
use amp_runtime::{OptimWrapper, Optimizer};

pub fn inside(wrapper: &mut OptimWrapper) {
    wrapper.optimizer.update();
}

pub fn alone(optimizer: &mut Optimizer) {
    optimizer.step();
}

fn main() {}
