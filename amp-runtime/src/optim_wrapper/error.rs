//! What can go wrong in a training step.
use crate::native::{NativeError, from_tch};
use crate::optim::OptimError;
use crate::precision::Precision;
use crate::scaler::ScalerError;
use tch::{Kind, TchError};

/// Errors of the optimizer wrapper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimWrapperError {
    /// f16 without a loss scale.
    #[error(
        "f16 training without a loss scale\nnote: gradients below 6e-8 become 0 in f16, and with them most of a network's\nhelp: use `LossScale::dynamic()` (the default for f16), or bf16, which needs none"
    )]
    F16WithoutScaler,
    /// A loss from an `#[amp]` region in f16, for a wrapper whose scaling is off.
    #[error(
        "the loss was computed in f16, and the wrapper, built for {built_for}, has no loss scale\nnote: gradients below 6e-8 become 0 in f16, and with them most of a network's\nhelp: compute it in `with_precision(optim.precision(), ..)`, or build the wrapper with `.precision(Precision::F16)`"
    )]
    F16Loss {
        /// The wrapper's precision.
        built_for: Precision,
    },
    /// Accumulation over nothing.
    #[error("`accumulative_counts = 0`\nhelp: 1 updates after every batch, k after every k-th")]
    NoAccumulation,
    /// A loss that is not one number.
    #[error("the loss has shape {0:?}\nhelp: reduce it to one number (`mean`, `sum`) before the update")]
    LossShape(Vec<i64>),
    /// A loss of integers.
    #[error("the loss is {0:?}\nhelp: compute it in a floating-point dtype")]
    LossKind(Kind),
    /// A loss without a graph.
    #[error(
        "the loss needs no gradient: nothing in it depends on a trainable variable\nhelp: was it computed under `no_grad`, detached, or are all variables frozen"
    )]
    LossWithoutGraph,
    /// More batches than announced.
    #[error(
        "batch {inner_count} of {max_counts}: the training announced fewer batches\nhelp: call `initialize_count_status` with the true number, or with none"
    )]
    PastTheEnd {
        /// The batch, counted from 0.
        inner_count: u64,
        /// The announced number.
        max_counts: u64,
    },
    /// New counts while a window is open.
    #[error("{0} batches are accumulated and not yet used\nhelp: call `finish_window`, or `drop_window`")]
    OpenWindow(u32),
    /// `backward` after `unscale`.
    #[error(
        "`backward` after `unscale`: its gradients would be added to unscaled ones\nhelp: call `step` first, or `drop_window`"
    )]
    BackwardAfterUnscale,
    /// `step` or a clip without gradients of this wrapper's `backward`.
    #[error(
        "`{0}` before `backward`\nhelp: call `backward(&loss)` of the wrapper, not of the loss: that one leaves out the loss scale"
    )]
    BeforeBackward(&'static str),
    /// A gradient that this wrapper's `backward` did not compute.
    #[error(
        "parameter `{name}` has a gradient already, which would be added to the loss's\nnote: from another loss, or from `loss.backward()` without the wrapper\nhelp: call `zero_grad` before `backward`"
    )]
    StrayGradient {
        /// The parameter.
        name: String,
    },
    /// The state between `unscale` and `step`.
    #[error(
        "the state cannot be taken between `unscale` and `step`\nhelp: call `step` first, or `drop_window`"
    )]
    StateWhileUnscaled,
    /// A gradient norm that is not finite, where the user asked for an error.
    #[error("the gradient norm was {0}\nnote: `error_if_nonfinite` is set; the update was skipped")]
    NonFiniteNorm(f64),
    /// A saved state that does not fit.
    #[error("the state does not fit at `{key}`: {problem}")]
    State {
        /// The entry.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that the dictionary does not have.
    #[error("no wrapper is called `{name}`\nhelp: there are {known:?}")]
    UnknownName {
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A batch that a graph was not captured for.
    #[error(
        "input {index} is {found}, and the loss was captured for {expected}\nnote: a graph replays the same work on the same memory\nhelp: pad the batch, leave out an incomplete last one, or compute the loss of such a batch without the graph: `optim.update_params(&loss)`"
    )]
    GraphedInput {
        /// Which, counted from 0.
        index: usize,
        /// Its dtype and shape.
        found: String,
        /// What the captured one had.
        expected: String,
    },
    /// Not as many inputs as a graph was captured with.
    #[error("the loss was captured with {expected} inputs, not {found}")]
    GraphedInputs {
        /// How many there are.
        found: usize,
        /// How many there were.
        expected: usize,
    },
    /// A graph that computes another wrapper's gradients.
    #[error("the loss was captured for another wrapper\nhelp: capture it for this one")]
    GraphedOtherWrapper,
    /// A graph of variables that are no longer what they were.
    #[error(
        "since the loss was captured, variables of the store have moved, were frozen or unfrozen, or were added\nhelp: capture it anew"
    )]
    GraphedOtherVariables,
    /// A loss that begins before its capture.
    #[error(
        "the loss depends on something that was computed from a parameter before the capture\nnote: that would stay what it is while the parameter is trained\nhelp: compute it in the closure"
    )]
    ComputedBeforeCapture,
    /// A loss that panics.
    #[error("the loss panicked while it was captured: {0}")]
    LossPanicked(String),
    /// Two captures at once.
    #[error("another capture is under way in this process\nhelp: capture one loss after the other")]
    CaptureUnderWay,
    /// An operation that a CUDA graph cannot hold.
    #[error(
        "the loss cannot be captured: {0}\nnote: a CUDA graph holds kernels, and nothing that the host decides by their results\nhelp: keep out what waits for the device: `double_value`, `int64_value`, `f64::try_from`, `nonzero`, masks as indices, copies from the CPU"
    )]
    Capture(String),
    /// The loss scaler refused.
    #[error(transparent)]
    Scaler(ScalerError),
    /// The optimizer refused.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// libtorch failed.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// tch failed.
    #[error(transparent)]
    Tch(TchError),
}

from_tch!(OptimWrapperError);

/// For training steps that return tch's own error: libtorch's comes back as it was, any other with its text, as
/// [`TchError::Io`].
impl From<OptimWrapperError> for TchError {
    fn from(error: OptimWrapperError) -> Self {
        match error {
            OptimWrapperError::Tch(error) => error,
            other => Self::Io(std::io::Error::other(other)),
        }
    }
}

impl From<ScalerError> for OptimWrapperError {
    fn from(error: ScalerError) -> Self {
        match error {
            // Whoever matches on an optimizer's error need not know that the scaler called it.
            ScalerError::Optim(error) => Self::Optim(error),
            ScalerError::Native(error) => Self::Native(error),
            ScalerError::Tch(error) => Self::Tch(error),
            other => Self::Scaler(other),
        }
    }
}
