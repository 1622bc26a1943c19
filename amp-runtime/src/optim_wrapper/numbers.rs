//! A wrapper's numbers: learning rates, loss scale and counters, read and set while training.
use super::wrapper::{OptimWrapper, Result};
use crate::optim::ParamGroup;
use crate::precision::Precision;
use std::fmt;

impl fmt::Debug for OptimWrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OptimWrapper");
        shown.field("precision", &self.precision).field("optimizer", &self.optimizer);
        shown.field("scaler", &self.scaler).field("clip_grad", &self.clip_grad);
        shown.field("accumulation", &self.accumulation).finish_non_exhaustive()
    }
}

impl OptimWrapper {
    /// Batches since the last [`initialize_count_status`](Self::initialize_count_status).
    pub fn inner_count(&self) -> u64 {
        self.accumulation.inner_count
    }

    /// The precision that the wrapper was built for.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The learning rate before multipliers and schedule (MMEngine's `base_lr`); NaN for tch's own optimizer until it is set here.
    pub fn lr(&self) -> f64 {
        self.optimizer.lr()
    }

    /// SGD's momentum, or Adam's `betas[0]`; NaN for tch's own optimizer.
    pub fn momentum(&self) -> f64 {
        self.optimizer.momentum()
    }

    /// The parameter groups, each with the learning rate of the next update, momentum and weight decay; with a schedule,
    /// waits for the last update.
    pub fn groups(&self) -> Vec<ParamGroup> {
        let mut groups = self.optimizer.groups();
        if let Some(schedule) = &self.schedule {
            let applied = self.applied_so_far();
            for group in &mut groups {
                group.lr = schedule.lr(group.base_lr, applied);
            }
        }
        groups
    }

    /// Sets the learning rate of every group, before multipliers and schedule.
    ///
    /// # Errors
    /// A negative or undefined rate.
    pub fn set_lr(&mut self, lr: f64) -> Result<()> {
        Ok(self.optimizer.set_lr(lr)?)
    }

    /// Sets the learning rate of the parameters with group id `id`.
    ///
    /// # Errors
    /// A negative or undefined rate, or an id that no parameter has.
    pub fn set_lr_group(&mut self, id: usize, lr: f64) -> Result<()> {
        Ok(self.optimizer.set_lr_group(id, lr)?)
    }

    /// Sets the weight decay of every group, before multipliers.
    ///
    /// # Errors
    /// A negative or undefined weight decay.
    pub fn set_weight_decay(&mut self, weight_decay: f64) -> Result<()> {
        Ok(self.optimizer.set_weight_decay(weight_decay)?)
    }

    /// Sets the weight decay of the parameters with group id `id`.
    ///
    /// # Errors
    /// A negative or undefined weight decay, or an id that no parameter has.
    pub fn set_weight_decay_group(&mut self, id: usize, weight_decay: f64) -> Result<()> {
        Ok(self.optimizer.set_weight_decay_group(id, weight_decay)?)
    }

    /// The loss scale of the next batch; waits for the device.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn loss_scale(&self) -> Result<f64> {
        Ok(self.scaler.get_scale()?)
    }

    /// Sets the loss scale; gradients that exist already are still divided by the one that they carry.
    ///
    /// # Errors
    /// A scale that f32 cannot hold, or scaling that is off.
    pub fn set_loss_scale(&mut self, scale: f64) -> Result<()> {
        Ok(self.scaler.set_scale(scale)?)
    }

    /// Updates that changed the parameters; waits for the last one.
    ///
    /// # Errors
    /// [`NonFiniteNorm`](crate::OptimWrapperError::NonFiniteNorm) of the last update, or libtorch's own.
    pub fn applied_updates(&mut self) -> Result<u64> {
        self.settle()?;
        Ok(self.counters.applied)
    }

    /// Updates that were skipped; waits for the last one.
    ///
    /// # Errors
    /// [`NonFiniteNorm`](crate::OptimWrapperError::NonFiniteNorm) of the last update, or libtorch's own.
    pub fn skipped_updates(&mut self) -> Result<u64> {
        self.settle()?;
        Ok(self.counters.skipped)
    }

    /// Batches whose gradients were lost, with a skipped update or in a window that was dropped; waits for the last one.
    ///
    /// # Errors
    /// [`NonFiniteNorm`](crate::OptimWrapperError::NonFiniteNorm) of the last update, or libtorch's own.
    pub fn lost_micro_batches(&mut self) -> Result<u64> {
        self.settle()?;
        Ok(self.counters.lost)
    }
}
