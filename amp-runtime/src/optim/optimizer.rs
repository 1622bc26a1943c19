//! An optimizer over the variables of a store: gathers their gradients, unscales, clips and updates them.
use super::clip;
use super::error::OptimError;
use super::group::{Group, GroupValues};
use super::lists::{Lists, fresh_memory};
use super::parameter::{self, Memory, Parameter, Variable};
use super::paramwise::{Described, Paramwise};
use super::rule::{OptimizerConfig, Rule};
use crate::native::{self, Deferred, GradientState, NativeError, TensorList};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tch::nn::{self, VarStore, Variables};
use tch::{Device, Kind, Tensor};

/// An optimizer over the trainable variables of a [`VarStore`].
///
/// It has no `step` of its own: gradients go through a [`GradScaler`](crate::GradScaler) or an
/// [`OptimWrapper`](crate::OptimWrapper), which skip an update whose gradients are not finite. Frozen variables are kept
/// and left alone as long as they have no gradient; variables added to the store later join at the next update.
///
/// Parameters are f32, f64 or bf16, dense, on the CPU or one CUDA device, in any memory layout; convert a model to channels-last before
/// its optimizer is built.
pub struct Optimizer {
    serial: u64,
    /// None where tch's own optimizer does the update.
    pub(super) config: Option<OptimizerConfig>,
    pub(super) rule: Rule,
    pub(super) variables: Arc<Mutex<Variables>>,
    seen: usize,
    paramwise: Paramwise,
    pub(super) base: GroupValues,
    pub(super) groups: Vec<Group>,
    pub(super) parameters: Vec<Parameter>,
    /// One per dtype.
    pub(super) families: Vec<Lists>,
    /// One per family, between `gather` and `clear`.
    gathered: Vec<Gathered>,
    /// The 2-norm of each family's gathered gradients, where unscaling found it out by the way.
    norms: Option<KnownNorms>,
    /// Parameters whose momentum starts with the update that is under way, if it is applied.
    pub(super) starting: Option<(Vec<usize>, Deferred)>,
}

/// The 2-norm of each family's gradients.
struct KnownNorms {
    norms: TensorList,
    /// Of the gradients by then: whoever writes to one between unscaling and clipping has changed their norm.
    writes: u64,
}

/// The gradients of one family.
struct Gathered {
    grads: TensorList,
    /// Which entries have one; none where all do.
    selection: Option<Selection>,
}

struct Selection {
    indices: Vec<u32>,
    lists: Lists,
}

impl Optimizer {
    /// An optimizer over the trainable variables of `store`.
    ///
    /// # Errors
    /// A number out of range, or a variable that cannot be trained: see [`OptimError`].
    pub fn new(config: impl Into<OptimizerConfig>, store: &VarStore) -> Result<Self, OptimError> {
        Self::with_paramwise(config, store, Paramwise::default())
    }

    /// As [`new`](Self::new), with multipliers of learning rate and weight decay per parameter.
    ///
    /// # Errors
    /// As [`new`](Self::new), a multiplier out of range, and one of a weight decay that the optimizer does not have.
    pub fn with_paramwise(
        config: impl Into<OptimizerConfig>,
        store: &VarStore,
        paramwise: Paramwise,
    ) -> Result<Self, OptimError> {
        let config = config.into();
        config.validate()?;
        paramwise.validate()?;
        let base = config.base();
        if paramwise.changes_decay() && base.weight_decay == 0. {
            return Err(OptimError::NoWeightDecay);
        }
        let optimizer = Self::build(Some(config), config.into(), base, store, paramwise)?;
        optimizer.tell_of_keys_without_a_parameter();
        Ok(optimizer)
    }

    /// Of the store as it is now: what is added to it later may be what a key is about.
    fn tell_of_keys_without_a_parameter(&self) {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        for key in self.paramwise.unused_keys(&names) {
            tracing::warn!(
                key,
                example = names.first(),
                "an entry of `custom_keys` is in no parameter's name: its multipliers hold for nothing"
            );
        }
    }

    /// Existing code's tch optimizer over the variables of `store`. It cannot skip on the device: each update waits for the
    /// device once; and its state cannot be saved.
    ///
    /// # Errors
    /// A variable that cannot be trained: see [`OptimError`].
    pub fn from_tch(optimizer: nn::Optimizer, store: &VarStore) -> Result<Self, OptimError> {
        let unknown = GroupValues { lr: f64::NAN, momentum: f64::NAN, weight_decay: f64::NAN };
        Self::build(None, Rule::Tch(optimizer), unknown, store, Paramwise::default())
    }

    fn build(
        config: Option<OptimizerConfig>,
        rule: Rule,
        base: GroupValues,
        store: &VarStore,
        paramwise: Paramwise,
    ) -> Result<Self, OptimError> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let mut optimizer = Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            config,
            rule,
            variables: Arc::clone(&store.variables_),
            seen: 0,
            paramwise,
            base,
            groups: Vec::new(),
            parameters: Vec::new(),
            families: Vec::new(),
            gathered: Vec::new(),
            norms: None,
            starting: None,
        };
        optimizer.adopt_new_variables()?;
        if optimizer.parameters.is_empty() { Err(OptimError::NoParameters) } else { Ok(optimizer) }
    }

    /// Takes in what was added to the store since, with fresh state.
    pub(super) fn adopt_new_variables(&mut self) -> Result<(), OptimError> {
        let fresh = {
            let variables = lock(&self.variables);
            if variables.trainable_variables.len() <= self.seen {
                return Ok(());
            }
            parameter::trainable(&variables, self.seen)
        };
        let mut names: HashMap<usize, String> =
            self.parameters.iter().map(|p| (native::identity(&p.tensor), p.name.clone())).collect();
        let mut adopted = Vec::new();
        for variable in &fresh {
            parameter::check(&variable.name, &variable.tensor)?;
            self.check_device(&variable.name, variable.tensor.device(), fresh[0].tensor.device())?;
            match names.insert(native::identity(&variable.tensor), variable.name.clone()) {
                None => adopted.push(self.adopt(variable)?),
                Some(_) if self.paramwise.bypass_duplicate => {}
                Some(first) => return Err(duplicate(first, variable)),
            }
        }
        self.seen += fresh.len();
        self.parameters.extend(adopted);
        self.arrange()
    }

    fn check_device(&self, name: &str, found: Device, first: Device) -> Result<(), OptimError> {
        let expected = self.parameters.first().map_or(first, |parameter| parameter.tensor.device());
        if found == expected {
            Ok(())
        } else {
            Err(OptimError::SeveralDevices { name: name.to_owned(), found, expected })
        }
    }

    fn adopt(&mut self, variable: &Variable) -> Result<Parameter, OptimError> {
        let shape = variable.tensor.size();
        let multipliers = self.paramwise.multipliers(&Described {
            name: &variable.name,
            shape: &shape,
            in_norm: variable.in_norm,
            in_depthwise: variable.in_depthwise,
        });
        let known = |group: &Group| group.id == variable.group_id && group.multipliers == multipliers;
        let group = self.groups.iter().position(known).unwrap_or_else(|| {
            self.groups.push(Group::new(variable.group_id, multipliers, self.base));
            self.groups.len() - 1
        });
        let memory = fresh_memory(&self.rule, &variable.tensor)?;
        let (tensor, kind) = (variable.tensor.shallow_clone(), variable.tensor.kind());
        Ok(Parameter { name: variable.name.clone(), tensor, kind, group, memory })
    }

    /// Sorts the parameters into lists by dtype.
    pub(super) fn arrange(&mut self) -> Result<(), OptimError> {
        let mut by_kind: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            let kind = match parameter.tensor.kind() {
                Kind::Double => "f64",
                Kind::BFloat16 => "bf16",
                _ => "f32",
            };
            by_kind.entry(kind).or_default().push(index);
        }
        let lists = by_kind.into_values().map(|owners| Lists::new(&mut self.parameters, owners));
        self.families = lists.collect::<Result<_, _>>()?;
        self.gathered.clear();
        Ok(())
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.parameters[0].tensor.device()
    }

    /// Identifies the optimizer within the process.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Collects the gradients for the update that follows, and checks that the kernels can use them.
    pub(crate) fn gather(&mut self) -> Result<(), OptimError> {
        self.adopt_new_variables()?;
        self.settle_start()?;
        self.parameters.iter().try_for_each(Parameter::check_kind)?;
        let mut gathered = Vec::with_capacity(self.families.len());
        for lists in &self.families {
            if let Some(owner) = lists.relaid()? {
                return Err(OptimError::Relaid { name: self.parameters[owner].name.clone() });
            }
            let (grads, states) = native::gather_gradients(&lists.params)?;
            let usable =
                |state: &GradientState| matches!(*state, GradientState::Ready | GradientState::Missing);
            if let Some(index) = states.iter().position(|state| !usable(state)) {
                return Err(unusable(&self.parameters[lists.owners[index]], states[index]));
            }
            let selection = if grads.len() == states.len() || grads.is_empty() {
                None
            } else {
                let present = (0..).zip(&states).filter(|(_, state)| **state == GradientState::Ready);
                let indices: Vec<u32> = present.map(|(index, _)| index).collect();
                Some(Selection { lists: lists.select(&self.parameters, &indices)?, indices })
            };
            gathered.push(Gathered { grads, selection });
        }
        if gathered.iter().all(|family| family.grads.is_empty()) {
            return Err(self.no_gradients());
        }
        self.gathered = gathered;
        self.norms = None;
        Ok(())
    }

    /// What is wrong where no parameter has one.
    fn no_gradients(&self) -> OptimError {
        let mut names: Vec<&str> = self.parameters.iter().take(5).map(|p| p.name.as_str()).collect();
        if self.parameters.len() > names.len() {
            names.push("...");
        }
        OptimError::NoGradients { count: self.parameters.len(), names: names.join(", ") }
    }

    fn grads(&self) -> impl Iterator<Item = &TensorList> {
        self.gathered.iter().map(|family| &family.grads).filter(|grads| !grads.is_empty())
    }

    /// Sets `found_inf` to 1 if a gathered gradient is not finite, and multiplies all by `inv_scale`.
    pub(crate) fn unscale(&mut self, found_inf: &Tensor, inv_scale: &Tensor) -> Result<(), OptimError> {
        let norms: Option<Vec<Tensor>> = {
            let norms = self.grads().map(|grads| native::check_and_unscale(grads, found_inf, inv_scale));
            norms.collect::<Result<Vec<_>, _>>()?.into_iter().collect()
        };
        self.norms = match norms {
            Some(norms) => Some(KnownNorms { norms: norms.iter().collect(), writes: self.writes()? }),
            None => None,
        };
        Ok(())
    }

    fn writes(&self) -> Result<u64, NativeError> {
        self.grads().map(native::writes).sum()
    }

    /// Multiplies the gathered gradients by a 0-dim f32 tensor.
    pub(crate) fn multiply(&mut self, factor: &Tensor) -> Result<(), OptimError> {
        self.norms = None;
        self.grads().try_for_each(|grads| Ok(native::multiply(grads, factor)?))
    }

    /// Scales the gathered gradients down to `max_norm`; returns their norm before, 0-dim f32.
    pub(crate) fn clip_norm(&mut self, max_norm: f64, norm_type: f64) -> Result<Tensor, OptimError> {
        let norm = match (self.norms.take(), norm_type) {
            (Some(known), 2.) if known.writes == self.writes()? => {
                native::total_norm(&known.norms, norm_type)?
            }
            _ => clip::total_norm(&self.grads().collect::<Vec<_>>(), norm_type)?,
        };
        self.multiply(&clip::factor(&norm, max_norm)?)?;
        Ok(norm)
    }

    /// Limits every element of the gathered gradients.
    pub(crate) fn clip_value(&mut self, limit: f64) -> Result<(), OptimError> {
        self.norms = None;
        self.grads().try_for_each(|grads| Ok(native::clamp(grads, limit)?))
    }

    /// Updates the parameters whose gradients were gathered; where `found_inf` (0-dim f32: exactly 0 or 1) is 1, nothing changes.
    pub(crate) fn update(&mut self, found_inf: &Tensor) -> Result<(), OptimError> {
        if let Rule::Tch(optimizer) = &mut self.rule {
            if f64::try_from(found_inf)? == 0. {
                optimizer.step();
                native::drop_casts();
            }
            return Ok(());
        }
        if self.gathered.len() != self.families.len() {
            return Err(OptimError::ChangedMidway);
        }
        let values: Vec<GroupValues> = self.groups.iter().map(|group| group.values).collect();
        // Adam counts them.
        let applied =
            if matches!(self.rule, Rule::Adam(..)) { Some(found_inf.f_rsub_scalar(1.)?) } else { None };
        let mut starting = Vec::new();
        for (lists, family) in self.families.iter_mut().zip(&self.gathered) {
            if family.grads.is_empty() {
                continue;
            }
            lists.count(family.selection.as_ref().map(|selection| &*selection.indices), applied.as_ref())?;
            let used = family.selection.as_ref().map_or(&*lists, |selection| &selection.lists);
            let (started, fresh) = self.rule.starts(&self.parameters, &used.owners);
            if fresh.is_empty() || started.is_empty() {
                used.update(&self.rule, &values, &family.grads, started.is_empty(), found_inf)?;
            } else {
                for (indices, start) in [(&started, false), (&fresh, true)] {
                    let part = used.select(&self.parameters, indices)?;
                    part.update(&self.rule, &values, &family.grads.select(indices)?, start, found_inf)?;
                }
            }
            starting.extend(fresh.iter().map(|&index| used.owners[index as usize]));
        }
        if !starting.is_empty() {
            self.starting = Some((starting, Deferred::new(&[found_inf])?));
        }
        Ok(())
    }

    /// Notes whose momentum has started, once it is known whether that update was applied.
    pub(super) fn settle_start(&mut self) -> Result<(), OptimError> {
        if let Some((owners, found_inf)) = self.starting.take()
            && found_inf.get(0)? == 0.
        {
            for owner in owners {
                if let Memory::Sgd { started, .. } = &mut self.parameters[owner].memory {
                    *started = true;
                }
            }
        }
        Ok(())
    }

    /// Sets all gradients to none.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn zero_grad(&mut self) -> Result<(), OptimError> {
        self.gathered.clear();
        self.families.iter().try_for_each(|lists| Ok(native::clear_gradients(&lists.params)?))
    }
}

pub(super) fn lock(variables: &Mutex<Variables>) -> MutexGuard<'_, Variables> {
    // Variables are only ever added: a panic elsewhere leaves them whole.
    variables.lock().unwrap_or_else(PoisonError::into_inner)
}

fn duplicate(first: String, variable: &Variable) -> OptimError {
    let mut names = variable.aliases.iter().chain([&variable.name]);
    let second = names.find(|name| **name != first).unwrap_or(&variable.name).clone();
    OptimError::Duplicate { first, second }
}

fn unusable(parameter: &Parameter, state: GradientState) -> OptimError {
    let (name, tensor) = (parameter.name.clone(), &parameter.tensor);
    let grad = tensor.grad();
    match state {
        GradientState::Sparse => OptimError::SparseGradient { name },
        GradientState::Dtype => OptimError::GradientKind { name, param: tensor.kind(), grad: grad.kind() },
        _ => OptimError::GradientPlace {
            name,
            param: tensor.device(),
            shape: tensor.size(),
            device: grad.device(),
            grad_shape: grad.size(),
        },
    }
}
