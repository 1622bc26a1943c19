//! What generated code and the tests of this workspace call. Not public API.
use crate::native::{self, NativeError};
use tch::Tensor;

/// Says whether two handles are the same tensor; unique while the tensor lives.
pub fn identity(tensor: &Tensor) -> usize {
    native::identity(tensor)
}

/// How often the tensor was written to in place; none for inference tensors, which do not count.
///
/// # Errors
/// libtorch's own.
pub fn version(tensor: &Tensor) -> Result<Option<u64>, NativeError> {
    native::version(tensor)
}

/// Gives `param` the gradient `grad`, as assigning to `param.grad` does in PyTorch; tch has no way to.
///
/// # Errors
/// libtorch's own.
pub fn set_gradient(param: &Tensor, grad: &Tensor) -> Result<(), NativeError> {
    native::set_gradient(param, grad)
}
