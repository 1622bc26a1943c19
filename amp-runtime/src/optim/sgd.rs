//! SGD: its numbers, and those of one update.
use super::error::{OptimError, require};
use super::group::GroupValues;
use crate::native::SgdStep;
use serde::{Deserialize, Serialize};

/// Stochastic gradient descent with momentum, as `torch.optim.SGD` (same names, same defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// Learning rate: 1e-3.
    pub lr: f64,
    /// Momentum factor: 0.
    pub momentum: f64,
    /// Dampening of momentum: 0.
    pub dampening: f64,
    /// Weight decay (L2 penalty): 0.
    pub weight_decay: f64,
    /// Nesterov momentum; needs a momentum and no dampening.
    pub nesterov: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0., dampening: 0., weight_decay: 0., nesterov: false, maximize: false }
    }
}

impl Sgd {
    pub(super) fn validate(&self) -> Result<(), OptimError> {
        require("SGD", "lr", self.lr, self.lr >= 0., "0 or more")?;
        require("SGD", "momentum", self.momentum, self.momentum >= 0., "0 or more")?;
        require("SGD", "dampening", self.dampening, self.dampening.is_finite(), "a finite number")?;
        require("SGD", "weight_decay", self.weight_decay, self.weight_decay >= 0., "0 or more")?;
        if self.nesterov && (self.momentum <= 0. || self.dampening != 0.) {
            return Err(OptimError::Nesterov { momentum: self.momentum, dampening: self.dampening });
        }
        Ok(())
    }

    /// The numbers of one update of a group; `is_first_step` starts momentum from the gradient instead of from the buffer.
    pub(super) fn step(&self, group: &GroupValues, is_first_step: bool) -> SgdStep {
        SgdStep {
            lr: group.lr,
            momentum: group.momentum,
            dampening: self.dampening,
            weight_decay: group.weight_decay,
            nesterov: self.nesterov,
            maximize: self.maximize,
            is_first_step,
        }
    }
}
