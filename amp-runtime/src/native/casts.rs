//! Casts and when they may be used again: what a site asks of a tensor, in one call each.
use super::bridge::ffi;
use super::bridge::ffi::HiddenWeights;
use super::error::Result;
use super::handle::{inner, outer};
use cxx::UniquePtr;
use tch::Tensor;

/// libtorch's numbers of the dtypes that precision is about (`c10/core/ScalarType.h`).
pub(crate) const F16: i8 = 5;
pub(crate) const F32: i8 = 6;
pub(crate) const BF16: i8 = 15;

/// What a site needs to know of an operand: libtorch's numbers of its dtype and device type; none where it is undefined.
#[inline]
pub(crate) fn glance(tensor: &Tensor) -> Option<(i8, u8)> {
    let [dtype, device, ..] = match ffi::glance(inner(tensor)) {
        -1 => return None,
        packed => packed.to_le_bytes(),
    };
    Some((dtype.cast_signed(), device))
}

/// A tensor as it was at one moment.
pub(crate) struct Source(UniquePtr<ffi::Source>);

impl Source {
    /// None for tensors whose writes nobody counts.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        let source = ffi::remember(inner(tensor)).ok()?;
        (!source.is_null()).then_some(Self(source))
    }

    /// Whether a cast made at that moment is a cast of `tensor` as it is now: the same tensor, not written to, same grad mode.
    #[inline]
    pub(crate) fn is(&self, tensor: &Tensor) -> bool {
        self.0.is(inner(tensor))
    }
}

/// Whether the tensor is a leaf in f32 that asks for a gradient.
pub(crate) fn is_weight(tensor: &Tensor) -> bool {
    ffi::is_weight(inner(tensor)).unwrap_or(false)
}

/// The tensor in another dtype. What a weight was cast to in this outermost region is kept.
pub(crate) fn cast(tensor: &Tensor, dtype: i8) -> Result<Tensor> {
    Ok(outer(ffi::cast(inner(tensor), dtype)?))
}

/// Before libtorch casts a weight: drops what it keeps, where the weight is not what it was when last seen.
pub(crate) fn watch_weight(weight: &Tensor) {
    // It looks up a map: what could fail there ends the process anyway.
    let _ = ffi::watch_weight(inner(weight));
}

/// Whether libtorch's casts of the weights of a recurrent layer, known by its address, may be used by a call that begins.
pub(crate) fn begin_recurrent(layer: usize) -> HiddenWeights {
    ffi::begin_recurrent(layer).unwrap_or(HiddenWeights::Unseen)
}

/// The weights of that layer are those that this result was computed from: they are watched.
pub(crate) fn end_recurrent(layer: usize, result: &Tensor) {
    // It fills maps: what could fail there ends the process anyway.
    let _ = ffi::end_recurrent(layer, inner(result));
}

/// Drops every cast of a weight that this thread keeps, libtorch's own too: after weights may have been written to.
pub(crate) fn drop_casts() {
    // It locks a mutex and empties maps: what could fail there ends the process anyway.
    let _ = ffi::drop_casts();
}

/// Drops the casts of weights that libtorch keeps.
pub(crate) fn drop_ambient_casts() {
    let _ = ffi::drop_ambient_casts();
}

/// An outermost `#[amp]` region ends: leaves the cache, and drops what was kept for it.
pub(crate) fn end_outermost() {
    let _ = ffi::end_outermost();
}

/// A region begins that libtorch may keep casts for, unless it does so for another thread's. They nest.
pub(crate) fn use_cache() {
    ffi::use_cache();
}

/// It ends.
pub(crate) fn leave_cache() {
    ffi::leave_cache();
}

/// A layer ran whose weights nobody saw: libtorch may keep casts of them.
pub(crate) fn unseen_layer() {
    ffi::unseen_layer();
}

/// Whether something in the graph of `result` was computed in `dtype`.
pub(crate) fn computed_in(result: &Tensor, dtype: i8) -> bool {
    ffi::computed_in(inner(result), dtype).unwrap_or(false)
}

/// Whether the operation that wrote to this tensor may have written to a weight.
pub(crate) fn may_be_weight(written: &Tensor) -> bool {
    ffi::may_be_weight(inner(written)).unwrap_or(true)
}

/// Whether operations are recorded for a backward on this thread.
pub(crate) fn grad_enabled() -> bool {
    ffi::grad_enabled()
}

/// Whether libtorch keeps the casts that its autocast makes of weights; returns what it was.
pub(crate) fn set_cast_cache(enabled: bool) -> bool {
    ffi::set_cast_cache(enabled)
}
