//! `OptimWrapper`: one object that owns the optimizer and gets every update right.
mod accumulate;
mod backward;
mod builder;
mod capture;
mod dict;
mod error;
mod graphed;
mod numbers;
mod outcome;
mod state;
mod step;
mod tch_names;
mod wrapper;

pub use builder::OptimWrapperBuilder;
pub use dict::OptimWrapperDict;
pub use error::OptimWrapperError;
pub use graphed::GraphedLoss;
pub use outcome::{StepOutcome, StepStats};
pub use state::OptimWrapperState;
pub(crate) use state::{Fitted, OpenWindow, WrapperNumbers};

pub use step::{Scaled, Unscaled};
pub use wrapper::OptimWrapper;
