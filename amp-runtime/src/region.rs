//! Entering, suspending and leaving autocast: one guard for every device type, safe against panics.
use crate::native::{self, AutocastState};
use crate::precision::Precision;
use std::marker::PhantomData;

/// Autocast of this thread until the guard drops; then it is again what it was.
pub(crate) struct Region {
    previous: Option<AutocastState>,
    /// Autocast belongs to a thread: a guard must not leave it.
    _thread: PhantomData<*const ()>,
}

impl Region {
    /// Autocast on, with the dtype of `precision`, on CPU, CUDA and MPS. With [`Precision::Full`] nothing changes.
    pub(crate) fn enter(precision: Precision) -> Self {
        Self { previous: precision.low_kind().map(native::enter_autocast), _thread: PhantomData }
    }

    /// Autocast off.
    pub(crate) fn suspend() -> Self {
        Self { previous: Some(native::suspend_autocast()), _thread: PhantomData }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            native::leave_autocast(previous);
        }
    }
}

/// Runs `f` under libtorch's autocast in the dtype of `precision`, on whatever device its tensors are (CPU, CUDA, MPS).
///
/// Follows `torch.autocast`: nests, belongs to this thread, and keeps one low-precision copy of each weight until the
/// outermost region ends. A panic or an early return in `f` leaves autocast as it was, which `tch::autocast` does not.
/// With [`Precision::Full`], `f` just runs: inside another region, it stays in that region's precision; to leave one,
/// use [`full_precision`].
pub fn autocast<R>(precision: Precision, f: impl FnOnce() -> R) -> R {
    let _region = Region::enter(precision);
    f()
}

/// Runs `f` with autocast off: an island of the precision that its tensors have (`torch.autocast(enabled=False)`).
pub fn full_precision<R>(f: impl FnOnce() -> R) -> R {
    let _region = Region::suspend();
    f()
}
