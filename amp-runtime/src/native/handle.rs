//! The same tensor on both sides of the bridge, and the same device: tch's handle and C++'s.
use super::bridge::ffi;
use cxx::UniquePtr;
use tch::{Device, Tensor};

/// The C++ tensor inside a tch tensor.
#[inline]
pub(super) fn inner(tensor: &Tensor) -> &ffi::Tensor {
    // SAFETY: tch's pointer is a live `at::Tensor*` for as long as the tensor is borrowed.
    unsafe { &*tensor.as_ptr().cast::<ffi::Tensor>() }
}

/// A tch tensor that owns what C++ returned.
pub(super) fn outer(tensor: UniquePtr<ffi::Tensor>) -> Tensor {
    // SAFETY: the pointer came from `new at::Tensor`, which is what tch deletes.
    unsafe { Tensor::from_ptr(tensor.into_raw().cast()) }
}

/// A list of references to tensors that do not lie side by side, kept in `pointers`.
pub(crate) fn references<'s>(
    tensors: impl Iterator<Item = &'s Tensor>,
    pointers: &'s mut Vec<*const Tensor>,
) -> &'s [&'s Tensor] {
    pointers.clear();
    pointers.extend(tensors.map(std::ptr::from_ref));
    // SAFETY: every pointer came from a reference that lives as long as the list is borrowed, and has its layout.
    unsafe { std::slice::from_raw_parts(pointers.as_ptr().cast::<&'s Tensor>(), pointers.len()) }
}

/// -1 for all that is not CUDA.
pub(super) fn ordinal(device: Device) -> i32 {
    match device {
        Device::Cuda(index) => i32::try_from(index).unwrap_or(i32::MAX),
        _ => -1,
    }
}
