//! The models that are measured, as plain tch code with `#[amp]`; `pytorch.py` has the same ones as modules of PyTorch, with the
//! same names of weights.
mod lstm;
mod mlp;
mod resnet;
mod retinanet;
mod transformer;

use crate::entrant::Hardware;
use amp_runtime::{AdamW, ClipGrad, OptimizerConfig, Sgd};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::rc::Rc;
use tch::{Tensor, nn};

/// What a model reads, by name.
pub(crate) type Inputs = BTreeMap<String, Tensor>;

/// A model and its loss.
pub(crate) trait Model {
    /// Forward and loss, in training mode: a scalar.
    fn loss(&self, inputs: &Inputs) -> Tensor;
}

/// What there is to know of a model besides its code.
#[derive(Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Batch sizes that are measured on a CPU unless others are asked for.
    pub(crate) on_cpu: [i64; 3],
    /// The same on a GPU.
    pub(crate) on_gpu: [i64; 3],
    /// What is counted per second, and how many of it one item of a batch has.
    pub(crate) unit: (&'static str, i64),
    /// Its images may have their channels last in memory; it is trained with SGD, the others with `AdamW`.
    pub(crate) convolutional: bool,
}

const IMAGES: (&str, i64) = ("images", 1);

/// Five models, and a larger one for GPUs.
const SPECS: [Spec; 6] = [
    spec("mlp", [1, 32, 256], [1, 256, 4096], ("rows", 1), false),
    spec("resnet18", [1, 4, 16], [1, 32, 256], IMAGES, true),
    spec("retinanet_r18", [1, 2, 8], [1, 8, 32], IMAGES, true),
    spec("transformer", [1, 8, 32], [1, 32, 256], ("tokens", transformer::LENGTH), false),
    spec("lstm", [1, 8, 32], [1, 32, 256], ("tokens", lstm::LENGTH), false),
    spec("retinanet_r50", [1, 2, 4], [2, 4, 8], IMAGES, true),
];

/// How many of them are measured on a CPU unless others are asked for.
const FIVE: usize = 5;

const fn spec(
    name: &'static str,
    on_cpu: [i64; 3],
    on_gpu: [i64; 3],
    unit: (&'static str, i64),
    convolutional: bool,
) -> Spec {
    Spec { name, on_cpu, on_gpu, unit, convolutional }
}

impl Spec {
    /// Those that are measured unless others are asked for.
    pub(crate) fn usual(device: Hardware) -> Vec<Self> {
        SPECS[..if device == Hardware::Cpu { FIVE } else { SPECS.len() }].to_vec()
    }

    pub(crate) fn find(name: &str) -> Result<Self> {
        match SPECS.into_iter().find(|spec| spec.name == name) {
            Some(spec) => Ok(spec),
            None => bail!(
                "there is no model `{name}`\nhelp: there are {}",
                SPECS.map(|spec| spec.name).join(", ")
            ),
        }
    }

    /// The model with random weights at `root`.
    pub(crate) fn build(&self, root: &nn::Path) -> Result<Rc<dyn Model>> {
        Ok(match self.name {
            "mlp" => Rc::new(mlp::Mlp::new(root)),
            "resnet18" => Rc::new(resnet::Classifier::new(root)?),
            "transformer" => Rc::new(transformer::Transformer::new(root)),
            "lstm" => Rc::new(lstm::Lstm::new(root)),
            name => Rc::new(retinanet::RetinaNet::new(root, name)?),
        })
    }

    /// A random batch, on the CPU.
    pub(crate) fn inputs(&self, batch: i64) -> Result<Inputs> {
        let named = match self.name {
            "mlp" => mlp::inputs(batch).into(),
            "resnet18" => resnet::inputs(batch).into(),
            "transformer" => transformer::inputs(batch).into(),
            "lstm" => lstm::inputs(batch).into(),
            name => retinanet::inputs(name, batch)?,
        };
        Ok(named.into_iter().map(|(name, tensor): (&str, Tensor)| (name.to_owned(), tensor)).collect())
    }

    pub(crate) fn optimizer(&self) -> (OptimizerConfig, ClipGrad) {
        if self.convolutional {
            (
                Sgd { lr: 1e-3, momentum: 0.9, weight_decay: 1e-4, ..Sgd::default() }.into(),
                ClipGrad::norm(35.),
            )
        } else {
            (AdamW { lr: 1e-4, ..AdamW::default() }.into(), ClipGrad::norm(1.))
        }
    }
}
