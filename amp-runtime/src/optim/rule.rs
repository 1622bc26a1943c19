//! Which optimizer it is, and how it computes an update.
use super::adam::{Adam, AdamW, Moments};
use super::error::OptimError;
use super::group::GroupValues;
use super::parameter::{Memory, Parameter};
use super::sgd::Sgd;
use serde::{Deserialize, Serialize};

/// Which optimizer, and its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    #[serde(rename = "SGD")]
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl From<Sgd> for OptimizerConfig {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl From<Adam> for OptimizerConfig {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<AdamW> for OptimizerConfig {
    fn from(adamw: AdamW) -> Self {
        Self::AdamW(adamw)
    }
}

impl OptimizerConfig {
    /// Checks the numbers against what `torch.optim` accepts.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn validate(&self) -> Result<(), OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.validate(),
            Self::Adam(adam) => Moments::from(*adam).validate(),
            Self::AdamW(adamw) => Moments::from(*adamw).validate(),
        }
    }

    /// What it is called in `torch.optim`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "SGD",
            Self::Adam(_) => "Adam",
            Self::AdamW(_) => "AdamW",
        }
    }

    /// The learning rate, momentum (`betas[0]` for Adam) and weight decay before any multiplier.
    pub(super) fn base(&self) -> GroupValues {
        match *self {
            Self::Sgd(Sgd { lr, momentum, weight_decay, .. }) => GroupValues { lr, momentum, weight_decay },
            Self::Adam(Adam { lr, betas, weight_decay, .. })
            | Self::AdamW(AdamW { lr, betas, weight_decay, .. }) => {
                GroupValues { lr, momentum: betas.0, weight_decay }
            }
        }
    }
}

/// How an update is computed.
pub(super) enum Rule {
    Sgd(Sgd),
    Adam(Moments),
    /// tch's own optimizer, for code that already has one: it cannot skip on the device.
    Tch(tch::nn::Optimizer),
}

impl From<OptimizerConfig> for Rule {
    fn from(config: OptimizerConfig) -> Self {
        match config {
            OptimizerConfig::Sgd(sgd) => Self::Sgd(sgd),
            OptimizerConfig::Adam(adam) => Self::Adam(adam.into()),
            OptimizerConfig::AdamW(adamw) => Self::Adam(adamw.into()),
        }
    }
}

impl Rule {
    /// Splits positions in `owners` into those whose momentum runs and those whose momentum starts with this update.
    /// Without dampening there is no difference: a momentum of zero starts as well as none.
    pub(super) fn starts(&self, parameters: &[Parameter], owners: &[usize]) -> (Vec<u32>, Vec<u32>) {
        let dampened = matches!(self, Self::Sgd(sgd) if sgd.dampening != 0.);
        let starts = |owner: usize| {
            dampened
                && matches!(
                    parameters[owner].memory,
                    Memory::Sgd { momentum_buffer: Some(_), started: false }
                )
        };
        (0..).zip(owners).fold((Vec::new(), Vec::new()), |(mut running, mut starting), (position, &owner)| {
            let side = if starts(owner) { &mut starting } else { &mut running };
            side.push(position);
            (running, starting)
        })
    }
}
