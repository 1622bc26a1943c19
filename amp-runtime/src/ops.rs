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
    struct Count(Option<u64>);
    impl Drop for Count {
        fn drop(&mut self) {
            if let Some(handle) = self.0.take() {
                let _ = native::stop_counting(handle);
            }
        }
    }
    let mut count = Count(Some(native::start_counting()?));
    let result = f();
    let counts = count.0.take().map(native::stop_counting).transpose()?;
    Ok((result, counts.into_iter().flatten().collect()))
}
