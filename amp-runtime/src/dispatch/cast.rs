//! Whether an operand is cast here and now.
use super::make::make;
use super::slot::Shared;
use crate::native::{self, BF16, F16, F32};
use crate::region;
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
