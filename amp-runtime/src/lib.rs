//! Mixed-precision training for [tch](https://docs.rs/tch).
pub mod checkpoint;
pub mod config;
mod native;
mod optim;
mod optim_wrapper;
mod precision;
mod region;
mod scaler;
pub mod schedule;

pub use optim::{
    Adam, AdamW, ClipGrad, CustomKey, OptimError, Optimizer, OptimizerConfig, OptimizerState, ParamGroup,
    Paramwise, Sgd,
};
pub use optim_wrapper::{
    OptimWrapper, OptimWrapperBuilder, OptimWrapperDict, OptimWrapperError, OptimWrapperState, Scaled,
    StepOutcome, StepStats, Unscaled,
};
pub use precision::{Precision, UnknownPrecision, set_default_precision, with_precision};
pub use region::{autocast, full_precision};
pub use scaler::{DynamicLossScale, Floor, GradScaler, LossScale, ScalerError, ScalerState};
