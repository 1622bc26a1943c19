//! The cast itself, and a word about f16 on the CPU.
use crate::native::{self, F16};
use std::sync::Once;
use tch::Tensor;

/// The cast itself.
pub(super) fn make(tensor: &Tensor, dtype: i8) -> Option<Tensor> {
    if dtype == F16 {
        warn_of_f16_on_cpu(tensor);
    }
    native::cast(tensor, dtype).ok()
}

/// Says once that training in f16 on the CPU is no good idea.
pub(super) fn warn_of_f16_on_cpu(tensor: &Tensor) {
    static SAID: Once = Once::new();
    if native::grad_enabled() && native::glance(tensor).is_some_and(|(_, device)| device == 0) {
        SAID.call_once(|| {
            tracing::warn!(
                "an `#[amp]` region trains in f16 on the CPU, where backward convolutions in f16 were measured over 300 times slower than in bf16; `#[amp(dtype = bf16)]` or `with_precision(Precision::Bf16, ..)` avoids it"
            );
        });
    }
}
