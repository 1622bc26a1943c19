//! Mixed-precision training for [tch](https://docs.rs/tch): put [`amp`] on the functions that compute, and give each loss to
//! an [`OptimWrapper`].
//!
//! ```
//! use amp_runtime::prelude::*;
//! use tch::{Device, Kind, Tensor, nn};
//!
//! #[amp]
//! fn loss(net: &nn::Linear, xs: &Tensor, ys: &Tensor) -> Tensor {
//!     xs.apply(net).cross_entropy_for_logits(ys)
//! }
//!
//! let vs = nn::VarStore::new(Device::cuda_if_available());
//! let net = nn::linear(vs.root(), 8, 2, nn::LinearConfig::default());
//! let mut optim = OptimWrapper::builder(Sgd { lr: 0.1, ..Sgd::default() }).build(&vs)?;
//! let xs = Tensor::randn([4, 8], (Kind::Float, vs.device()));
//! let ys = Tensor::zeros([4], (Kind::Int64, vs.device()));
//! let outcome = optim.update_params(&loss(&net, &xs, &ys))?;
//! # assert!(outcome.stats().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The wrapper takes each loss through one canonical update. Nothing waits for the update's own result; that of the one before
//! is read first, so that on a GPU the host runs at most one update ahead.
//!
//! 1. the loss is scaled, in f32, and differentiated;
//! 2. the gradients are checked for inf and NaN and multiplied with the inverse of the scale that their backward used;
//! 3. they are clipped, by a norm computed in f32;
//! 4. one fused kernel per parameter group updates the parameters, or skips on the device;
//! 5. the scale follows, the gradients are set to none.
//!
//! [`Precision`] says whether functions compute in f16, bf16 or f32, and [`autocast`] lowers code that has no attribute.
//! [`GradScaler`] and [`Optimizer`] are the parts, for loops that want to be their own wrapper. [`checkpoint`] saves and resumes all
//! of it, [`schedule`] and [`Ema`] follow applied updates, and [`config`] reads MMEngine's configurations. [`rules`] explains the
//! compile errors; [`guides`] translate from PyTorch's AMP and from MMDetection.
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
pub use memory::{
    MemoryError, empty_cache, keep_freed_memory, peak_memory, peak_reserved_memory, reset_peak_memory,
};
pub use native::NativeError;
pub use ops::count_ops;
pub use optim::{
    Adam, AdamW, ClipGrad, CustomKey, OptimError, Optimizer, OptimizerConfig, OptimizerState, ParamGroup,
    Paramwise, Sgd,
};
pub use optim_wrapper::{
    GraphedLoss, OptimWrapper, OptimWrapperBuilder, OptimWrapperDict, OptimWrapperError, OptimWrapperState,
    Scaled, StepOutcome, StepStats, Unscaled,
};
pub use precision::{Precision, UnknownPrecision, set_default_precision, with_precision};
pub use region::{autocast, full_precision};
pub use scaler::{DynamicLossScale, Floor, GradScaler, LossScale, ScalerError, ScalerState};
