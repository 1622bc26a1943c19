//! An optimizer's state as named tensors and numbers: taken out whole, put back whole or not at all.
use super::error::OptimError;
use super::group::{Group, GroupValues};
use super::lists::fresh_memory;
use super::optimizer::Optimizer;
use super::parameter::{Memory, Parameter};
use super::rule::{OptimizerConfig, Rule};
use crate::native;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tch::{Kind, Tensor};

/// What an optimizer remembers between updates, as `torch.optim.Optimizer.state_dict`.
#[derive(Debug)]
pub struct OptimizerState {
    /// The numbers.
    pub(crate) numbers: OptimizerNumbers,
    /// `<parameter>/<state>`: the states are `momentum_buffer`, `exp_avg`, `exp_avg_sq`, `max_exp_avg_sq`, in the
    /// parameter's shape and dtype, and `step`, 0-dim i64.
    pub(crate) tensors: BTreeMap<String, Tensor>,
}

impl OptimizerState {
    /// Its tensors, contiguous and on the CPU, by `<parameter>/<state>`: `momentum_buffer`, `exp_avg`, `exp_avg_sq`,
    /// `max_exp_avg_sq` in the parameter's shape and dtype, `step` 0-dim i64.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }
}

/// The part of the state that is not tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizerNumbers {
    config: OptimizerConfig,
    base: GroupValues,
    groups: Vec<SavedGroup>,
    /// Parameters whose momentum has started.
    started: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedGroup {
    group: Group,
    parameters: BTreeSet<String>,
}

/// A state that was checked against an optimizer, ready to be put in place.
pub(crate) struct FittedOptimizer {
    config: OptimizerConfig,
    base: GroupValues,
    groups: Vec<Group>,
    /// For every parameter its group and its memory.
    parameters: Vec<(usize, Memory)>,
}

impl Optimizer {
    /// The state after the last update: contiguous copies on the CPU.
    ///
    /// # Errors
    /// [`OptimError::NotOurs`] for tch's own optimizer.
    pub fn state(&mut self) -> Result<OptimizerState, OptimError> {
        self.adopt_new_variables()?;
        self.settle_start()?;
        let config = self.config.ok_or(OptimError::NotOurs("its state"))?;
        let mut tensors = BTreeMap::new();
        let mut started = BTreeSet::new();
        for parameter in &self.parameters {
            for (name, tensor) in parameter.memory.tensors() {
                let kind = if name == "step" { Kind::Int64 } else { tensor.kind() };
                let copy = tensor.f_to_kind(kind)?.f_to(tch::Device::Cpu)?.f_contiguous()?.f_detach_copy()?;
                tensors.insert(format!("{}/{name}", parameter.name), copy);
            }
            if matches!(parameter.memory, Memory::Sgd { started: true, .. }) {
                started.insert(parameter.name.clone());
            }
        }
        let members = |index| {
            self.parameters.iter().filter(move |p| p.group == index).map(|p| p.name.clone()).collect()
        };
        let groups = self.groups.iter().enumerate();
        let groups =
            groups.map(|(index, group)| SavedGroup { group: *group, parameters: members(index) }).collect();
        Ok(OptimizerState { numbers: OptimizerNumbers { config, base: self.base, groups, started }, tensors })
    }

    /// Puts a saved state back: numbers, groups and tensors.
    ///
    /// # Errors
    /// A state of another kind of optimizer, or of other parameters; the optimizer is then as it was.
    pub fn load_state(&mut self, state: &OptimizerState) -> Result<(), OptimError> {
        let fitted = self.fit(state)?;
        self.install(fitted)
    }

    /// Checks a state against the parameters; changes nothing.
    pub(crate) fn fit(&mut self, state: &OptimizerState) -> Result<FittedOptimizer, OptimError> {
        self.adopt_new_variables()?;
        let saved = &state.numbers;
        let config = self.config.ok_or(OptimError::NotOurs("its state"))?;
        if std::mem::discriminant(&config) != std::mem::discriminant(&saved.config) {
            let problem = format!("saved with {}, this training has {}", saved.config.name(), config.name());
            return Err(misfit("type", &problem));
        }
        saved.config.validate()?;
        let rule = Rule::from(saved.config);
        let mut left: BTreeSet<&str> = state.tensors.keys().map(String::as_str).collect();
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let group = saved.groups.iter().position(|group| group.parameters.contains(&parameter.name));
            let group = group.ok_or_else(|| misfit(&parameter.name, "the parameter is in no saved group"))?;
            parameters.push((group, restored(parameter, &rule, state, &mut left)?));
        }
        if let Some(extra) = left.first() {
            return Err(misfit(extra, "no parameter of the model has this state"));
        }
        let groups = saved.groups.iter().map(|saved| saved.group).collect();
        Ok(FittedOptimizer { config: saved.config, base: saved.base, groups, parameters })
    }

    pub(crate) fn install(&mut self, fitted: FittedOptimizer) -> Result<(), OptimError> {
        // It belongs to the training that is being replaced.
        self.starting = None;
        self.config = Some(fitted.config);
        self.rule = fitted.config.into();
        self.base = fitted.base;
        self.groups = fitted.groups;
        for (parameter, (group, memory)) in self.parameters.iter_mut().zip(fitted.parameters) {
            parameter.group = group;
            parameter.memory = memory;
        }
        self.arrange()
    }
}

impl Optimizer {
    /// Checks saved gradients against the parameters; changes nothing.
    pub(crate) fn fit_gradients(
        &self,
        saved: &BTreeMap<String, Tensor>,
    ) -> Result<Vec<(usize, Tensor)>, OptimError> {
        let fit = |(name, source): (&String, &Tensor)| {
            let index = self.parameters.iter().position(|p| p.name == *name);
            let index = index.ok_or_else(|| misfit(name, "the model has no such parameter"))?;
            let parameter = &self.parameters[index].tensor;
            if source.size() != parameter.size() || source.kind() != parameter.kind() {
                return Err(misfit(
                    name,
                    &format!("its gradient is {:?} {:?}", source.kind(), source.size()),
                ));
            }
            let mut gradient = parameter.f_detach()?.f_zeros_like()?;
            gradient.f_copy_(source)?;
            Ok((index, gradient))
        };
        saved.iter().map(fit).collect()
    }

    pub(crate) fn set_gradients(&mut self, gradients: &[(usize, Tensor)]) -> Result<(), OptimError> {
        gradients.iter().try_for_each(|(index, gradient)| {
            Ok(native::set_gradient(&self.parameters[*index].tensor, gradient)?)
        })
    }
}

impl Memory {
    /// The tensors that are kept, with the names that PyTorch gives them.
    fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Self::Sgd { momentum_buffer, .. } => {
                momentum_buffer.iter().map(|buffer| ("momentum_buffer", buffer)).collect()
            }
            Self::Adam { exp_avg, exp_avg_sq, max_exp_avg_sq, step } => {
                let mut tensors = vec![("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq), ("step", step)];
                tensors.extend(max_exp_avg_sq.iter().map(|maximum| ("max_exp_avg_sq", maximum)));
                tensors
            }
            Self::Elsewhere => Vec::new(),
        }
    }
}

/// The memory of one parameter as saved, in the parameter's own memory layout.
fn restored<'a>(
    parameter: &Parameter,
    rule: &Rule,
    state: &'a OptimizerState,
    left: &mut BTreeSet<&'a str>,
) -> Result<Memory, OptimError> {
    let mut memory = fresh_memory(rule, &parameter.tensor)?;
    for (name, target) in memory.tensors() {
        let key = format!("{}/{name}", parameter.name);
        let source = state.tensors.get(&key).ok_or_else(|| misfit(&key, "it is missing"))?;
        left.remove(key.as_str());
        let kind = if name == "step" { Kind::Int64 } else { target.kind() };
        if source.size() != target.size() || source.kind() != kind {
            let problem =
                format!("{:?} {:?}, wanted {kind:?} {:?}", source.kind(), source.size(), target.size());
            return Err(misfit(&key, &problem));
        }
        target.shallow_clone().f_copy_(source)?;
    }
    if let Memory::Sgd { started, .. } = &mut memory {
        *started = state.numbers.started.contains(&parameter.name);
    }
    Ok(memory)
}

fn misfit(key: &str, problem: &str) -> OptimError {
    OptimError::State { key: key.to_owned(), problem: problem.to_owned() }
}
