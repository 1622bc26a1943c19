//! Optimizers whose state can be saved and whose update can be skipped on the device.
mod adam;
mod clip;
mod error;
mod group;
mod inspect;
mod lists;
mod numbers;
mod optimizer;
mod parameter;
mod paramwise;
mod rule;
mod sgd;
mod state;

pub use adam::{Adam, AdamW};
pub use clip::ClipGrad;
pub use error::OptimError;
pub use group::ParamGroup;
pub use optimizer::Optimizer;
pub use paramwise::{CustomKey, Paramwise};
pub use rule::OptimizerConfig;
pub use sgd::Sgd;
pub use state::OptimizerState;
pub(crate) use state::{FittedOptimizer, OptimizerNumbers};
