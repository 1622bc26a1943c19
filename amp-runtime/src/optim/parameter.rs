//! One parameter: its name, its tensor, and what the optimizer remembers of it.
use super::error::OptimError;
use super::paramwise::last_name;
use crate::native;
use std::collections::{BTreeMap, HashMap, HashSet};
use tch::nn::Variables;
use tch::{Device, Kind, Tensor};

/// A parameter and its optimizer state.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) tensor: Tensor,
    /// Its dtype when it was adopted: what its state has, and its kernels expect.
    pub(super) kind: Kind,
    /// Index into the optimizer's groups.
    pub(super) group: usize,
    pub(super) memory: Memory,
}

impl Parameter {
    /// Refuses a parameter that was converted since, as `store.half()` does it.
    pub(super) fn check_kind(&self) -> Result<(), OptimError> {
        let (name, now) = (&self.name, self.tensor.kind());
        if now == self.kind {
            Ok(())
        } else if now == Kind::Half {
            Err(OptimError::HalfParameter { name: name.clone() })
        } else {
            Err(OptimError::Converted { name: name.clone(), was: self.kind, now })
        }
    }
}

/// What an update leaves behind for the next one. Tensors have the parameter's shape, dtype, device and memory layout.
pub(super) enum Memory {
    Sgd {
        /// None without momentum.
        momentum_buffer: Option<Tensor>,
        /// Whether an update was ever applied: the first one starts the momentum without dampening.
        started: bool,
    },
    Adam {
        exp_avg: Tensor,
        exp_avg_sq: Tensor,
        /// Some with amsgrad.
        max_exp_avg_sq: Option<Tensor>,
        /// Applied updates: 0-dim f64, for f32 would stop counting at 2^24.
        step: Tensor,
    },
    /// tch's own optimizer keeps it to itself.
    Elsewhere,
}

/// A trainable variable as tch keeps it, with the name it has in the variable store.
pub(super) struct Variable {
    /// The alphabetically first of its names: the same in every process, which the store's own order is not.
    pub(super) name: String,
    /// Its other names, if it is registered more than once.
    pub(super) aliases: Vec<String>,
    pub(super) tensor: Tensor,
    pub(super) group_id: usize,
    /// Whether it belongs to a norm layer, as far as shapes tell.
    pub(super) in_norm: bool,
    /// Whether it belongs to a depthwise 2-D convolution, as far as shapes tell.
    pub(super) in_depthwise: bool,
}

/// The trainable variables from the `seen`th on, in the order of their creation.
pub(super) fn trainable(variables: &Variables, seen: usize) -> Vec<Variable> {
    let mut names: HashMap<usize, Vec<String>> = HashMap::new();
    // In the order of their names, so that a tied parameter always has the same one.
    for (name, tensor) in variables.named_variables.iter().collect::<BTreeMap<_, _>>() {
        names.entry(native::identity(tensor)).or_default().push(name.clone());
    }
    let norms = layers(variables, |weight| weight.dim() == 1);
    let depthwise = layers(variables, |weight| weight.dim() == 4 && weight.size()[1] == 1);
    let fresh = variables.trainable_variables.iter().enumerate().skip(seen);
    fresh
        .map(|(index, variable)| {
            let mut aliases = names.get(&native::identity(&variable.tensor)).cloned().unwrap_or_default();
            let name = if aliases.is_empty() { format!("variable {index}") } else { aliases.remove(0) };
            let (in_norm, in_depthwise) = (norms.contains(layer(&name)), depthwise.contains(layer(&name)));
            let tensor = variable.tensor.shallow_clone();
            Variable { name, aliases, tensor, group_id: variable.group, in_norm, in_depthwise }
        })
        .collect()
}

/// The layers whose `weight` looks so: 1-D is a batch, group, instance or (over one dimension) layer norm.
fn layers(variables: &Variables, looks: impl Fn(&Tensor) -> bool) -> HashSet<&str> {
    let weights = variables.named_variables.iter().filter(|(name, _)| last_name(name) == "weight");
    weights.filter(|(_, tensor)| looks(tensor)).map(|(name, _)| layer(name)).collect()
}

/// The path of the layer that a parameter belongs to.
fn layer(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(layer, _)| layer)
}

/// Refuses what the fused kernels cannot update, by name and with the way out.
pub(super) fn check(name: &str, tensor: &Tensor) -> Result<(), OptimError> {
    let kind = tensor.kind();
    if kind == Kind::Half {
        return Err(OptimError::HalfParameter { name: name.to_owned() });
    }
    if !matches!(kind, Kind::Float | Kind::Double | Kind::BFloat16) {
        return Err(OptimError::UnsupportedKind { name: name.to_owned(), kind });
    }
    if tensor.device() == Device::Mps {
        return Err(OptimError::UnsupportedDevice { name: name.to_owned(), device: Device::Mps });
    }
    if !native::is_dense(tensor)? {
        return Err(OptimError::NotDense { name: name.to_owned() });
    }
    Ok(())
}
