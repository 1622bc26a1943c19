//! What generated code and the tests of this workspace call. Not public API.
use crate::native::{self, NativeError};
use tch::Tensor;

pub use crate::dispatch::{
    AsTensor, Call, Gate, Held, IsTensor, KnownLayer, LayerCall, NotTensor, Operand, OutputFull, Place,
    Receiver, Shared, Site, Slot, Value, Widest, WriteAmpSkip, called, f_widest_bilinear, fallback, known,
    output_full, resumed, widest_bilinear, wrote, wrote_anything,
};
pub use crate::plan::{FunctionPlan, LayerPlan, LayerSeen, PLANS, SitePlan};
pub use crate::precision::Precision;
pub use crate::region::{Region, enter, island, leave, outside, reenter};
pub use linkme;
pub use std::sync::atomic::AtomicU64;

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

pub use crate::train_step::{backward, done, or_panic, scaled};
