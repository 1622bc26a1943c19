//! tch's own optimizer methods, scaler-aware, so that existing loops read on. Order is checked when they run.
use super::error::OptimWrapperError;
use super::outcome::StepOutcome;
use super::wrapper::{OptimWrapper, Phase, Result};
use crate::optim::ClipGrad;
use tch::Tensor;

impl OptimWrapper {
    /// Updates the parameters from the gradients of [`backward`](Self::backward); inside an accumulation window, waits for
    /// its last batch.
    ///
    /// # Errors
    /// [`OptimWrapperError::BeforeBackward`] without such gradients; else as [`update_params`](Self::update_params).
    pub fn step(&mut self) -> Result<StepOutcome> {
        if !self.ready("step")? {
            return Ok(StepOutcome::Accumulating);
        }
        self.finish()
    }

    /// Unscales and scales the gradients down to a 2-norm of `max`, instead of the clipping that the wrapper was built
    /// with; inside an accumulation window, waits for its last batch.
    ///
    /// # Errors
    /// As [`step`](Self::step), and a limit below 0.
    pub fn clip_grad_norm(&mut self, max: f64) -> Result<()> {
        self.clip_when_ready("clip_grad_norm", ClipGrad::norm(max))
    }

    /// Unscales and limits every element to `[-max, max]`, instead of the clipping that the wrapper was built with; inside
    /// an accumulation window, waits for its last batch.
    ///
    /// # Errors
    /// As [`step`](Self::step), and a limit below 0.
    pub fn clip_grad_value(&mut self, max: f64) -> Result<()> {
        self.clip_when_ready("clip_grad_value", ClipGrad::value(max))
    }

    /// Another name for [`update_params`](Self::update_params).
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params).
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<StepOutcome> {
        self.update_params(loss)
    }

    /// [`update_params`](Self::update_params) with every element of the gradients limited to `[-max, max]`.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params), and a limit below 0.
    pub fn backward_step_clip(&mut self, loss: &Tensor, max: f64) -> Result<StepOutcome> {
        self.update_clipped(loss, ClipGrad::value(max))
    }

    /// [`update_params`](Self::update_params) with the gradients scaled down to a 2-norm of `max`.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params), and a limit below 0.
    pub fn backward_step_clip_norm(&mut self, loss: &Tensor, max: f64) -> Result<StepOutcome> {
        self.update_clipped(loss, ClipGrad::norm(max))
    }

    fn update_clipped(&mut self, loss: &Tensor, clip_grad: ClipGrad) -> Result<StepOutcome> {
        clip_grad.validate()?;
        let scaled = self.backward(loss)?;
        if scaled.should_update() {
            scaled.unscale()?.clip_grad(clip_grad)?.step()
        } else {
            Ok(scaled.accumulate())
        }
    }

    fn clip_when_ready(&mut self, what: &'static str, clip_grad: ClipGrad) -> Result<()> {
        if let Err(error) = clip_grad.validate() {
            self.drop_window()?;
            return Err(error.into());
        }
        if self.ready(what)? { self.clip(clip_grad) } else { Ok(()) }
    }

    /// Whether the window is complete; its gradients are then unscaled.
    fn ready(&mut self, what: &'static str) -> Result<bool> {
        match self.phase {
            Phase::Idle => Err(OptimWrapperError::BeforeBackward(what)),
            Phase::Unscaled { .. } => Ok(true),
            Phase::Scaled if !self.accumulation.should_update() => Ok(false),
            Phase::Scaled => self.unscale().map(|()| true),
        }
    }
}
