//! What became of a step, read only when somebody asks.
use crate::native::{Deferred, NativeError};
use std::sync::Arc;
use tch::Tensor;

/// What a batch led to.
#[must_use = "it says whether the update was skipped"]
#[derive(Debug, Clone)]
pub enum StepOutcome {
    /// Its gradients wait for the rest of their accumulation window.
    Accumulating,
    /// Its window was complete: the parameters were updated, or the update was skipped.
    Stepped(StepStats),
}

impl StepOutcome {
    /// The numbers of the update; none while accumulating.
    pub fn stats(&self) -> Option<&StepStats> {
        match self {
            Self::Accumulating => None,
            Self::Stepped(stats) => Some(stats),
        }
    }
}

/// The numbers of one update. They are on their way from the device: reading one waits for it, not reading costs nothing.
#[derive(Debug)]
pub struct StepStats {
    pub(super) numbers: Arc<Deferred>,
    /// 0-dim f32 on the parameters' device: 1 if the update was skipped, else 0.
    pub(super) skip: Tensor,
    pub(super) has_norm: bool,
    pub(super) micro_batches: u32,
}

/// Positions in [`StepStats::numbers`].
pub(super) const SKIPPED: usize = 0;
pub(super) const FOUND_INF: usize = 1;
pub(super) const LOSS_SCALE: usize = 2;
pub(super) const GRAD_NORM: usize = 3;

impl StepStats {
    /// Whether the update was skipped, because a gradient or their norm was not finite.
    ///
    /// # Errors
    /// The device's own.
    pub fn skipped(&self) -> Result<bool, NativeError> {
        Ok(self.numbers.get(SKIPPED)? != 0.)
    }

    /// Whether a gradient was inf or NaN.
    ///
    /// # Errors
    /// The device's own.
    pub fn found_inf(&self) -> Result<bool, NativeError> {
        Ok(self.numbers.get(FOUND_INF)? != 0.)
    }

    /// The scale that the gradients carried; 1 without a loss scaler.
    ///
    /// # Errors
    /// The device's own.
    pub fn loss_scale(&self) -> Result<f64, NativeError> {
        Ok(f64::from(self.numbers.get(LOSS_SCALE)?))
    }

    /// The norm of the unscaled gradients before clipping; none unless they were clipped by norm.
    ///
    /// # Errors
    /// The device's own.
    pub fn grad_norm(&self) -> Result<Option<f64>, NativeError> {
        if self.has_norm { Ok(Some(f64::from(self.numbers.get(GRAD_NORM)?))) } else { Ok(None) }
    }

    /// 1 if the update was skipped, else 0: 0-dim f32 on the parameters' device, for decisions that should not wait.
    pub fn skip_flag(&self) -> &Tensor {
        &self.skip
    }

    /// Batches in the update's window; if it was skipped, that many are lost.
    pub fn micro_batches(&self) -> u32 {
        self.micro_batches
    }

    /// Whether reading would not wait.
    ///
    /// # Errors
    /// The device's own.
    pub fn is_ready(&self) -> Result<bool, NativeError> {
        self.numbers.is_ready()
    }
}

impl Clone for StepStats {
    fn clone(&self) -> Self {
        Self { numbers: Arc::clone(&self.numbers), skip: self.skip.shallow_clone(), ..*self }
    }
}
