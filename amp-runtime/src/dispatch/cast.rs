//! Whether an operand is cast here and now, and the cast.
use super::slot::Shared;
use crate::native::{self, BF16, F16, F32};
use crate::region;
use std::sync::Once;
use tch::Tensor;

/// What a site asks of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The low dtype of the operand's device.
    Low,
    /// f32.
    Full,
    /// Low for weights, which are cast once per outermost region; all else as it is.
    LowWeight,
}

impl To {
    /// The dtype (libtorch's number) that the tensor has to be cast to; none where nothing has to change.
    #[inline]
    pub(super) fn wanted(self, tensor: &Tensor) -> Option<i8> {
        let low = region::low_kinds();
        if low.is_none() {
            return None;
        }
        let (dtype, device) = native::glance(tensor)?;
        let low = low.on(device)?;
        match (self, dtype) {
            (Self::Low, F16 | BF16 | F32) if dtype != low => Some(low),
            (Self::Full, F16 | BF16) => Some(F32),
            (Self::LowWeight, F32) if native::is_weight(tensor) => Some(low),
            _ => None,
        }
    }

    /// The cast, in `made` or in `shared`; none where nothing has to change.
    ///
    /// A cast that fails (there is no memory) is none either: the operation gets what the user wrote, and its own error comes from
    /// where the user expects it, as a value from `f_` methods.
    #[inline]
    pub(super) fn cast<'s>(
        self,
        tensor: &Tensor,
        made: &'s mut Option<Tensor>,
        shared: Option<&'s Shared>,
    ) -> Option<&'s Tensor> {
        let dtype = self.wanted(tensor)?;
        match shared {
            Some(shared) => shared.cast(tensor, dtype, made),
            None => Some(made.insert(make(tensor, dtype)?)),
        }
    }
}

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
