//! How the loss scale behaves: its kinds, defaults and limits.
use super::error::ScalerError;

/// What the loss is multiplied with before `backward`, so that small gradients survive f16.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum LossScale {
    /// No scaling. Gradients are still checked: an update with inf or NaN is skipped.
    #[default]
    Off,
    /// A fixed scale: overflows skip the update, the scale stays (MMEngine's `loss_scale=512.`).
    Static(f64),
    /// A scale that follows the gradients (`torch.amp.GradScaler`).
    Dynamic(DynamicLossScale),
}

impl LossScale {
    /// A dynamic scale with PyTorch's defaults.
    #[must_use]
    pub fn dynamic() -> Self {
        Self::Dynamic(DynamicLossScale::default())
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn validate(&self) -> Result<(), ScalerError> {
        match self {
            Self::Off => Ok(()),
            Self::Static(scale) => {
                require("loss_scale", *scale, is_scale(*scale), "a positive number that f32 can hold")
            }
            Self::Dynamic(dynamic) => dynamic.validate(),
        }
    }

    /// The smallest scale that it can come to by itself.
    pub(super) fn smallest(&self) -> f64 {
        match *self {
            Self::Off => 1.,
            Self::Static(scale) => scale,
            Self::Dynamic(dynamic) => dynamic.min_scale,
        }
    }
}

/// A loss scale that halves on overflow and doubles after a run of clean updates.
///
/// Defaults and arithmetic are those of `torch.amp.GradScaler` (factors in f64, the scale stored in f32), plus what it
/// lacks: a floor, a ceiling and hysteresis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DynamicLossScale {
    /// The first scale: 65536.
    pub init_scale: f64,
    /// Multiplies the scale after `growth_interval` clean updates in a row: 2. More than 1.
    pub growth_factor: f64,
    /// Multiplies the scale after an overflow: 0.5. Between 0 and 1.
    pub backoff_factor: f64,
    /// Clean updates in a row before the scale grows: 2000. At least 1.
    pub growth_interval: u32,
    /// The floor: 1. PyTorch has none (0 here): there the scale can reach 0, and every gradient is lost.
    pub min_scale: f64,
    /// The ceiling: 2^24. PyTorch has none (infinity here).
    pub max_scale: f64,
    /// Overflows that are tolerated before the scale backs off, that one included: 1, as PyTorch. At least 1.
    pub hysteresis: u32,
    /// When spent hysteresis comes back: at growth (false: Megatron, DeepSpeed's default) or at any clean update (true: Apex).
    pub consecutive_hysteresis: bool,
    /// What happens when updates keep overflowing at the floor.
    pub on_floor: Floor,
}

impl Default for DynamicLossScale {
    fn default() -> Self {
        Self {
            init_scale: 65536.,
            growth_factor: 2.,
            backoff_factor: 0.5,
            growth_interval: 2000,
            min_scale: 1.,
            max_scale: 16_777_216.,
            hysteresis: 1,
            consecutive_hysteresis: false,
            on_floor: Floor::default(),
        }
    }
}

impl DynamicLossScale {
    fn validate(&self) -> Result<(), ScalerError> {
        require(
            "init_scale",
            self.init_scale,
            is_scale(self.init_scale),
            "a positive number that f32 can hold",
        )?;
        require(
            "growth_factor",
            self.growth_factor,
            self.growth_factor > 1. && self.growth_factor.is_finite(),
            "more than 1",
        )?;
        require(
            "backoff_factor",
            self.backoff_factor,
            self.backoff_factor > 0. && self.backoff_factor < 1.,
            "between 0 and 1",
        )?;
        require(
            "growth_interval",
            f64::from(self.growth_interval),
            self.growth_interval >= 1 && i32::try_from(self.growth_interval).is_ok(),
            "at least 1, and within i32",
        )?;
        require(
            "min_scale",
            self.min_scale,
            self.min_scale >= 0. && self.min_scale <= self.init_scale,
            "from 0 up to `init_scale`",
        )?;
        require("max_scale", self.max_scale, self.max_scale >= self.init_scale, "`init_scale` or more")?;
        require(
            "hysteresis",
            f64::from(self.hysteresis),
            self.hysteresis >= 1 && i32::try_from(self.hysteresis).is_ok(),
            "at least 1, and within i32",
        )?;
        let patience_given = !matches!(self.on_floor, Floor::Error { after: 0 });
        require("on_floor.after", 0., patience_given, "at least 1")
    }
}

/// What happens when updates keep overflowing although the scale is at its floor: by then it is the model, not the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// An error after so many overflows in a row at the floor; it names the parameters whose gradients are not finite.
    Error {
        /// Overflows in a row, at the floor.
        after: u32,
    },
    /// A warning (`tracing`) at each of them; training goes on.
    Warn,
    /// Nothing: updates are skipped for as long as it takes.
    Clamp,
}

impl Default for Floor {
    fn default() -> Self {
        Self::Error { after: 20 }
    }
}

/// Whether the value survives as an f32 that scales and can be divided by.
#[expect(clippy::cast_possible_truncation, reason = "the question is what the truncation leaves")]
fn is_scale(value: f64) -> bool {
    let stored = value as f32;
    stored.is_normal() && stored > 0.
}

fn require(field: &'static str, value: f64, holds: bool, wants: &'static str) -> Result<(), ScalerError> {
    if holds { Ok(()) } else { Err(ScalerError::InvalidValue { field, value, wants }) }
}
