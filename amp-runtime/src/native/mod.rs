//! libtorch's own kernels behind safe functions: the only room with `unsafe`, and it decides nothing.
#![allow(unsafe_code, reason = "this room exists to hold it")]

mod bridge;
mod casts;
mod error;
mod gradients;
mod graph;
mod handle;
mod layers;
mod list;

use bridge::ffi;
pub(crate) use bridge::ffi::{AdamStep, AutocastState, GradientState, HiddenWeights, Range, SgdStep};
pub(crate) use casts::{
    BF16, F16, F32, Source, begin_recurrent, cast, computed_in, drop_ambient_casts, drop_casts,
    end_outermost, end_recurrent, glance, grad_enabled, is_weight, leave_cache, may_be_weight,
    set_cast_cache, unseen_layer, use_cache, watch_weight,
};
use cxx::UniquePtr;
pub use error::NativeError;
use error::Result;
pub(crate) use gradients::{add_gradients, keep_gradients, places, restore, take_gradients};
pub(crate) use graph::{
    CudaGraph, Recording, SideStream, SpareGenerator, forget_accumulators, hidden_states, reaches_back,
};
pub(crate) use handle::references;
use handle::{inner, ordinal, outer};
pub(crate) use layers::{Recognized, each_layer, recognize};
pub(crate) use list::TensorList;
use tch::{Device, TchError, Tensor};

/// tch's errors without libtorch's C++ stack.
pub(crate) fn brief(error: TchError) -> TchError {
    match error {
        TchError::Torch(said) => {
            let brief = said.split("\nException raised from").next().unwrap_or(&said);
            TchError::Torch(brief.trim_end().to_owned())
        }
        other => other,
    }
}

/// Lets `?` turn tch's errors into the `Tch` variant of an error enum, without libtorch's C++ stack.
macro_rules! from_tch {
    ($error:ty) => {
        impl From<tch::TchError> for $error {
            fn from(error: tch::TchError) -> Self {
                Self::Tch($crate::native::brief(error))
            }
        }
    };
}
pub(crate) use from_tch;

/// The usable gradients of `params` in their order, and for every parameter what its gradient was.
/// A gradient laid out differently from its parameter is replaced by a copy in the parameter's layout.
pub(crate) fn gather_gradients(params: &TensorList) -> Result<(TensorList, Vec<GradientState>)> {
    let mut grads = TensorList(ffi::new_list(params.len()));
    let mut states = Vec::new();
    ffi::gather_gradients(&params.0, grads.0.pin_mut(), &mut states)?;
    Ok((grads, states))
}

/// The first parameter whose entry in `others` has another shape, dtype, device or memory layout; `others` may be empty.
pub(crate) fn first_unlike(params: &TensorList, others: &TensorList) -> Result<Option<usize>> {
    Ok(usize::try_from(ffi::first_unlike(&params.0, &others.0)?).ok())
}

/// The index of the first parameter that has a gradient.
pub(crate) fn first_gradient(params: &TensorList) -> Option<usize> {
    let index = ffi::first_gradient(&params.0);
    Some(index).filter(|&index| index < params.len())
}

/// The backward of a loss with one element, whose own gradient is `gradient`: for all leaves, or only for `leaves`.
pub(crate) fn backward(loss: &Tensor, gradient: &Tensor, leaves: Option<&TensorList>) -> Result<()> {
    match leaves {
        Some(leaves) => Ok(ffi::backward_for(inner(loss), inner(gradient), &leaves.0)?),
        None => Ok(ffi::backward(inner(loss), inner(gradient))?),
    }
}

/// Sets every gradient to none, as `zero_grad(set_to_none=True)`.
pub(crate) fn clear_gradients(params: &TensorList) -> Result<()> {
    Ok(ffi::clear_gradients(&params.0)?)
}

/// Gives `param` the gradient `grad`.
pub(crate) fn set_gradient(param: &Tensor, grad: &Tensor) -> Result<()> {
    Ok(ffi::set_gradient(inner(param), inner(grad))?)
}

/// Whether the tensor's memory holds each element once and nothing else.
pub(crate) fn is_dense(param: &Tensor) -> Result<bool> {
    Ok(ffi::is_dense(inner(param))?)
}

/// `_amp_foreach_non_finite_check_and_unscale_`: sets `found_inf` to 1 where a gradient is not finite, multiplies by
/// `inv_scale` (both 0-dim f32). Returns the 2-norm of what it leaves, 0-dim f32, where that costs nothing: for f32 on the CPU.
pub(crate) fn check_and_unscale(
    grads: &TensorList,
    found_inf: &Tensor,
    inv_scale: &Tensor,
) -> Result<Option<Tensor>> {
    let norm = outer(ffi::check_and_unscale(&grads.0, inner(found_inf), inner(inv_scale))?);
    Ok(norm.defined().then_some(norm))
}

/// Appends the f32 norm of each gradient to `norms` (`_foreach_norm`).
pub(crate) fn push_norms(grads: &TensorList, norm_type: f64, norms: &mut TensorList) -> Result<()> {
    Ok(ffi::push_norms(&grads.0, norm_type, norms.0.pin_mut())?)
}

/// The norm of the norms: a 0-dim f32 tensor.
pub(crate) fn total_norm(norms: &TensorList, norm_type: f64) -> Result<Tensor> {
    Ok(outer(ffi::total_norm(&norms.0, norm_type)?))
}

/// `_foreach_mul_` by a 0-dim f32 tensor.
pub(crate) fn multiply(tensors: &TensorList, factor: &Tensor) -> Result<()> {
    Ok(ffi::multiply(&tensors.0, inner(factor))?)
}

/// Clamps every element to `[-limit, limit]`.
pub(crate) fn clamp(tensors: &TensorList, limit: f64) -> Result<()> {
    Ok(ffi::clamp(&tensors.0, limit)?)
}

/// `_fused_sgd_` on `range` of the lists; skipped on the device where `found_inf` is 1.
pub(crate) fn fused_sgd(
    params: &TensorList,
    grads: &TensorList,
    momentum_buffers: &TensorList,
    range: Range,
    step: &SgdStep,
    found_inf: &Tensor,
) -> Result<()> {
    Ok(ffi::fused_sgd(&params.0, &grads.0, &momentum_buffers.0, range, step, inner(found_inf))?)
}

/// The state lists of an Adam update, parallel to the parameters.
pub(crate) struct AdamLists {
    pub(crate) exp_avgs: TensorList,
    pub(crate) exp_avg_sqs: TensorList,
    /// Empty without amsgrad.
    pub(crate) max_exp_avg_sqs: TensorList,
    /// f32 views of the step counters, as the kernels want them.
    pub(crate) steps: TensorList,
}

/// `_fused_adam_` or `_fused_adamw_` on `range` of the lists; skipped on the device where `found_inf` is 1.
pub(crate) fn fused_adam(
    params: &TensorList,
    grads: &TensorList,
    state: &AdamLists,
    range: Range,
    step: &AdamStep,
    found_inf: &Tensor,
) -> Result<()> {
    Ok(ffi::fused_adam(
        &params.0,
        &grads.0,
        &state.exp_avgs.0,
        &state.exp_avg_sqs.0,
        &state.max_exp_avg_sqs.0,
        &state.steps.0,
        range,
        step,
        inner(found_inf),
    )?)
}

/// Moves `averages` towards `values` by the share `weight`, a 0-dim tensor.
pub(crate) fn average(averages: &TensorList, values: &TensorList, weight: &Tensor) -> Result<()> {
    Ok(ffi::average(&averages.0, &values.0, inner(weight))?)
}

/// `_foreach_copy_`.
pub(crate) fn copy(targets: &TensorList, sources: &TensorList) -> Result<()> {
    Ok(ffi::copy(&targets.0, &sources.0)?)
}

/// Device scalars on their way to the host: nobody waits until one is read.
pub(crate) struct Deferred(UniquePtr<ffi::Deferred>);

// SAFETY: it owns a host tensor that nobody else holds and an event, which libtorch lets any thread wait for.
unsafe impl Send for Deferred {}

// SAFETY: reading waits for the event, which is thread-safe, and then looks at memory that nobody writes to.
unsafe impl Sync for Deferred {}

impl std::fmt::Debug for Deferred {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Printing the numbers would wait for them.
        f.write_str("Deferred")
    }
}

impl Deferred {
    /// Packs 0-dim f32 tensors of one device and starts their copy.
    pub(crate) fn new(scalars: &[&Tensor]) -> Result<Self> {
        let list: TensorList = scalars.iter().copied().collect();
        Ok(Self(ffi::defer(&list.0)?))
    }

    /// Whether reading would not wait.
    pub(crate) fn is_ready(&self) -> Result<bool> {
        Ok(self.0.ready()?)
    }

    /// The value at `index`; waits until it has arrived.
    pub(crate) fn get(&self, index: usize) -> Result<f32> {
        Ok(self.0.get(index)?)
    }
}

/// Turns autocast on for this thread: with one dtype (libtorch's number) on the CPU and another on CUDA or MPS. What it was before
/// goes to [`leave_autocast`].
pub(crate) fn enter_autocast(cpu: i8, accelerator: i8) -> AutocastState {
    ffi::enter_autocast(cpu, accelerator)
}

/// Turns autocast off for this thread.
pub(crate) fn suspend_autocast() -> AutocastState {
    ffi::suspend_autocast()
}

/// Puts autocast back as it was; drops cached casts when no region is left.
pub(crate) fn leave_autocast(previous: AutocastState) {
    ffi::leave_autocast(previous);
}

/// Says whether two handles are the same tensor; stays unique while the tensor lives.
pub(crate) fn identity(tensor: &Tensor) -> usize {
    ffi::identity(inner(tensor))
}

/// How often the tensors were written to in place, all together.
pub(crate) fn writes(tensors: &TensorList) -> Result<u64> {
    Ok(ffi::writes(&tensors.0)?)
}

/// How often the tensor was written to in place; none for inference tensors, which do not count.
pub(crate) fn version(tensor: &Tensor) -> Result<Option<u64>> {
    Ok(u64::try_from(ffi::version(inner(tensor))?).ok())
}

/// Most bytes allocated at once on a CUDA device since the last reset.
pub(crate) fn peak_bytes(cuda_index: usize) -> Result<u64> {
    Ok(ffi::peak_bytes(ordinal(Device::Cuda(cuda_index)))?)
}

/// Most bytes taken from the driver at once on a CUDA device since the last reset.
pub(crate) fn peak_reserved_bytes(cuda_index: usize) -> Result<u64> {
    Ok(ffi::peak_reserved_bytes(ordinal(Device::Cuda(cuda_index)))?)
}

/// Starts both counts anew.
pub(crate) fn reset_peak(cuda_index: usize) -> Result<()> {
    Ok(ffi::reset_peak(ordinal(Device::Cuda(cuda_index)))?)
}

/// Has glibc's allocator keep what is freed.
pub(crate) fn keep_freed_memory() {
    ffi::keep_freed_memory();
}

/// Gives the device back what the allocator keeps for later, on all CUDA devices.
pub(crate) fn empty_cache(cuda_index: usize) -> Result<()> {
    Ok(ffi::empty_cache(ordinal(Device::Cuda(cuda_index)))?)
}

/// The state of the device's default random number generator, a uint8 tensor on the CPU.
pub(crate) fn generator_state(device: Device) -> Result<Tensor> {
    Ok(outer(ffi::generator_state(ordinal(device))?))
}

/// Puts the device's default random number generator into a recorded state.
pub(crate) fn set_generator_state(device: Device, state: &Tensor) -> Result<()> {
    Ok(ffi::set_generator_state(ordinal(device), inner(state))?)
}

/// The libtorch that this was compiled against, such as `2.11.0`.
pub(crate) fn libtorch_version() -> String {
    ffi::libtorch_version()
}

/// Which vector instructions libtorch's CPU kernels use here, such as `AVX2`: another width sums in another order.
pub(crate) fn cpu_capability() -> Result<String> {
    Ok(ffi::cpu_capability()?)
}

/// Why CUDA could not be loaded although this machine has a driver.
pub(crate) fn cuda_load_error() -> Option<String> {
    Some(ffi::cuda_load_error()).filter(|error| !error.is_empty())
}

/// Starts counting the operators that this thread runs; counts nest.
pub(crate) fn start_counting() -> Result<()> {
    Ok(ffi::start_counting()?)
}

/// Ends the count that began last: operator names and how often each ran.
pub(crate) fn stop_counting() -> Result<Vec<(String, u64)>> {
    Ok(ffi::stop_counting()?.into_iter().map(|op| (op.name, op.count)).collect())
}
