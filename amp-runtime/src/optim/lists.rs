//! Parameters of one dtype as parallel lists, the way the fused kernels want them.
use super::error::OptimError;
use super::group::GroupValues;
use super::parameter::{Memory, Parameter};
use super::rule::Rule;
use crate::native::{self, AdamLists, NativeError, Range, TensorList};
use tch::{Device, Kind, TchError, Tensor};

/// Parallel lists of parameters and their state, ordered by group.
pub(super) struct Lists {
    pub(super) params: TensorList,
    /// For every entry, which of the optimizer's parameters it is.
    pub(super) owners: Vec<usize>,
    runs: Vec<Run>,
    state: State,
}

/// Neighbours that share a group.
struct Run {
    group: usize,
    range: Range,
}

enum State {
    Sgd(TensorList),
    Adam(Box<AdamState>),
    Elsewhere,
}

struct AdamState {
    lists: AdamLists,
    /// Applied updates of every entry: f64, for f32 would stop counting at 2^24.
    counts: Tensor,
    /// The same in f32, for the kernels; `lists.steps` are views of it.
    counts_f32: Tensor,
}

impl Lists {
    /// Lists of the parameters at `owners`, which share a dtype; their step counters become views of one tensor.
    pub(super) fn new(parameters: &mut [Parameter], mut owners: Vec<usize>) -> Result<Self, OptimError> {
        owners.sort_by_key(|&owner| parameters[owner].group);
        let params = owners.iter().map(|&owner| &parameters[owner].tensor).collect();
        let state = State::new(parameters, &owners)?;
        let runs = runs(parameters, &owners);
        Ok(Self { params, owners, runs, state })
    }

    /// The same, restricted to the entries at `indices`.
    pub(super) fn select(&self, parameters: &[Parameter], indices: &[u32]) -> Result<Self, NativeError> {
        let owners: Vec<usize> = indices.iter().map(|&index| self.owners[index as usize]).collect();
        let state = match &self.state {
            State::Sgd(buffers) if buffers.is_empty() => State::Sgd(TensorList::new()),
            State::Sgd(buffers) => State::Sgd(buffers.select(indices)?),
            State::Adam(adam) => State::Adam(Box::new(adam.select(indices)?)),
            State::Elsewhere => State::Elsewhere,
        };
        Ok(Self { params: self.params.select(indices)?, runs: runs(parameters, &owners), owners, state })
    }

    /// The first parameter that its state no longer fits, because somebody changed its memory layout.
    pub(super) fn relaid(&self) -> Result<Option<usize>, NativeError> {
        let remembered = match &self.state {
            State::Sgd(buffers) => buffers,
            State::Adam(adam) => &adam.lists.exp_avgs,
            State::Elsewhere => return Ok(None),
        };
        Ok(native::first_unlike(&self.params, remembered)?.map(|index| self.owners[index]))
    }

    /// One fused update per group; where `found_inf` is 1, nothing changes. `start` begins SGD's momentum from the gradient.
    pub(super) fn update(
        &self,
        rule: &Rule,
        groups: &[GroupValues],
        grads: &TensorList,
        start: bool,
        found_inf: &Tensor,
    ) -> Result<(), OptimError> {
        for run in &self.runs {
            let group = &groups[run.group];
            match (rule, &self.state) {
                (Rule::Sgd(sgd), State::Sgd(buffers)) => {
                    native::fused_sgd(
                        &self.params,
                        grads,
                        buffers,
                        run.range,
                        &sgd.step(group, start),
                        found_inf,
                    )?;
                }
                (Rule::Adam(moments), State::Adam(adam)) => {
                    native::fused_adam(
                        &self.params,
                        grads,
                        &adam.lists,
                        run.range,
                        &moments.step(group),
                        found_inf,
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts an update of the entries at `indices` (all without) that is applied where `applied` is 1, if that is counted at all.
    pub(super) fn count(
        &mut self,
        indices: Option<&[u32]>,
        applied: Option<&Tensor>,
    ) -> Result<(), OptimError> {
        if let (State::Adam(adam), Some(applied)) = (&mut self.state, applied) {
            match indices {
                None => drop(adam.counts.f_add_(applied)?),
                Some(indices) => add_at(&adam.counts, indices, applied)?,
            }
            adam.counts_f32.f_copy_(&adam.counts)?;
        }
        Ok(())
    }
}

impl State {
    fn new(parameters: &mut [Parameter], owners: &[usize]) -> Result<Self, OptimError> {
        let mut buffers = TensorList::new();
        let (mut exp_avgs, mut exp_avg_sqs, mut max_exp_avg_sqs) =
            (TensorList::new(), TensorList::new(), TensorList::new());
        let mut counts = Vec::new();
        for &owner in owners {
            match &parameters[owner].memory {
                Memory::Sgd { momentum_buffer, .. } => buffers.extend(momentum_buffer),
                Memory::Adam { exp_avg, exp_avg_sq, max_exp_avg_sq, step } => {
                    exp_avgs.push(exp_avg);
                    exp_avg_sqs.push(exp_avg_sq);
                    max_exp_avg_sqs.extend(max_exp_avg_sq);
                    counts.push(step.shallow_clone());
                }
                Memory::Elsewhere => return Ok(Self::Elsewhere),
            }
        }
        if counts.is_empty() {
            return Ok(Self::Sgd(buffers));
        }
        let counts = Tensor::f_stack(&counts, 0)?;
        let counts_f32 = counts.f_to_kind(Kind::Float)?;
        let mut steps = TensorList::new();
        for (index, &owner) in (0..).zip(owners) {
            steps.push(&counts_f32.f_select(0, index)?);
            if let Memory::Adam { step, .. } = &mut parameters[owner].memory {
                *step = counts.f_select(0, index)?;
            }
        }
        let lists = AdamLists { exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps };
        Ok(Self::Adam(Box::new(AdamState { lists, counts, counts_f32 })))
    }
}

impl AdamState {
    fn select(&self, indices: &[u32]) -> Result<Self, NativeError> {
        let maxima = &self.lists.max_exp_avg_sqs;
        Ok(Self {
            lists: AdamLists {
                exp_avgs: self.lists.exp_avgs.select(indices)?,
                exp_avg_sqs: self.lists.exp_avg_sqs.select(indices)?,
                max_exp_avg_sqs: if maxima.is_empty() {
                    TensorList::new()
                } else {
                    maxima.select(indices)?
                },
                steps: self.lists.steps.select(indices)?,
            },
            counts: self.counts.shallow_clone(),
            counts_f32: self.counts_f32.shallow_clone(),
        })
    }
}

/// Adds to the elements at `indices`, which ascend. Run by run: a list of indices would have to travel to the device,
/// which waits for it.
fn add_at(counts: &Tensor, indices: &[u32], amount: &Tensor) -> Result<(), TchError> {
    let mut rest = indices;
    while let Some(&first) = rest.first() {
        let run = (first..).zip(rest).take_while(|(next, index)| next == *index).count();
        let end = i64::from(rest[run - 1]) + 1;
        let _ = counts.f_slice(0, i64::from(first), end, 1)?.f_add_(amount)?;
        rest = &rest[run..];
    }
    Ok(())
}

/// The runs of equal groups in `owners`, which are ordered by group.
fn runs(parameters: &[Parameter], owners: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, &owner) in owners.iter().enumerate() {
        let group = parameters[owner].group;
        match runs.last_mut() {
            Some(run) if run.group == group => run.range.len += 1,
            _ => runs.push(Run { group, range: Range { start: index, len: 1 } }),
        }
    }
    runs
}

/// The state that a parameter starts with.
pub(super) fn fresh_memory(rule: &Rule, tensor: &Tensor) -> Result<Memory, OptimError> {
    let zeros = || tensor.f_detach()?.f_zeros_like();
    Ok(match rule {
        Rule::Sgd(sgd) => Memory::Sgd {
            momentum_buffer: if sgd.momentum == 0. { None } else { Some(zeros()?) },
            started: false,
        },
        Rule::Adam(moments) => Memory::Adam {
            exp_avg: zeros()?,
            exp_avg_sq: zeros()?,
            max_exp_avg_sq: if moments.amsgrad { Some(zeros()?) } else { None },
            step: zero_count(tensor.device())?,
        },
        Rule::Tch(_) => Memory::Elsewhere,
    })
}

fn zero_count(device: Device) -> Result<Tensor, OptimError> {
    Ok(Tensor::f_zeros([], (Kind::Double, device))?)
}
