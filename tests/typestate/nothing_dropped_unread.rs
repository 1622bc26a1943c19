//! A step that was begun and not finished, and outcomes that nobody looks at.
#![deny(unused_must_use)]
use amp_runtime::{OptimWrapper, OptimWrapperError};
use tch::Tensor;

pub fn update(wrapper: &mut OptimWrapper, loss: &Tensor) -> Result<(), OptimWrapperError> {
    wrapper.backward(loss)?;
    wrapper.backward(loss)?.unscale()?;
    wrapper.update_params(loss)?;
    wrapper.step()?;
    wrapper.update_params(loss);
    Ok(())
}

fn main() {}
