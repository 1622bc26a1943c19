//! What can be wrong with an optimizer, its parameters or its gradients.
use crate::native::{NativeError, from_tch};
use tch::{Kind, TchError};

/// Errors of optimizers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A number out of range.
    #[error("`{optimizer}` has `{field} = {value}`\nhelp: `{field}` must be {wants}")]
    InvalidValue {
        /// The optimizer or option.
        optimizer: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: f64,
        /// What it may hold.
        wants: &'static str,
    },
    /// Nesterov without momentum, or with dampening.
    #[error(
        "Nesterov momentum with `momentum = {momentum}` and `dampening = {dampening}`\nhelp: it needs a momentum above 0 and no dampening"
    )]
    Nesterov {
        /// The momentum.
        momentum: f64,
        /// The dampening.
        dampening: f64,
    },
    /// A variable store without trainable variables.
    #[error("the variable store has no trainable variables\nhelp: build the model before its optimizer")]
    NoParameters,
    /// An f16 parameter.
    #[error(
        "parameter `{name}` is f16\nnote: updates smaller than 1/1024 of a weight would vanish\nhelp: keep the model in f32 (no `.half()`): regions lower its operations, not its weights"
    )]
    HalfParameter {
        /// The parameter.
        name: String,
    },
    /// A parameter of a dtype that cannot be trained.
    #[error("parameter `{name}` is {kind:?}\nhelp: parameters are f32, f64 or bf16")]
    UnsupportedKind {
        /// The parameter.
        name: String,
        /// Its dtype.
        kind: Kind,
    },
    /// A parameter that was converted to another dtype under its optimizer.
    #[error(
        "parameter `{name}` was {was:?} when its optimizer was built, and is {now:?}\nhelp: convert a model before its optimizer is built"
    )]
    Converted {
        /// The parameter.
        name: String,
        /// Its dtype then.
        was: Kind,
        /// Its dtype now.
        now: Kind,
    },
    /// A change between the gradients' check and the update.
    #[error(
        "the optimizer's state or parameters changed after `unscale`: the gradients that were checked are no longer these\nhelp: load states and add variables before `unscale`, or after `step`"
    )]
    ChangedMidway,
    /// A parameter whose memory layout, shape or device changed under its optimizer.
    #[error(
        "parameter `{name}` no longer has the shape, memory layout and device that its optimizer's state has\nhelp: move and convert a model (`set_device`, channels-last) before its optimizer is built"
    )]
    Relaid {
        /// The parameter.
        name: String,
    },
    /// A parameter on a device that the updates cannot run on.
    #[error(
        "parameter `{name}` is on {device:?}\nnote: scaling and counting need f64, which that device lacks\nhelp: train on the CPU or on CUDA"
    )]
    UnsupportedDevice {
        /// The parameter.
        name: String,
        /// Its device.
        device: tch::Device,
    },
    /// A parameter that is a view with gaps or overlaps.
    #[error(
        "parameter `{name}` does not own its memory densely: it is a view with gaps or overlaps\nhelp: create it from a contiguous tensor"
    )]
    NotDense {
        /// The parameter.
        name: String,
    },
    /// The same parameter twice.
    #[error(
        "parameters `{first}` and `{second}` are the same tensor\nhelp: register it once, or set `bypass_duplicate`"
    )]
    Duplicate {
        /// Its first name.
        first: String,
        /// Its second name.
        second: String,
    },
    /// Parameters on several devices.
    #[error("parameter `{name}` is on {found:?}, others are on {expected:?}\nhelp: one optimizer per device")]
    SeveralDevices {
        /// The parameter.
        name: String,
        /// Its device.
        found: tch::Device,
        /// Where the first parameter is.
        expected: tch::Device,
    },
    /// No gradient anywhere.
    #[error(
        "none of the {count} parameters has a gradient: {names}\nhelp: is the loss computed from them, without `no_grad` or `detach`, and are they not frozen"
    )]
    NoGradients {
        /// How many parameters there are.
        count: usize,
        /// The first few of them.
        names: String,
    },
    /// A sparse gradient.
    #[error(
        "parameter `{name}` has a sparse gradient, which the fused kernels cannot use\nhelp: create the embedding with `sparse: false`"
    )]
    SparseGradient {
        /// The parameter.
        name: String,
    },
    /// A gradient in another dtype than its parameter.
    #[error(
        "parameter `{name}` is {param:?}, its gradient is {grad:?}\nhelp: set gradients in the parameter's dtype, and call `zero_grad` after converting a model"
    )]
    GradientKind {
        /// The parameter.
        name: String,
        /// Its dtype.
        param: Kind,
        /// The gradient's dtype.
        grad: Kind,
    },
    /// A gradient elsewhere, or of another shape: the parameter was replaced or moved after its gradient came about.
    #[error(
        "parameter `{name}` is {param:?} {shape:?}, its gradient is on {device:?} with shape {grad_shape:?}\nhelp: move or reshape a model before its optimizer is built, and call `zero_grad` after it"
    )]
    GradientPlace {
        /// The parameter.
        name: String,
        /// Its device.
        param: tch::Device,
        /// Its shape.
        shape: Vec<i64>,
        /// The gradient's device.
        device: tch::Device,
        /// The gradient's shape.
        grad_shape: Vec<i64>,
    },
    /// A weight decay multiplier without weight decay.
    #[error(
        "`paramwise_cfg` multiplies a weight decay, but the optimizer has none\nhelp: give the optimizer a `weight_decay`"
    )]
    NoWeightDecay,
    /// A group id that no parameter has.
    #[error("no parameter is in group {id}\nhelp: the groups are {known:?}")]
    UnknownGroup {
        /// The id.
        id: usize,
        /// The ids that exist.
        known: Vec<usize>,
    },
    /// Asked of a tch optimizer.
    #[error(
        "tch's own optimizer does not give out {0}\nhelp: build the wrapper from `Sgd`, `Adam` or `AdamW`"
    )]
    NotOurs(&'static str),
    /// A saved state that does not fit.
    #[error("the optimizer state does not fit at `{key}`: {problem}")]
    State {
        /// The entry.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// libtorch failed.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// tch failed.
    #[error(transparent)]
    Tch(TchError),
}

from_tch!(OptimError);

/// An error unless the number is in range.
pub(super) fn require(
    optimizer: &'static str,
    field: &'static str,
    value: f64,
    holds: bool,
    wants: &'static str,
) -> Result<(), OptimError> {
    if holds && !value.is_nan() {
        Ok(())
    } else {
        Err(OptimError::InvalidValue { optimizer, field, value, wants })
    }
}
