//! An optimizer's learning rates, momenta and weight decays: read and set while training.
use super::error::{OptimError, require};
use super::group::{Group, ParamGroup};
use super::optimizer::Optimizer;
use super::rule::Rule;

impl Optimizer {
    /// The parameter groups, in the order of their first parameters.
    pub fn groups(&self) -> Vec<ParamGroup> {
        let members = |index| {
            self.parameters.iter().filter(move |p| p.group == index).map(|p| p.name.clone()).collect()
        };
        let group = |(index, group): (usize, &Group)| ParamGroup {
            id: group.id,
            lr: group.values.lr,
            base_lr: group.base_lr,
            momentum: group.values.momentum,
            weight_decay: group.values.weight_decay,
            parameters: members(index),
        };
        self.groups.iter().enumerate().map(group).collect()
    }

    /// The learning rate before multipliers and schedule; NaN for tch's own optimizer until it is set here.
    pub fn lr(&self) -> f64 {
        self.base.lr
    }

    /// SGD's momentum, or Adam's `betas[0]`; NaN for tch's own optimizer until it is set here.
    pub fn momentum(&self) -> f64 {
        self.base.momentum
    }

    /// Sets the learning rate of every group, before multipliers and schedule.
    ///
    /// # Errors
    /// A negative or undefined rate.
    pub fn set_lr(&mut self, lr: f64) -> Result<(), OptimError> {
        require("optimizer", "lr", lr, lr >= 0., "0 or more")?;
        self.base.lr = lr;
        self.groups.iter_mut().for_each(|group| group.set_lr(lr));
        if let Rule::Tch(optimizer) = &mut self.rule {
            optimizer.set_lr(lr);
        }
        Ok(())
    }

    /// Sets the learning rate of the parameters with group id `id`, before multipliers and schedule.
    ///
    /// # Errors
    /// A negative or undefined rate, or an id that no parameter has.
    pub fn set_lr_group(&mut self, id: usize, lr: f64) -> Result<(), OptimError> {
        require("optimizer", "lr", lr, lr >= 0., "0 or more")?;
        self.in_group(id)?.for_each(|group| group.set_lr(lr));
        if let Rule::Tch(optimizer) = &mut self.rule {
            optimizer.set_lr_group(id, lr);
        }
        Ok(())
    }

    /// Sets the weight decay of every group, before multipliers.
    ///
    /// # Errors
    /// A negative or undefined weight decay.
    pub fn set_weight_decay(&mut self, weight_decay: f64) -> Result<(), OptimError> {
        require("optimizer", "weight_decay", weight_decay, weight_decay >= 0., "0 or more")?;
        self.base.weight_decay = weight_decay;
        self.groups.iter_mut().for_each(|group| group.set_weight_decay(weight_decay));
        if let Rule::Tch(optimizer) = &mut self.rule {
            optimizer.set_weight_decay(weight_decay);
        }
        Ok(())
    }

    /// Sets the weight decay of the parameters with group id `id`, before multipliers.
    ///
    /// # Errors
    /// A negative or undefined weight decay, or an id that no parameter has.
    pub fn set_weight_decay_group(&mut self, id: usize, weight_decay: f64) -> Result<(), OptimError> {
        require("optimizer", "weight_decay", weight_decay, weight_decay >= 0., "0 or more")?;
        self.in_group(id)?.for_each(|group| group.set_weight_decay(weight_decay));
        if let Rule::Tch(optimizer) = &mut self.rule {
            optimizer.set_weight_decay_group(id, weight_decay);
        }
        Ok(())
    }

    fn in_group(&mut self, id: usize) -> Result<impl Iterator<Item = &mut Group>, OptimError> {
        let known: Vec<usize> = self.groups.iter().map(|group| group.id).collect();
        if !known.contains(&id) {
            return Err(OptimError::UnknownGroup { id, known });
        }
        Ok(self.groups.iter_mut().filter(move |group| group.id == id))
    }

    /// Sets every group's learning rate for the next update to what the schedule makes of its base rate.
    pub(crate) fn schedule_lr(&mut self, scheduled: impl Fn(f64) -> f64) {
        self.groups.iter_mut().for_each(|group| group.values.lr = scheduled(group.base_lr));
    }
}
