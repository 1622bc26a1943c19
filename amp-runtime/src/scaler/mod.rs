//! The loss scaler: scales losses, unscales gradients, skips overflows, follows them with its scale.
mod error;
mod floor;
mod grad_scaler;
mod loss_scale;
mod scale;
mod state;

pub use error::ScalerError;
pub use grad_scaler::GradScaler;
pub use loss_scale::{DynamicLossScale, Floor, LossScale};
pub use state::ScalerState;
