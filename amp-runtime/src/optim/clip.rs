//! Clipping: by norm or by value, on unscaled gradients.
use super::error::{OptimError, require};
use crate::native::{self, NativeError, TensorList};
use tch::{TchError, Tensor};

/// How gradients are limited before an update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClipGrad {
    /// All gradients together, as one vector, are scaled down to a norm of at most `max_norm`
    /// (`torch.nn.utils.clip_grad_norm_`). The norm is computed in f32 whatever the gradients' dtype.
    Norm {
        /// The largest norm that is left alone; 0 or more.
        max_norm: f64,
        /// The p of the p-norm: 2 by default; infinity for the largest absolute value.
        norm_type: f64,
        /// An update whose norm is not finite is always skipped. With this it is also an error, of the next call that looks at the
        /// outcome; overflows under a dynamic loss scale excepted, which are its daily business.
        error_if_nonfinite: bool,
    },
    /// Every element is limited to `[-clip_value, clip_value]` (`torch.nn.utils.clip_grad_value_`).
    Value {
        /// The limit; 0 or more.
        clip_value: f64,
    },
}

impl ClipGrad {
    /// Clip by 2-norm.
    #[must_use]
    pub fn norm(max_norm: f64) -> Self {
        Self::Norm { max_norm, norm_type: 2., error_if_nonfinite: false }
    }

    /// Clip by value.
    #[must_use]
    pub fn value(clip_value: f64) -> Self {
        Self::Value { clip_value }
    }

    pub(crate) fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::Norm { max_norm, norm_type, .. } => {
                require("clip_grad", "max_norm", max_norm, max_norm >= 0., "0 or more")?;
                require("clip_grad", "norm_type", norm_type, norm_type > 0., "more than 0")
            }
            Self::Value { clip_value } => {
                require("clip_grad", "clip_value", clip_value, clip_value >= 0., "0 or more")
            }
        }
    }
}

/// The norm of the gradients of all lists as one vector: 0-dim f32.
pub(super) fn total_norm(lists: &[&TensorList], norm_type: f64) -> Result<Tensor, NativeError> {
    let mut norms = TensorList::new();
    for grads in lists {
        native::push_norms(grads, norm_type, &mut norms)?;
    }
    native::total_norm(&norms, norm_type)
}

/// What gradients of that norm are multiplied with to come down to `max_norm`: 0-dim f32, at most 1.
/// Where the norm is not finite the gradients turn into garbage: the caller must skip the update.
pub(super) fn factor(norm: &Tensor, max_norm: f64) -> Result<Tensor, TchError> {
    // The 1e-6 is PyTorch's: the factor stays below 1 even where the norm is the limit itself. So is the order: there a
    // number divided by a tensor is the number times its reciprocal.
    // f32 has no larger number.
    let max_norm = max_norm.min(f64::from(f32::MAX));
    norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(max_norm)?.f_clamp_max(1.)
}
