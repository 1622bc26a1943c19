//! Learning-rate schedules: the rate of the next update, from how many updates were applied so far.
//!
//! A skipped update never moves a schedule. Names and numbers are those of `mmengine.optim.scheduler`, in closed form:
//! a schedule has no state, so a resumed run needs only its count of applied updates.
//!
//! ```
//! use amp_runtime::schedule::{Curve, EtaMin, Piece, Schedule};
//!
//! // 500 updates of warm-up, then half a cosine down to a hundredth
//! let warm_up = Piece::new(Curve::Linear { start_factor: 0.001, end_factor: 1. }).end(500);
//! let cosine = Piece::new(Curve::CosineAnnealing { t_max: None, eta_min: EtaMin::Ratio(0.01) }).begin(500).end(10_000);
//! let schedule = Schedule::new([warm_up, cosine])?;
//! assert_eq!(schedule.lr(0.02, 0), 0.02 * 0.001);
//! assert_eq!(schedule.lr(0.02, 500), 0.02);
//! # Ok::<(), amp_runtime::schedule::ScheduleError>(())
//! ```
use std::f64::consts::PI;

/// How a learning rate moves within a [`Piece`]. `k` counts its steps from 0 at `begin`; `last` is `end - begin - 1`.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    /// `LinearLR`: the rate times a factor that goes from `start_factor` at the first step to `end_factor` at the last
    /// one and stays there. Needs an `end`.
    Linear {
        /// Factor of the first step, 0 to 1 (MMEngine's default: 1/3).
        start_factor: f64,
        /// Factor of the last step, 0 to 1 (MMEngine's default: 1).
        end_factor: f64,
    },
    /// `ConstantLR`: the rate times `factor` while `k < last`.
    Constant {
        /// 0 to 1 (MMEngine's default: 1/3).
        factor: f64,
    },
    /// `MultiStepLR`: the rate times `gamma` for each milestone reached.
    MultiStep {
        /// Steps after `begin`, in any order; one given twice counts twice.
        milestones: Vec<u64>,
        /// More than 0 (MMEngine's default: 0.1).
        gamma: f64,
    },
    /// `StepLR`: the rate times `gamma` after every `step_size` steps.
    Step {
        /// 1 or more.
        step_size: u64,
        /// More than 0 (MMEngine's default: 0.1).
        gamma: f64,
    },
    /// `ExponentialLR`: the rate times `gamma` after every step.
    Exponential {
        /// More than 0.
        gamma: f64,
    },
    /// `CosineAnnealingLR`: from the rate to `eta_min` in `t_max` steps, and back up in as many if `end` allows.
    CosineAnnealing {
        /// Steps of half a period; without it, those from `begin` to `end`.
        t_max: Option<u64>,
        /// The lowest rate.
        eta_min: EtaMin,
    },
    /// `PolyLR`: from the rate to `eta_min` as `(1 - k / last)^power`. Needs an `end`.
    Poly {
        /// More than 0 (MMEngine's default: 1).
        power: f64,
        /// The lowest rate.
        eta_min: EtaMin,
    },
}

impl Curve {
    /// The name that MMEngine gives it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "LinearLR",
            Self::Constant { .. } => "ConstantLR",
            Self::MultiStep { .. } => "MultiStepLR",
            Self::Step { .. } => "StepLR",
            Self::Exponential { .. } => "ExponentialLR",
            Self::CosineAnnealing { .. } => "CosineAnnealingLR",
            Self::Poly { .. } => "PolyLR",
        }
    }
}

/// The lowest learning rate of a decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EtaMin {
    /// The same rate for every parameter group; 0 or more.
    Lr(f64),
    /// A share of each group's base rate; 0 or more.
    Ratio(f64),
}

impl EtaMin {
    fn lr(self, base_lr: f64) -> f64 {
        match self {
            Self::Lr(lr) => lr,
            Self::Ratio(ratio) => ratio * base_lr,
        }
    }
}

/// What the numbers of a [`Piece`] count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Applied updates (`by_epoch=False`).
    #[default]
    Updates,
    /// Epochs: the rate moves once in so many applied updates (`by_epoch=True`).
    Epochs,
    /// Epochs, converted to updates: the rate moves at every update (`convert_to_iter_based=True`). As there, the `gamma`
    /// of an exponential then holds for an update.
    EpochsAsUpdates,
}

/// A curve from `begin` up to, not including, `end`: before, it leaves the rate alone; after, it keeps its last value.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// How the rate moves.
    pub curve: Curve,
    /// Its first step: 0.
    pub begin: u64,
    /// The step after its last one; none: it goes on.
    pub end: Option<u64>,
    /// What `begin`, `end` and the curve's own numbers count: updates.
    pub unit: Unit,
}

impl Piece {
    /// The curve from the first update on.
    #[must_use]
    pub fn new(curve: Curve) -> Self {
        Self { curve, begin: 0, end: None, unit: Unit::default() }
    }

    /// Sets the first step.
    #[must_use]
    pub fn begin(self, begin: u64) -> Self {
        Self { begin, ..self }
    }

    /// Sets the step after the last one.
    #[must_use]
    pub fn end(self, end: u64) -> Self {
        Self { end: Some(end), ..self }
    }

    /// Sets what the numbers count.
    #[must_use]
    pub fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first one that is out of range, an `end` that is not after `begin`, or a curve that needs an `end` and has none.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let curve = self.curve.name();
        let require = |field, value: f64, holds: bool, wants| {
            if holds { Ok(()) } else { Err(ScheduleError::InvalidValue { curve, field, value, wants }) }
        };
        let share = |field, value: f64| require(field, value, (0. ..=1.).contains(&value), "from 0 to 1");
        let positive =
            |field, value: f64| require(field, value, value > 0. && value.is_finite(), "more than 0");
        let lowest = |eta_min| {
            let (field, value) = match eta_min {
                EtaMin::Lr(lr) => ("eta_min", lr),
                EtaMin::Ratio(ratio) => ("eta_min_ratio", ratio),
            };
            require(field, value, value >= 0. && value.is_finite(), "0 or more")
        };
        match &self.curve {
            Curve::Linear { start_factor, end_factor } => {
                share("start_factor", *start_factor)?;
                share("end_factor", *end_factor)?;
            }
            Curve::Constant { factor } => share("factor", *factor)?,
            Curve::MultiStep { gamma, .. } | Curve::Exponential { gamma } => positive("gamma", *gamma)?,
            Curve::Step { step_size, gamma } => {
                require("step_size", real(*step_size), *step_size >= 1, "1 or more")?;
                positive("gamma", *gamma)?;
            }
            Curve::CosineAnnealing { t_max, eta_min } => {
                require("T_max", 0., *t_max != Some(0), "1 or more")?;
                lowest(*eta_min)?;
            }
            Curve::Poly { power, eta_min } => {
                positive("power", *power)?;
                lowest(*eta_min)?;
            }
        }
        let needs_end = matches!(
            self.curve,
            Curve::Linear { .. } | Curve::Poly { .. } | Curve::CosineAnnealing { t_max: None, .. }
        );
        match self.end {
            None if needs_end => Err(ScheduleError::NoEnd { curve }),
            Some(end) if end <= self.begin => {
                Err(ScheduleError::EmptyRange { curve, begin: self.begin, end })
            }
            _ => Ok(()),
        }
    }
}

/// A learning rate over a training: pieces that act one after the other, sorted by where they begin.
///
/// Where one begins, it starts from the rate that those before it left. Pieces that overlap multiply. (Where one of two
/// overlapping pieces has an `eta_min` above 0, MMEngine's recursive formulas differ: each of its steps starts from what
/// the other left.) Without pieces the rate is constant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    tracks: Vec<Track>,
}

impl Schedule {
    /// A schedule of pieces that count updates.
    ///
    /// # Errors
    /// The first piece that is not valid, or that counts epochs: those want [`Schedule::from_config`].
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Result<Self, ScheduleError> {
        Self::from_config(pieces, None)
    }

    /// A schedule of pieces that may count epochs of `updates_per_epoch` optimizer updates (micro-batches over
    /// `accumulative_counts`, rounded up).
    ///
    /// # Errors
    /// The first piece that is not valid, or that counts epochs while `updates_per_epoch` is none or 0.
    pub fn from_config(
        pieces: impl IntoIterator<Item = Piece>,
        updates_per_epoch: Option<u64>,
    ) -> Result<Self, ScheduleError> {
        let mut tracks = pieces
            .into_iter()
            .map(|piece| Track::new(piece, updates_per_epoch))
            .collect::<Result<Vec<_>, _>>()?;
        tracks.sort_by_key(|track| track.begin.saturating_mul(track.updates_per_step));
        Ok(Self { tracks })
    }

    /// The learning rate of the next update for a parameter group whose own rate is `base_lr`, after `applied_updates`
    /// updates: 0 gives the rate of the very first one.
    pub fn lr(&self, base_lr: f64, applied_updates: u64) -> f64 {
        self.tracks.iter().fold(base_lr, |lr, track| track.apply(lr, base_lr, applied_updates))
    }
}

/// A valid piece whose steps are a fixed number of updates.
#[derive(Debug, Clone, PartialEq)]
struct Track {
    curve: Curve,
    begin: u64,
    end: u64,
    updates_per_step: u64,
}

impl Track {
    fn new(piece: Piece, updates_per_epoch: Option<u64>) -> Result<Self, ScheduleError> {
        piece.validate()?;
        let curve_name = piece.curve.name();
        let epoch =
            || updates_per_epoch.filter(|&n| n > 0).ok_or(ScheduleError::NoEpochLength { curve: curve_name });
        let (updates_per_step, steps_per_unit) = match piece.unit {
            Unit::Updates => (1, 1),
            Unit::Epochs => (epoch()?, 1),
            Unit::EpochsAsUpdates => (1, epoch()?),
        };
        let convert = |count: u64| count.saturating_mul(steps_per_unit);
        let begin = convert(piece.begin);
        let end = piece.end.map_or(u64::MAX, convert);
        let mut curve = piece.curve;
        match &mut curve {
            Curve::MultiStep { milestones, .. } => {
                for step in milestones {
                    *step = convert(*step);
                }
            }
            Curve::Step { step_size, .. } => *step_size = convert(*step_size),
            Curve::CosineAnnealing { t_max, .. } => *t_max = t_max.map(convert),
            Curve::Linear { .. }
            | Curve::Constant { .. }
            | Curve::Exponential { .. }
            | Curve::Poly { .. } => {}
        }
        Ok(Self { curve, begin, end, updates_per_step })
    }

    /// What the track makes of `lr`, the rate that the tracks before it leave.
    fn apply(&self, lr: f64, base_lr: f64, applied_updates: u64) -> f64 {
        // 1 at least: both ends may have been too large to convert
        let length = self.end.saturating_sub(self.begin).max(1);
        let last = length - 1;
        let Some(since) = (applied_updates / self.updates_per_step).checked_sub(self.begin) else {
            return lr;
        };
        let k = since.min(last);
        // how much of the curve is behind: `last` is 0 where a piece is a single step, its first
        let done = if k == 0 { 0. } else { real(k) / real(last) };
        let decay = |eta_min: EtaMin, left: f64| {
            let lowest = eta_min.lr(base_lr);
            lowest + (lr - lowest) * left
        };
        match &self.curve {
            // both ends come out exactly
            Curve::Linear { start_factor, end_factor } => {
                lr * (start_factor * (1. - done) + end_factor * done)
            }
            Curve::Constant { factor } if k < last => lr * factor,
            Curve::Constant { .. } => lr,
            Curve::MultiStep { milestones, gamma } => {
                lr * gamma.powf(milestones.iter().filter(|&&milestone| milestone <= k).map(|_| 1.).sum())
            }
            Curve::Step { step_size, gamma } => lr * gamma.powf(real(k / step_size)),
            Curve::Exponential { gamma } => lr * gamma.powf(real(k)),
            Curve::CosineAnnealing { t_max, eta_min } => {
                decay(*eta_min, f64::midpoint(1., (PI * real(k) / real(t_max.unwrap_or(length))).cos()))
            }
            Curve::Poly { power, eta_min } => decay(*eta_min, (1. - done).powf(*power)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 updates")]
fn real(count: u64) -> f64 {
    count as f64
}

/// A schedule that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A number out of range.
    #[error("`{curve}` has `{field} = {value}`\nhelp: `{field}` must be {wants}")]
    InvalidValue {
        /// The curve.
        curve: &'static str,
        /// The number's name.
        field: &'static str,
        /// The number.
        value: f64,
        /// What it may be.
        wants: &'static str,
    },
    /// A piece without a step.
    #[error("`{curve}` begins at {begin} and ends at {end}\nhelp: `end` must be more than `begin`")]
    EmptyRange {
        /// The curve.
        curve: &'static str,
        /// Its first step.
        begin: u64,
        /// The step after its last one.
        end: u64,
    },
    /// A curve that is stretched from `begin` to `end`, without an end.
    #[error(
        "`{curve}` has no `end`\nnote: the curve is stretched from `begin` to `end`\nhelp: give it an `end`"
    )]
    NoEnd {
        /// The curve.
        curve: &'static str,
    },
    /// A piece in epochs, and nobody said how long an epoch is.
    #[error(
        "`{curve}` counts epochs, and the number of updates in an epoch is not known\nhelp: give `updates_per_epoch`, 1 or more, or count updates (`by_epoch: false`)"
    )]
    NoEpochLength {
        /// The curve.
        curve: &'static str,
    },
}
