//! What a training loop needs, in one `use`.
pub use crate::optim::{Adam, AdamW, ClipGrad, Sgd};
pub use crate::optim_wrapper::{OptimWrapper, OptimWrapperError, StepOutcome};
pub use crate::precision::{Precision, with_precision};
pub use crate::region::{autocast, full_precision};
pub use crate::scaler::{DynamicLossScale, LossScale};
pub use amp_macros::amp;
