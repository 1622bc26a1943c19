//! Adam and AdamW: their numbers, and those of one update.
use super::error::{OptimError, require};
use super::group::GroupValues;
use crate::native::AdamStep;
use serde::{Deserialize, Serialize};

/// Adam, as `torch.optim.Adam` (same names, same defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// Learning rate: 1e-3.
    pub lr: f64,
    /// Decay of the running averages of the gradient and of its square: (0.9, 0.999).
    pub betas: (f64, f64),
    /// Added to the denominator: 1e-8.
    pub eps: f64,
    /// Weight decay (L2 penalty, through the gradient): 0.
    pub weight_decay: f64,
    /// The AMSGrad variant.
    pub amsgrad: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0., amsgrad: false, maximize: false }
    }
}

/// Adam with decoupled weight decay, as `torch.optim.AdamW` (same names, same defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Learning rate: 1e-3.
    pub lr: f64,
    /// Decay of the running averages of the gradient and of its square: (0.9, 0.999).
    pub betas: (f64, f64),
    /// Added to the denominator: 1e-8.
    pub eps: f64,
    /// Weight decay, applied to the parameter itself: 1e-2.
    pub weight_decay: f64,
    /// The AMSGrad variant.
    pub amsgrad: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 1e-2, amsgrad: false, maximize: false }
    }
}

/// What the two have in common: they differ in where the weight decay goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) name: &'static str,
    pub(super) lr: f64,
    pub(super) betas: (f64, f64),
    pub(super) eps: f64,
    pub(super) weight_decay: f64,
    pub(super) amsgrad: bool,
    pub(super) maximize: bool,
    /// AdamW.
    pub(super) decoupled: bool,
}

impl From<Adam> for Moments {
    fn from(Adam { lr, betas, eps, weight_decay, amsgrad, maximize }: Adam) -> Self {
        Self { name: "Adam", lr, betas, eps, weight_decay, amsgrad, maximize, decoupled: false }
    }
}

impl From<AdamW> for Moments {
    fn from(AdamW { lr, betas, eps, weight_decay, amsgrad, maximize }: AdamW) -> Self {
        Self { name: "AdamW", lr, betas, eps, weight_decay, amsgrad, maximize, decoupled: true }
    }
}

impl Moments {
    pub(super) fn validate(&self) -> Result<(), OptimError> {
        require(self.name, "lr", self.lr, self.lr >= 0., "0 or more")?;
        require(
            self.name,
            "betas[0]",
            self.betas.0,
            (0. ..1.).contains(&self.betas.0),
            "from 0 up to, not including, 1",
        )?;
        require(
            self.name,
            "betas[1]",
            self.betas.1,
            (0. ..1.).contains(&self.betas.1),
            "from 0 up to, not including, 1",
        )?;
        require(self.name, "eps", self.eps, self.eps >= 0., "0 or more")?;
        require(self.name, "weight_decay", self.weight_decay, self.weight_decay >= 0., "0 or more")
    }

    /// The numbers of one update of a group; its momentum is `betas[0]`.
    pub(super) fn step(&self, group: &GroupValues) -> AdamStep {
        AdamStep {
            lr: group.lr,
            beta1: group.momentum,
            beta2: self.betas.1,
            eps: self.eps,
            weight_decay: group.weight_decay,
            amsgrad: self.amsgrad,
            maximize: self.maximize,
            decoupled: self.decoupled,
        }
    }
}
