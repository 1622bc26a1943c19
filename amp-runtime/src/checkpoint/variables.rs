//! The variables of a store: their values, and values for them.
use super::container::Tensors;
use super::error::{CheckpointError, Result};
use crate::native;
use tch::nn::VarStore;
use tch::{TchError, Tensor, no_grad};

/// Values that were checked against the variables that they are for.
pub(super) struct Fitted(Vec<(Tensor, Tensor)>);

/// Checks names, dtypes and shapes in both directions; `prefix` stands before the names in messages. Changes nothing.
pub(super) fn fit(store: &VarStore, mut values: Tensors, prefix: &str) -> Result<Fitted> {
    let mut fitted = Vec::with_capacity(values.len());
    let mut variables: Vec<_> = store.variables().into_iter().collect();
    variables.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (name, variable) in variables {
        let key = format!("{prefix}{name}");
        let Some(value) = values.remove(&name) else { return Err(CheckpointError::Missing { key }) };
        require_alike(key, &value, &variable)?;
        fitted.push((variable, value));
    }
    match values.pop_first() {
        Some((name, _)) => Err(CheckpointError::Unexpected { key: format!("{prefix}{name}") }),
        None => Ok(Fitted(fitted)),
    }
}

pub(super) fn require_alike(key: String, found: &Tensor, wanted: &Tensor) -> Result<()> {
    if found.kind() == wanted.kind() && found.size() == wanted.size() {
        return Ok(());
    }
    let describe = |tensor: &Tensor| format!("{:?} {:?}", tensor.kind(), tensor.size());
    Err(CheckpointError::Mismatch { key, found: describe(found), wanted: describe(wanted) })
}

/// By `copy_`, which keeps each variable's layout and counts as a write.
pub(super) fn install(fitted: Fitted) -> std::result::Result<(), TchError> {
    let copied =
        no_grad(|| fitted.0.into_iter().try_for_each(|(mut variable, value)| variable.f_copy_(&value)));
    native::drop_casts();
    copied
}
