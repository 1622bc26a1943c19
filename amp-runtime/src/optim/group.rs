//! Parameter groups: which learning rate, momentum and weight decay hold for which parameters.
use super::paramwise::Multipliers;
use serde::{Deserialize, Serialize};

/// A group of parameters that share their numbers, as `torch.optim.Optimizer.param_groups` lists them.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamGroup {
    /// The group id that `nn::Path::set_group` gave the parameters.
    pub id: usize,
    /// The learning rate of the next update, schedule included.
    pub lr: f64,
    /// The learning rate before the schedule.
    pub base_lr: f64,
    /// SGD's momentum, or Adam's `betas[0]`.
    pub momentum: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// The names of the parameters.
    pub parameters: Vec<String>,
}

/// The numbers that an update of a group uses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupValues {
    pub(super) lr: f64,
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
}

/// A group as the optimizer keeps it: the parameters of one id whose multipliers are the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) id: usize,
    pub(super) multipliers: Multipliers,
    /// The learning rate before the schedule.
    pub(super) base_lr: f64,
    pub(super) values: GroupValues,
}

impl Group {
    pub(super) fn new(id: usize, multipliers: Multipliers, base: GroupValues) -> Self {
        let lr = base.lr * multipliers.lr;
        let weight_decay = base.weight_decay * multipliers.decay;
        let values = GroupValues { lr, momentum: base.momentum, weight_decay };
        Self { id, multipliers, base_lr: lr, values }
    }

    /// Sets the learning rate that the multiplier then applies to.
    pub(super) fn set_lr(&mut self, lr: f64) {
        self.base_lr = lr * self.multipliers.lr;
        self.values.lr = self.base_lr;
    }

    /// Sets the weight decay that the multiplier then applies to.
    pub(super) fn set_weight_decay(&mut self, weight_decay: f64) {
        self.values.weight_decay = weight_decay * self.multipliers.decay;
    }
}
