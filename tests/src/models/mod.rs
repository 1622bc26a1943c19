//! Five models as plain tch code with `#[amp]`: for the tests of numerics and casts, and for `cargo xtask bench models`.
//!
//! `goldens/autocast_models.py` has the same models in PyTorch, operation by operation, with the same names.
mod fpn;
mod lstm;
mod mlp;
mod residual;
mod transformer;

use crate::device::device;
use crate::goldens::Goldens;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Tensor, nn};

/// All of them.
pub const NAMES: [&str; 5] = ["mlp", "residual", "transformer", "lstm", "fpn"];

/// Small for the tests, larger for the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Some thousand parameters.
    Test,
    /// Forward and backward take tens of milliseconds.
    Bench,
}

/// What a model reads, by name.
pub type Inputs = BTreeMap<String, Tensor>;

/// What a model computes, by name; `loss` is among it.
pub type Outputs = BTreeMap<&'static str, Tensor>;

/// libtorch keeps its casts of weights for the whole process: who counts casts, or compares bits that depend on how often a
/// weight was cast, must be the only one in a region.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A model and its loss.
pub trait Model {
    /// Forward and loss, in training mode.
    fn run(&self, inputs: &Inputs) -> Outputs;

    /// Inputs of the right shapes.
    fn inputs(&self) -> Inputs;
}

/// The model called `name`, with its variables at `root`.
///
/// # Panics
/// If there is no such model.
pub fn build(name: &str, root: &nn::Path, size: Size) -> Box<dyn Model> {
    match name {
        "mlp" => Box::new(mlp::Mlp::new(root, size)),
        "residual" => Box::new(residual::Residual::new(root, size)),
        "transformer" => Box::new(transformer::Transformer::new(root, size)),
        "lstm" => Box::new(lstm::Lstm::new(root, size)),
        "fpn" => Box::new(fpn::Fpn::new(root, size)),
        _ => panic!("no model `{name}`"),
    }
}

fn named(inputs: impl IntoIterator<Item = (&'static str, Tensor)>) -> Inputs {
    inputs.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect()
}

/// A model with the weights that `goldens/autocast.safetensors` has for it, and its inputs.
///
/// # Panics
/// If the recorded weights are not the model's.
pub fn recorded(name: &str, goldens: &Goldens) -> (nn::VarStore, Box<dyn Model>, Inputs) {
    let store = nn::VarStore::new(device());
    let model = build(name, &store.root(), Size::Test);
    let variables = store.variables();
    let prefix = format!("{name}/weights/");
    let weights: BTreeMap<_, _> = goldens.below(&prefix).collect();
    assert!(
        variables.keys().all(|name| weights.contains_key(name.as_str())),
        "{name}: a weight is not recorded"
    );
    assert_eq!(variables.len(), weights.len(), "{name}: a recorded weight is not the model's");
    tch::no_grad(|| {
        for (name, mut variable) in variables {
            variable.copy_(weights[name.as_str()]);
        }
    });
    let prefix = format!("{name}/inputs/");
    let inputs = goldens.below(&prefix).map(|(name, tensor)| (name.to_owned(), tensor.copy())).collect();
    (store, model, inputs)
}
