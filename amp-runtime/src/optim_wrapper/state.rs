//! A wrapper's state: optimizer, scaler, counters and an open accumulation window; taken and put back whole.
use super::accumulate::Accumulation;
use super::error::OptimWrapperError;
use super::wrapper::{Counters, OptimWrapper, Phase, Result};
use crate::optim::{FittedOptimizer, OptimizerState};
use crate::scaler::{LossScale, ScalerState};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use tch::{Device, Kind, Tensor};

/// Counts beyond these are not a training's, and would overflow.
const MOST: u64 = 1 << 53;
const MOST_OPEN: u64 = 1 << 31;

/// Everything that a wrapper remembers between batches.
#[derive(Debug)]
pub struct OptimWrapperState {
    pub(crate) optimizer: OptimizerState,
    /// None where scaling is off.
    pub(crate) scaler: Option<ScalerState>,
    /// Whether the wrapper keeps its own scaler, whatever the state says.
    pub(crate) keep_scaler: bool,
    pub(crate) numbers: WrapperNumbers,
    /// The gradients of an open accumulation window.
    pub(crate) window: Option<OpenWindow>,
}

/// The counters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapperNumbers {
    accumulative_counts: u32,
    inner_count: u64,
    max_counts: Option<u64>,
    /// The batch that windows are counted from.
    origin: u64,
    /// Batches in the open window.
    window: u32,
    applied: u64,
    skipped: u64,
    lost: u64,
}

/// Gradients that still carry the loss scale.
#[derive(Debug)]
pub(crate) struct OpenWindow {
    /// 0-dim f32: the scale that they carry.
    pub(crate) scale: Tensor,
    /// By parameter, in its shape and dtype.
    pub(crate) gradients: BTreeMap<String, Tensor>,
}

/// A state that was checked against a wrapper.
pub(crate) struct Fitted {
    optimizer: FittedOptimizer,
    scaler: Option<(LossScale, ScalerState)>,
    accumulation: Accumulation,
    counters: Counters,
    window: Option<(Tensor, Vec<(usize, Tensor)>)>,
}

impl OptimWrapperState {
    /// The optimizer's part.
    pub fn optimizer(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// Leaves the scaler out: for training that goes on in another precision. What loads the state keeps its own scaler.
    #[must_use]
    pub fn without_scaler(mut self) -> Self {
        self.scaler = None;
        self.keep_scaler = true;
        self
    }
}

impl OptimWrapper {
    /// The state after the last batch, as copies on the CPU; waits for the device.
    ///
    /// # Errors
    /// [`OptimError::NotOurs`](crate::OptimError::NotOurs) for tch's own optimizer; `StateWhileUnscaled` between
    /// `unscale` and `step`.
    pub fn state(&mut self) -> Result<OptimWrapperState> {
        self.settle()?;
        let window = match self.phase {
            Phase::Idle => None,
            Phase::Scaled => Some(self.open_window()?),
            Phase::Unscaled { .. } => return Err(OptimWrapperError::StateWhileUnscaled),
        };
        let Accumulation { counts, inner_count, max_counts, origin, window: batches } = self.accumulation;
        let Counters { applied, skipped, lost } = self.counters;
        let numbers = WrapperNumbers {
            accumulative_counts: counts,
            inner_count,
            max_counts,
            origin,
            window: batches,
            applied,
            skipped,
            lost,
        };
        Ok(OptimWrapperState {
            optimizer: self.optimizer.state()?,
            scaler: self.scaler.state()?,
            keep_scaler: false,
            numbers,
            window,
        })
    }

    /// The name of a parameter that is none of these tensors.
    pub(crate) fn outside(&self, identities: &HashSet<usize>) -> Option<&str> {
        self.optimizer.outside(identities)
    }

    fn open_window(&mut self) -> Result<OpenWindow> {
        let scale =
            self.scaler.backward_scale(self.optimizer.device())?.f_to(Device::Cpu)?.f_detach_copy()?;
        let mut gradients = BTreeMap::new();
        for (name, gradient) in self.optimizer.gradients() {
            gradients.insert(name.to_owned(), gradient.f_to(Device::Cpu)?.f_contiguous()?.f_detach_copy()?);
        }
        Ok(OpenWindow { scale, gradients })
    }

    /// Puts a saved state back; the training that goes on from it is the one that was saved, to the bit.
    ///
    /// # Errors
    /// Another kind of optimizer, other parameters, another accumulation, a missing scaler, or one too many: the error
    /// names the entry, and everything is as it was.
    pub fn load_state(&mut self, state: &OptimWrapperState) -> Result<()> {
        let fitted = self.fit(state)?;
        self.install(fitted)
    }

    /// Checks a state against this wrapper; changes nothing.
    pub(crate) fn fit(&mut self, state: &OptimWrapperState) -> Result<Fitted> {
        let misfit = |key: &str, problem: String| OptimWrapperError::State { key: key.to_owned(), problem };
        let optimizer = self.optimizer.fit(&state.optimizer)?;
        let scaler = match &state.scaler {
            Some(scaler) => Some((self.scaler.fit(scaler)?, *scaler)),
            None if self.scaler.is_enabled() && !state.keep_scaler => {
                return Err(misfit(
                    "loss_scaler",
                    "it is missing, but this training scales its losses".to_owned(),
                ));
            }
            None => None,
        };
        let numbers = &state.numbers;
        if numbers.accumulative_counts != self.accumulation.counts {
            let problem = format!(
                "saved with {}, this training has {}\nhelp: build the wrapper with `.accumulate({})`",
                numbers.accumulative_counts, self.accumulation.counts, numbers.accumulative_counts
            );
            return Err(misfit("accumulative_counts", problem));
        }
        let counts = [numbers.inner_count, numbers.applied, numbers.skipped, numbers.lost];
        if counts.iter().any(|&count| count > MOST)
            || numbers.origin > numbers.inner_count
            || u64::from(numbers.window) > numbers.inner_count.min(MOST_OPEN)
        {
            return Err(misfit("numbers", format!("no training counts like this: {numbers:?}")));
        }
        let saved = Accumulation {
            counts: numbers.accumulative_counts,
            inner_count: numbers.inner_count,
            origin: numbers.origin,
            max_counts: numbers.max_counts,
            window: numbers.window,
        };
        // What this training was told wins: it may be longer than the one that was saved.
        let accumulation =
            Accumulation { max_counts: self.accumulation.max_counts.or(numbers.max_counts), ..saved };
        let window = match &state.window {
            None if numbers.window > 0 => {
                return Err(misfit("gradient_scale", "the open window's is missing".to_owned()));
            }
            None => None,
            Some(_) if numbers.window == 0 => {
                return Err(misfit("gradient_scale", "there is one, but no window is open".to_owned()));
            }
            Some(window) => {
                let (scale, mut gradients) = self.fit_window(window, state.keep_scaler)?;
                // Its losses were divided by the length that the window was to have: it may have another now.
                let (before, now) = (f64::from(saved.last_factor()), f64::from(accumulation.last_factor()));
                if before - now != 0. {
                    for (_, gradient) in &mut gradients {
                        *gradient = gradient.f_mul_scalar(before / now)?;
                    }
                }
                Some((scale, gradients))
            }
        };
        let counters = Counters { applied: numbers.applied, skipped: numbers.skipped, lost: numbers.lost };
        Ok(Fitted { optimizer, scaler, accumulation, counters, window })
    }

    fn fit_window(&self, saved: &OpenWindow, keep_scaler: bool) -> Result<(Tensor, Vec<(usize, Tensor)>)> {
        let misfit = |problem: String| OptimWrapperError::State { key: "gradient_scale".to_owned(), problem };
        let scale = &saved.scale;
        if scale.kind() != Kind::Float || !scale.size().is_empty() {
            return Err(misfit(format!("{:?} {:?}, wanted Float []", scale.kind(), scale.size())));
        }
        let value = f64::try_from(scale)?;
        if !(value.is_finite() && value > 0.) {
            return Err(misfit(format!("{value} is no scale")));
        }
        let gradients = self.optimizer.fit_gradients(&saved.gradients)?;
        if self.scaler.is_enabled() || value - 1. == 0. {
            return Ok((scale.f_detach_copy()?, gradients));
        }
        if !keep_scaler {
            return Err(misfit(format!("{value}, but this training does not scale its losses")));
        }
        // The rest of the window will come unscaled.
        let unscaled = |(index, gradient): (usize, Tensor)| Ok((index, gradient.f_div_scalar(value)?));
        Ok((scale.f_ones_like()?, gradients.into_iter().map(unscaled).collect::<Result<_>>()?))
    }

    /// Puts a checked state in place.
    pub(crate) fn install(&mut self, fitted: Fitted) -> Result<()> {
        self.drop_window()?;
        self.forget_pending();
        self.optimizer.install(fitted.optimizer)?;
        let device = self.optimizer.device();
        if let Some((config, state)) = fitted.scaler {
            self.scaler.install(config, &state, device)?;
        }
        self.accumulation = fitted.accumulation;
        self.counters = fitted.counters;
        if let Some((scale, gradients)) = fitted.window {
            self.optimizer.set_gradients(&gradients)?;
            self.scaler.set_backward_scale(scale.f_to(device)?)?;
            self.phase = Phase::Scaled;
        }
        Ok(())
    }
}
