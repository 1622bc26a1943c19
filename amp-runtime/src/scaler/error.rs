//! What can go wrong with a loss scale: its numbers, the order of calls, a scale that finds no footing.
use crate::native::{NativeError, from_tch};
use crate::optim::OptimError;
use tch::{Kind, TchError};

/// Errors of the loss scaler: wrong order of calls, numbers out of range, a scale that found no footing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScalerError {
    /// A number out of range.
    #[error("the loss scale has `{field} = {value}`\nhelp: `{field}` must be {wants}")]
    InvalidValue {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: f64,
        /// What it may hold.
        wants: &'static str,
    },
    /// A loss that cannot be scaled.
    #[error("a loss of dtype {0:?} cannot be scaled\nhelp: losses are floating-point tensors")]
    NotFloating(Kind),
    /// `unscale` before any `scale`.
    #[error(
        "`unscale` before any `scale`: the gradients carry no loss scale\nhelp: call `backward` on `scaler.scale(&loss)?`"
    )]
    NeverScaled,
    /// `unscale` twice.
    #[error(
        "`unscale` was already called on this optimizer since the last `update`\nhelp: call it once, before clipping"
    )]
    AlreadyUnscaled,
    /// `unscale` after `step`.
    #[error("`unscale` after `step`\nhelp: unscale, clip, step, update: in this order")]
    UnscaleAfterStep,
    /// `step` twice.
    #[error(
        "`step` was already called on this optimizer since the last `update`\nhelp: call `update` after the steps"
    )]
    AlreadyStepped,
    /// `clip` on gradients that still carry the loss scale.
    #[error("clipping gradients that still carry the loss scale\nhelp: call `unscale` first")]
    ClipBeforeUnscale,
    /// `update` without any check.
    #[error(
        "`update` before any optimizer's gradients were checked\nhelp: call `step` of at least one optimizer first"
    )]
    NothingChecked,
    /// The scale is at its floor and gradients still overflow.
    #[error(
        "{in_a_row} updates in a row overflowed although the loss scale is at its floor of {scale}\nnote: not finite now: {parameters}\nhelp: look for the operation that overflows (a mask of -1e9, a small epsilon, a too large learning rate)"
    )]
    Collapsed {
        /// Overflows in a row at the floor.
        in_a_row: u32,
        /// The floor.
        scale: f64,
        /// The parameters whose gradients are not finite.
        parameters: String,
    },
    /// There is no scale to set.
    #[error(
        "scaling is off: there is no loss scale to set\nhelp: build with `.loss_scale(LossScale::dynamic())`"
    )]
    Off,
    /// A saved state that does not fit.
    #[error("the loss scaler's state does not fit: {0}")]
    State(String),
    /// The optimizer failed.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// libtorch failed.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// tch failed.
    #[error(transparent)]
    Tch(TchError),
}

from_tch!(ScalerError);
