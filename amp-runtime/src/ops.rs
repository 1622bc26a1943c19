//! Which operators a piece of code runs, and how often: casts per forward, host reads per update.
use crate::native::{self, NativeError};
use std::collections::BTreeMap;

/// Runs `f` and counts the libtorch operators that this thread runs in it, by name (`aten::linear`, `aten::_to_copy`).
///
/// Operators that call others count with them, as in `torch.profiler`; a backward on the CPU runs on the calling thread and
/// counts, one on CUDA runs on libtorch's own and does not. A cast is an `aten::_to_copy`, a host read an
/// `aten::_local_scalar_dense`.
///
/// # Errors
/// libtorch's own.
pub fn count_ops<R>(f: impl FnOnce() -> R) -> Result<(R, BTreeMap<String, u64>), NativeError> {
    /// Ends the count even if `f` panics.
    struct Count(bool);
    impl Drop for Count {
        fn drop(&mut self) {
            if self.0 {
                let _ = native::stop_counting();
            }
        }
    }
    native::start_counting()?;
    let mut count = Count(true);
    let result = f();
    count.0 = false;
    Ok((result, native::stop_counting()?.into_iter().collect()))
}
