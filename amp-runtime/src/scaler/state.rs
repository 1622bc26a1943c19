//! A scaler's state as numbers.
use super::error::ScalerError;
use super::floor::FloorWatch;
use super::grad_scaler::GradScaler;
use super::loss_scale::LossScale;
use super::scale::Scale;
use serde::{Deserialize, Serialize};
use std::fmt;
use tch::Device;

/// A scaler's numbers, with PyTorch's names (`torch.amp.GradScaler.state_dict`) and those that it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `DynamicLossScale`")]
pub struct ScalerState {
    pub scale: f64,
    pub growth_factor: f64,
    pub backoff_factor: f64,
    pub growth_interval: u32,
    /// Clean updates since the scale last changed.
    #[serde(rename = "_growth_tracker")]
    pub growth_tracker: i64,
    /// Overflows left before the scale backs off.
    pub hysteresis_tracker: i64,
    /// Overflows in a row at the floor.
    pub floor_tracker: u32,
}

impl fmt::Debug for GradScaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The scale of the moment would have to be waited for.
        f.debug_struct("GradScaler").field("config", &self.config).finish_non_exhaustive()
    }
}

impl GradScaler {
    /// The state after the last update, as `torch.amp.GradScaler.state_dict`; none when scaling is off. Waits for the device.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn state(&mut self) -> Result<Option<ScalerState>, ScalerError> {
        let (growth_factor, backoff_factor, growth_interval) = match self.config {
            LossScale::Off => return Ok(None),
            LossScale::Static(_) => (1., 1., 1),
            LossScale::Dynamic(dynamic) => {
                (dynamic.growth_factor, dynamic.backoff_factor, dynamic.growth_interval)
            }
        };
        let floor_tracker = self.floor.settle()?;
        let (scale, growth_tracker, hysteresis_tracker) = self.scale_numbers()?;
        Ok(Some(ScalerState {
            scale,
            growth_factor,
            backoff_factor,
            growth_interval,
            growth_tracker,
            hysteresis_tracker,
            floor_tracker,
        }))
    }

    /// Puts a saved state back. Factors and interval come with it, as in PyTorch; floor, ceiling and hysteresis stay.
    ///
    /// # Errors
    /// A number out of range, or a state for a scaler that is off; the scaler is then as it was.
    pub fn load_state(&mut self, state: &ScalerState) -> Result<(), ScalerError> {
        let config = self.fit(state)?;
        self.install(config, state, self.device())
    }

    /// Checks a state against this scaler; returns the configuration that it brings.
    pub(crate) fn fit(&self, state: &ScalerState) -> Result<LossScale, ScalerError> {
        let config = match self.config {
            LossScale::Off => {
                return Err(ScalerError::State("scaling is off here, but the state has a scale\nhelp: `LoadOptions { without_scaler: true, .. }` loads a checkpoint without it".to_owned()));
            }
            LossScale::Static(_) => LossScale::Static(state.scale),
            LossScale::Dynamic(mut dynamic) => {
                dynamic.growth_factor = state.growth_factor;
                dynamic.backoff_factor = state.backoff_factor;
                dynamic.growth_interval = state.growth_interval;
                LossScale::Dynamic(dynamic)
            }
        };
        config.validate()?;
        let trackers = [state.growth_tracker, state.hysteresis_tracker];
        // What f32 cannot hold is no scale that ever was.
        if f64::from(f32::MAX) >= state.scale
            && state.scale >= 0.
            && trackers.iter().all(|&tracker| (0..=i64::from(i32::MAX)).contains(&tracker))
        {
            Ok(config)
        } else {
            Err(ScalerError::State(format!("{state:?}")))
        }
    }

    /// Scale, growth tracker and hysteresis tracker; waits for the device.
    fn scale_numbers(&self) -> Result<(f64, i64, i64), ScalerError> {
        match &self.scale {
            None => {
                let hysteresis =
                    if let LossScale::Dynamic(dynamic) = self.config { dynamic.hysteresis } else { 0 };
                Ok((self.get_scale()?, 0, i64::from(hysteresis)))
            }
            Some(scale) => Ok((
                f64::try_from(&scale.value)?,
                i64::try_from(&scale.growth_tracker)?,
                i64::try_from(&scale.hysteresis_tracker)?,
            )),
        }
    }

    /// Puts checked numbers in place.
    pub(crate) fn install(
        &mut self,
        config: LossScale,
        state: &ScalerState,
        device: Device,
    ) -> Result<(), ScalerError> {
        let scale = Scale::new(state.scale, state.growth_tracker, state.hysteresis_tracker, device)?;
        self.config = config;
        self.scale = Some(scale);
        self.smallest = config.smallest().min(state.scale);
        self.floor = FloorWatch::resume(state.floor_tracker);
        self.forget();
        Ok(())
    }
}
