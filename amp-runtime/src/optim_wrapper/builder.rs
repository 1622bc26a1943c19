//! Building a wrapper: its options, their defaults, and what contradicts itself.
use super::accumulate::Accumulation;
use super::error::OptimWrapperError;
use super::wrapper::OptimWrapper;
use crate::optim::{ClipGrad, OptimError, Optimizer, OptimizerConfig, Paramwise};
use crate::precision::Precision;
use crate::scaler::{GradScaler, LossScale};
use crate::schedule::Schedule;
use tch::nn::{self, VarStore};

/// The options of an [`OptimWrapper`]; see [`OptimWrapper::builder`].
#[must_use = "call `build`"]
pub struct OptimWrapperBuilder {
    source: Source,
    precision: Option<Precision>,
    loss_scale: Option<LossScale>,
    clip_grad: Option<ClipGrad>,
    accumulative_counts: u32,
    max_counts: Option<u64>,
    paramwise: Paramwise,
    schedule: Option<Schedule>,
}

enum Source {
    Ours(OptimizerConfig),
    Tch(nn::Optimizer),
}

impl OptimWrapper {
    /// A wrapper around SGD, Adam or AdamW.
    pub fn builder(optimizer: impl Into<OptimizerConfig>) -> OptimWrapperBuilder {
        OptimWrapperBuilder::new(Source::Ours(optimizer.into()))
    }

    /// A wrapper around existing code's tch optimizer. Each update waits for the device once, to learn whether to skip;
    /// and its state cannot be saved. [`builder`](Self::builder) has neither cost.
    pub fn wrap(optimizer: nn::Optimizer) -> OptimWrapperBuilder {
        OptimWrapperBuilder::new(Source::Tch(optimizer))
    }
}

impl OptimWrapperBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            precision: None,
            loss_scale: None,
            clip_grad: None,
            accumulative_counts: 1,
            max_counts: None,
            paramwise: Paramwise::default(),
            schedule: None,
        }
    }

    /// The precision that the losses come in, which decides about the loss scale; by default the one that holds for the store's
    /// device ([`Precision::current`]). `#[amp]` functions do not hear of it: where it is not what holds anyway, run them in
    /// [`with_precision(optim.precision(), ..)`](crate::with_precision).
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = Some(precision);
        self
    }

    /// The loss scale; by default dynamic for f16, and off for bf16 and full precision, which need none.
    pub fn loss_scale(mut self, loss_scale: LossScale) -> Self {
        self.loss_scale = Some(loss_scale);
        self
    }

    /// Clips the unscaled gradients before each update.
    pub fn clip_grad(mut self, clip_grad: ClipGrad) -> Self {
        self.clip_grad = Some(clip_grad);
        self
    }

    /// Updates after every `counts` batches, each loss divided by their number (`accumulative_counts`): 1.
    pub fn accumulate(mut self, counts: u32) -> Self {
        self.accumulative_counts = counts;
        self
    }

    /// All batches there will be: the last one updates even if its window is not full, and that window is scaled by its
    /// own length. See [`OptimWrapper::initialize_count_status`].
    pub fn max_counts(mut self, batches: u64) -> Self {
        self.max_counts = Some(batches);
        self
    }

    /// Learning rates and weight decays per parameter.
    pub fn paramwise(mut self, paramwise: Paramwise) -> Self {
        self.paramwise = paramwise;
        self
    }

    /// Learning rates over time. They advance with applied updates: a skipped one does not count.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// Builds the wrapper over the trainable variables of `store`.
    ///
    /// # Errors
    /// Numbers out of range, variables that cannot be trained, f16 without a loss scale, accumulation over nothing; a
    /// schedule or multipliers for tch's own optimizer, which does not tell its rates.
    pub fn build(self, store: &VarStore) -> Result<OptimWrapper, OptimWrapperError> {
        let precision = self.precision.unwrap_or_else(|| Precision::current(store.device()));
        let by_precision = if precision == Precision::F16 { LossScale::dynamic() } else { LossScale::Off };
        let loss_scale = self.loss_scale.unwrap_or(by_precision);
        if precision == Precision::F16 && loss_scale == LossScale::Off {
            return Err(OptimWrapperError::F16WithoutScaler);
        }
        if let Some(clip_grad) = &self.clip_grad {
            clip_grad.validate()?;
        }
        let scaler = GradScaler::new(loss_scale)?;
        let accumulation = Accumulation::new(self.accumulative_counts, self.max_counts)?;
        let optimizer = match self.source {
            Source::Ours(config) => Optimizer::with_paramwise(config, store, self.paramwise)?,
            Source::Tch(_) if self.schedule.is_some() => {
                return Err(OptimError::NotOurs("its learning rate, which a schedule starts from").into());
            }
            Source::Tch(_) if self.paramwise != Paramwise::default() => {
                return Err(OptimError::NotOurs("learning rates and weight decays per parameter").into());
            }
            Source::Tch(optimizer) => Optimizer::from_tch(optimizer, store)?,
        };
        Ok(OptimWrapper::new(optimizer, scaler, precision, self.clip_grad, accumulation, self.schedule))
    }
}
