//! An exponential moving average of a model's variables, in full precision, that skips what training skips.
use crate::native::{self, NativeError, TensorList, from_tch};
use crate::optim_wrapper::StepOutcome;
use std::collections::BTreeMap;
use tch::nn::VarStore;
use tch::{Kind, TchError, Tensor, no_grad};

/// Errors of the moving average.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmaError {
    /// A momentum out of range.
    #[error(
        "`momentum = {0}`\nhelp: it is the share of the new values, above 0 and up to 1 (MMEngine: 0.0002)"
    )]
    Momentum(f64),
    /// libtorch's own.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// tch's own.
    #[error(transparent)]
    Tch(TchError),
}

from_tch!(EmaError);

/// Averages of a model's variables (MMEngine's `EMAHook` with `ExponentialMovingAverage`): after each applied update
/// `average += momentum * (value - average)`. Whether the update was applied is decided on the device. What asks for a gradient when
/// they are made is averaged: make them after freezing, and anew where variables thaw or join. Variables without
/// gradient, such as a batch norm's statistics, are copied after every update, applied or not, as the model keeps them.
///
/// A [`checkpoint`](crate::checkpoint) does not have it. Save the averages beside it: [`swap`](Self::swap),
/// [`save_weights`](crate::checkpoint::save_weights), `swap`. To go on, [`load_weights`](crate::checkpoint::load_weights) of that file,
/// then `Ema::new`, then [`load`](crate::checkpoint::load) of the checkpoint.
pub struct Ema {
    momentum: f64,
    averaged: Pairs,
    copied: Pairs,
    names: Vec<String>,
}

/// Averages and the variables that they follow.
struct Pairs {
    averages: TensorList,
    variables: TensorList,
    /// What the last swap rounded into bf16 variables: the next one takes it back, not what is left of it.
    rounded: Vec<Option<Tensor>>,
}

impl Pairs {
    fn new() -> Self {
        Self { averages: TensorList::new(), variables: TensorList::new(), rounded: Vec::new() }
    }

    /// What an exchange puts in the place of the average at `index`: the variable, in the average's dtype.
    fn replacement(&self, index: usize, average: &Tensor) -> Result<Tensor, EmaError> {
        let variable = self.variables.get(index)?;
        let value = variable.f_detach_copy()?.f_to_kind(average.kind())?;
        let Some(exact) = self.rounded.get(index).and_then(Option::as_ref) else { return Ok(value) };
        let untouched = exact.f_to_kind(variable.kind())?.f_eq_tensor(&variable)?;
        Ok(exact.f_where_self(&untouched, &value)?)
    }

    fn swap(&mut self) -> Result<(), EmaError> {
        let (mut replacements, mut rounded) = (Vec::new(), Vec::new());
        for index in 0..self.variables.len() {
            let average = self.averages.get(index)?;
            replacements.push(self.replacement(index, &average)?);
            let rounds = average.kind() != self.variables.get(index)?.kind();
            rounded.push(if rounds { Some(average.f_detach_copy()?) } else { None });
        }
        if !replacements.is_empty() {
            native::copy(&self.variables, &self.averages)?;
            native::copy(&self.averages, &replacements.iter().collect())?;
        }
        self.rounded = rounded;
        Ok(())
    }
}

impl std::fmt::Debug for Ema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ema")
            .field("momentum", &self.momentum)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Ema {
    /// Averages that start as the variables are; `momentum` is the share of the new values in each step.
    ///
    /// # Errors
    /// A momentum that is not above 0 and at most 1.
    pub fn new(store: &VarStore, momentum: f64) -> Result<Self, EmaError> {
        if !(momentum > 0. && momentum <= 1.) {
            return Err(EmaError::Momentum(momentum));
        }
        if momentum > 0.5 {
            tracing::warn!(
                momentum,
                "the averages follow the last values more than what was before: PyTorch's `decay` is 1 - momentum"
            );
        }
        let mut ema = Self { momentum, averaged: Pairs::new(), copied: Pairs::new(), names: Vec::new() };
        let (followed, rest): (Vec<_>, Vec<_>) = store
            .variables()
            .into_iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .partition(|(_, variable)| follows(variable));
        for (pairs, variables) in [(&mut ema.averaged, followed), (&mut ema.copied, rest)] {
            for (name, variable) in variables {
                // bf16 would round each step away.
                let kind = if variable.kind() == Kind::BFloat16 { Kind::Float } else { variable.kind() };
                pairs.averages.push(&variable.f_detach_copy()?.f_to_kind(kind)?);
                pairs.variables.push(&variable);
                ema.names.push(name);
            }
        }
        Ok(ema)
    }

    /// Follows the variables after a step. Nothing changes while gradients accumulate; where the update was skipped, averages stay.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn update(&mut self, outcome: &StepOutcome) -> Result<(), EmaError> {
        let Some(stats) = outcome.stats() else { return Ok(()) };
        let weight = stats.skip_flag().f_rsub_scalar(1.)?.f_mul_scalar(self.momentum)?;
        if !self.averaged.averages.is_empty() {
            native::average(&self.averaged.averages, &self.averaged.variables, &weight)?;
        }
        if !self.copied.averages.is_empty() {
            native::copy(&self.copied.averages, &self.copied.variables)?;
        }
        Ok(())
    }

    /// The averages by the names of their variables, bf16 ones in f32: the tensors themselves, which go on changing.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn averages(&self) -> Result<BTreeMap<String, Tensor>, EmaError> {
        let lists = [&self.averaged.averages, &self.copied.averages];
        let tensors = lists.iter().flat_map(|list| (0..list.len()).map(|index| list.get(index)));
        self.names.iter().cloned().zip(tensors).map(|(name, tensor)| Ok((name, tensor?))).collect()
    }

    /// Exchanges averages and variables: before an evaluation, and once more after it. Averages of bf16 variables are rounded for
    /// the evaluation, and exact again afterwards.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn swap(&mut self) -> Result<(), EmaError> {
        no_grad(|| {
            self.averaged.swap()?;
            self.copied.swap()
        })
    }
}

fn follows(variable: &Tensor) -> bool {
    variable.requires_grad() && matches!(variable.kind(), Kind::Float | Kind::Double | Kind::BFloat16)
}
