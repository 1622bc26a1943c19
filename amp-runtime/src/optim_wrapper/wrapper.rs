//! The wrapper itself: from a loss to an update, in the one right order.
use super::accumulate::Accumulation;
use super::error::OptimWrapperError;
use super::outcome::{self, StepOutcome, StepStats};
use crate::native::Deferred;
use crate::optim::{ClipGrad, Optimizer};
use crate::precision::Precision;
use crate::scaler::{GradScaler, LossScale};
use crate::schedule::Schedule;
use std::sync::Arc;
use tch::{Kind, Tensor};

pub(super) type Result<T> = std::result::Result<T, OptimWrapperError>;

/// Owns an optimizer and takes every update through loss scaling, the check for inf and NaN, unscaling, clipping, the
/// fused step and the update of the scale: MMEngine's `AmpOptimWrapper`, and for bf16 and full precision its `OptimWrapper`.
///
/// ```
/// use amp_runtime::prelude::*;
/// use tch::{Device, Kind, Tensor, nn};
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let layer = nn::linear(vs.root(), 4, 1, Default::default());
/// let mut optim = OptimWrapper::builder(Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() })
///     .precision(Precision::Bf16)
///     .clip_grad(ClipGrad::norm(35.))
///     .build(&vs)?;
///
/// let xs = Tensor::randn([8, 4], (Kind::Float, Device::Cpu));
/// let loss = autocast(Precision::Bf16, || xs.apply(&layer)).square().mean(Kind::Float);
/// if let StepOutcome::Stepped(stats) = optim.update_params(&loss)? {
///     println!("skipped: {}, gradient norm: {:?}", stats.skipped()?, stats.grad_norm()?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An update never waits for its own outcome. The schedule, the counters and the floor of the loss scale need that of the update
/// before, which is read first: on a GPU the host runs at most one update ahead. The gradients are gone after an update, applied or skipped.
pub struct OptimWrapper {
    pub(super) optimizer: Optimizer,
    pub(super) scaler: GradScaler,
    pub(super) precision: Precision,
    pub(super) clip_grad: Option<ClipGrad>,
    pub(super) accumulation: Accumulation,
    pub(super) schedule: Option<Schedule>,
    pub(super) phase: Phase,
    pub(super) counters: Counters,
    pending: Option<Pending>,
    skipped_in_a_row: u32,
}

/// A dynamic loss scale starts with some; without one there should be none.
const SKIPS_BEFORE_A_WARNING: u32 = 20;

/// What the gradients are.
pub(super) enum Phase {
    /// None there.
    Idle,
    /// They carry the loss scale.
    Scaled,
    /// They are ready for the update.
    Unscaled {
        clipped: bool,
        /// Before clipping, 0-dim f32.
        norm: Option<Tensor>,
        /// Whether a norm that is not finite is an error.
        strict: bool,
    },
}

/// What became of the updates.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counters {
    pub(super) applied: u64,
    pub(super) skipped: u64,
    pub(super) lost: u64,
}

/// The last update, whose outcome is not yet counted.
struct Pending {
    numbers: Arc<Deferred>,
    micro_batches: u32,
    strict_norm: bool,
}

impl OptimWrapper {
    pub(super) fn new(
        optimizer: Optimizer,
        scaler: GradScaler,
        precision: Precision,
        clip_grad: Option<ClipGrad>,
        accumulation: Accumulation,
        schedule: Option<Schedule>,
    ) -> Self {
        let counters = Counters::default();
        Self {
            optimizer,
            scaler,
            precision,
            clip_grad,
            accumulation,
            schedule,
            phase: Phase::Idle,
            counters,
            pending: None,
            skipped_in_a_row: 0,
        }
    }

    /// Divides the gradients by the loss scale and checks them; those of an unfinished window also by its own length
    /// instead of that which it was meant to have. Gradients that cannot be used are dropped.
    pub(super) fn unscale(&mut self) -> Result<()> {
        let unscaled = self.try_unscale();
        if unscaled.is_err() {
            self.drop_window()?;
        }
        unscaled
    }

    fn try_unscale(&mut self) -> Result<()> {
        self.settle()?;
        if let Some(schedule) = &self.schedule {
            let applied = self.counters.applied;
            self.optimizer.schedule_lr(|base_lr| schedule.lr(base_lr, applied));
        }
        self.scaler.unscale(&mut self.optimizer)?;
        if !self.accumulation.should_update() {
            let meant = f64::from(self.accumulation.last_factor());
            let correction = meant / f64::from(self.accumulation.window);
            let options = (Kind::Float, self.optimizer.device());
            self.optimizer.multiply(&Tensor::f_full([] as [i64; 0], correction, options)?)?;
        }
        self.phase = Phase::Unscaled { clipped: false, norm: None, strict: false };
        Ok(())
    }

    /// Clips the unscaled gradients; where that fails they are dropped.
    pub(super) fn clip(&mut self, clip_grad: ClipGrad) -> Result<()> {
        let clipped = self.try_clip(clip_grad);
        if clipped.is_err() {
            self.drop_window()?;
        }
        clipped
    }

    fn try_clip(&mut self, clip_grad: ClipGrad) -> Result<()> {
        let norm = match clip_grad {
            ClipGrad::Norm { max_norm, norm_type, .. } => {
                Some(self.scaler.clip_grad_norm(&mut self.optimizer, max_norm, norm_type)?)
            }
            ClipGrad::Value { clip_value } => {
                self.scaler.clip_grad_value(&mut self.optimizer, clip_value)?;
                None
            }
        };
        if let Phase::Unscaled { clipped, norm: first, strict } = &mut self.phase {
            *clipped = true;
            *strict |= matches!(clip_grad, ClipGrad::Norm { error_if_nonfinite: true, .. });
            // The norm that is reported is the one before anything was clipped.
            *first = first.take().or(norm);
        }
        Ok(())
    }

    /// Updates the parameters from unscaled gradients, then the scale.
    pub(super) fn finish(&mut self) -> Result<StepOutcome> {
        let finished = self.try_finish();
        if finished.is_err() && matches!(self.phase, Phase::Unscaled { .. }) {
            // Nobody can go on from half an update; the next one can begin.
            self.drop_window()?;
        }
        finished
    }

    fn try_finish(&mut self) -> Result<StepOutcome> {
        let configured =
            self.clip_grad.filter(|_| matches!(self.phase, Phase::Unscaled { clipped: false, .. }));
        if let Some(clip_grad) = configured {
            self.clip(clip_grad)?;
        }
        let (norm, strict_norm) = match &mut self.phase {
            Phase::Unscaled { norm, strict, .. } => (norm.take(), *strict),
            _ => return Err(OptimWrapperError::BeforeBackward("step")),
        };
        let device = self.optimizer.device();
        let loss_scale = self.scaler.backward_scale(device)?.f_to(device)?;
        self.scaler.step(&mut self.optimizer)?;
        let Some((found_inf, skip)) = self.scaler.flags(&self.optimizer) else {
            return Err(OptimWrapperError::BeforeBackward("step"));
        };
        let grad_norm = norm.as_ref().unwrap_or(skip);
        let stats = StepStats {
            numbers: Arc::new(Deferred::new(&[skip, found_inf, &loss_scale, grad_norm])?),
            skip: skip.shallow_clone(),
            has_norm: norm.is_some(),
            micro_batches: self.accumulation.window,
        };
        self.scaler.update()?;
        self.pending = Some(Pending {
            numbers: Arc::clone(&stats.numbers),
            micro_batches: stats.micro_batches,
            strict_norm,
        });
        self.accumulation.close();
        self.phase = Phase::Idle;
        Ok(StepOutcome::Stepped(stats))
    }

    /// Counts the last update, once its outcome has arrived.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(last) = self.pending.take() else { return Ok(()) };
        if last.numbers.get(outcome::SKIPPED)? == 0. {
            self.counters.applied += 1;
            self.skipped_in_a_row = 0;
            return Ok(());
        }
        self.counters.skipped += 1;
        self.skipped_in_a_row += 1;
        if self.skipped_in_a_row.is_multiple_of(SKIPS_BEFORE_A_WARNING) {
            tracing::warn!(
                in_a_row = self.skipped_in_a_row,
                "every update is skipped: its gradients, or their norm, are not finite"
            );
        }
        self.counters.lost += u64::from(last.micro_batches);
        // An overflow under a dynamic scale is its daily work, and no error.
        let expected = last.numbers.get(outcome::FOUND_INF)? != 0.
            && matches!(self.scaler.config(), LossScale::Dynamic(_));
        if last.strict_norm && !expected {
            return Err(OptimWrapperError::NonFiniteNorm(f64::from(last.numbers.get(outcome::GRAD_NORM)?)));
        }
        Ok(())
    }

    /// Whether the last update may turn out to be an error.
    pub(super) fn last_is_strict(&self) -> bool {
        self.pending.as_ref().is_some_and(|last| last.strict_norm)
    }

    /// Updates that changed the parameters, the last one included; waits for it.
    pub(super) fn applied_so_far(&self) -> u64 {
        let last = self.pending.as_ref().and_then(|last| last.numbers.get(outcome::SKIPPED).ok());
        self.counters.applied + u64::from(last == Some(0.))
    }

    /// Drops the last update's outcome: the training that it belongs to is being replaced.
    pub(super) fn forget_pending(&mut self) {
        self.pending = None;
    }

    /// Updates with what an unfinished accumulation window holds, scaled by its own length; nothing if none is open.
    /// For epochs whose length is not known beforehand.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params).
    pub fn finish_window(&mut self) -> Result<Option<StepOutcome>> {
        match self.phase {
            Phase::Idle => return Ok(None),
            Phase::Scaled => self.unscale()?,
            Phase::Unscaled { .. } => {}
        }
        self.finish().map(Some)
    }

    /// Batches in the open window, if there is one.
    pub(super) fn open_batches(&self) -> Option<u32> {
        Some(self.accumulation.window).filter(|&batches| batches > 0)
    }

    /// Sets the gradients to none, as loops written for PyTorch or tch do before each backward, but for those of an open accumulation
    /// window, which the next batch adds to: [`drop_window`](Self::drop_window) drops these.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn zero_grad(&mut self) -> Result<()> {
        let accumulates = self.accumulation.counts > 1 && self.accumulation.window > 0;
        if accumulates && matches!(self.phase, Phase::Scaled) { Ok(()) } else { self.drop_window() }
    }

    /// Sets all gradients to none. The batches of an open accumulation window are lost, and the next one begins another.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn drop_window(&mut self) -> Result<()> {
        self.optimizer.zero_grad()?;
        self.scaler.forget();
        let batches = self.accumulation.window;
        if batches > 0 && self.accumulation.counts > 1 {
            tracing::warn!(batches, "an open accumulation window was dropped");
        }
        self.counters.lost += u64::from(batches);
        self.accumulation.close();
        self.phase = Phase::Idle;
        Ok(())
    }

    /// Announces where training stands and how many batches there will be, as MMEngine's method of that name: the last
    /// batch then updates even if its window is not full.
    ///
    /// # Errors
    /// [`OptimWrapperError::OpenWindow`] while batches are accumulated.
    pub fn initialize_count_status(&mut self, inner_count: u64, max_counts: Option<u64>) -> Result<()> {
        if let Some(batches) = self.open_batches() {
            return Err(OptimWrapperError::OpenWindow(batches));
        }
        if !inner_count.is_multiple_of(u64::from(self.accumulation.counts)) {
            tracing::warn!(
                inner_count,
                "training resumes inside an accumulation window: its first batches are lost"
            );
        }
        self.accumulation = Accumulation { inner_count, max_counts, origin: 0, ..self.accumulation };
        Ok(())
    }
}
