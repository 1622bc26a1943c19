//! Mixed-precision training for [tch](https://docs.rs/tch): what runs.
//!
//! [`OptimWrapper`] owns the optimizer and takes each loss through one canonical update, without waiting for the device:
//!
//! 1. the loss is scaled, in f32, and differentiated;
//! 2. the gradients are checked for inf and NaN and multiplied with the inverse of the scale that their backward used;
//! 3. they are clipped, by a norm computed in f32;
//! 4. one fused kernel per parameter group updates the parameters, or skips on the device;
//! 5. the scale follows, the gradients are set to none.
//!
//! [`autocast`] lowers a forward's operations to f16 or bf16; [`Precision`] is the one switch for both.
//! [`GradScaler`] and [`Optimizer`] are the parts, for loops that want to be their own wrapper.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod __private;
mod cast;
pub mod checkpoint;
pub mod config;
mod dispatch;
mod ema;
pub mod guides;
mod layout;
mod memory;
mod native;
mod ops;
mod optim;
mod optim_wrapper;
pub mod parity;
pub mod plan;
pub mod policy;
mod precision;
pub mod prelude;
mod region;
pub mod rules;
mod scaler;
pub mod schedule;
mod train_step;

#[doc = include_str!("amp.md")]
pub use amp_macros::amp;
pub use cast::{full, low};
pub use ema::{Ema, EmaError};
pub use layout::{channels_last, variables_to_channels_last};
pub use memory::{MemoryError, empty_cache, keep_freed_memory, peak_memory, reset_peak_memory};
pub use native::NativeError;
pub use ops::count_ops;
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
