//! A training step as types: each part consumes the one before, so that a wrong order does not compile.
use super::outcome::StepOutcome;
use super::wrapper::{OptimWrapper, Result};
use crate::optim::ClipGrad;
use tch::Tensor;

/// Gradients that carry the loss scale. They can be unscaled, or left to accumulate.
#[must_use = "the gradients carry the loss scale and nothing was updated: call `unscale` and `step`, or `accumulate`"]
pub struct Scaled<'a> {
    pub(super) wrapper: &'a mut OptimWrapper,
}

/// Gradients as the loss has them. They can be clipped, and stepped once.
#[must_use = "nothing was updated yet: call `step`"]
pub struct Unscaled<'a> {
    wrapper: &'a mut OptimWrapper,
}

impl OptimWrapper {
    /// Takes one batch's loss all the way: backward, and once its accumulation window is complete, the update.
    ///
    /// `loss`: one element, floating-point, on any device, computed from the trainable variables.
    ///
    /// # Errors
    /// A loss without a graph, gradients that cannot be used, a loss scale that collapsed: see [`OptimWrapperError`](crate::OptimWrapperError).
    /// The parameters, the optimizer's state and the scale are then as they were. A loss that is refused changes nothing; where
    /// its backward or the unscaling fails, the gradients of the window are dropped.
    pub fn update_params(&mut self, loss: &Tensor) -> Result<StepOutcome> {
        self.backward(loss)?.finish()
    }

    /// Scales the loss and computes its gradients. What comes next is in the type that it returns.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params).
    pub fn backward(&mut self, loss: &Tensor) -> Result<Scaled<'_>> {
        self.differentiate(loss)?;
        Ok(Scaled { wrapper: self })
    }
}

impl<'a> Scaled<'a> {
    /// Whether the batch completes its accumulation window.
    pub fn should_update(&self) -> bool {
        self.wrapper.accumulation.should_update()
    }

    /// The update, or if the window is not complete none.
    pub(super) fn finish(self) -> Result<StepOutcome> {
        if self.should_update() { self.unscale()?.step() } else { Ok(self.accumulate()) }
    }

    /// Leaves the gradients for the next batch to add to.
    pub fn accumulate(self) -> StepOutcome {
        StepOutcome::Accumulating
    }

    /// Divides the gradients by the loss scale that their backward used, and checks them for inf and NaN. Inside an
    /// accumulation window this ends the window early, scaled by its own length.
    ///
    /// # Errors
    /// No gradients, gradients that cannot be used, or a loss scale that collapsed.
    pub fn unscale(self) -> Result<Unscaled<'a>> {
        self.wrapper.unscale()?;
        Ok(Unscaled { wrapper: self.wrapper })
    }
}

impl Unscaled<'_> {
    /// Clips, instead of the clipping that the wrapper was built with.
    ///
    /// # Errors
    /// A limit out of range.
    pub fn clip_grad(self, clip_grad: ClipGrad) -> Result<Self> {
        clip_grad.validate()?;
        self.wrapper.clip(clip_grad)?;
        Ok(self)
    }

    /// Clips as the wrapper was built to, unless something was clipped already; updates the parameters, unless a gradient
    /// or their norm is not finite; updates the loss scale.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn step(self) -> Result<StepOutcome> {
        self.wrapper.finish()
    }
}
