//! What a row of the op table says.
use super::reason;

/// What the policy does with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Every eligible operand is cast to low.
    Low,
    /// Every low operand is cast to full.
    Full,
    /// The operation's own dtype argument becomes f32; the input is not cast.
    FullOutput,
    /// All operands to the widest precision among them.
    Widest,
    /// Nothing is cast: the result follows the operands.
    Follow,
    /// A compile error with the replacement.
    Banned,
}

impl Class {
    /// As the documentation, plans and messages write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Full => "Full",
            Self::FullOutput => "FullOutput",
            Self::Widest => "Widest",
            Self::Follow => "Follow",
            Self::Banned => "Banned",
        }
    }
}

/// How tch spells the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// `xs.op(..)`: position 0 is the receiver, arguments follow.
    Method,
    /// `Tensor::op(..)`: position 0 is the first argument.
    Function,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// One tensor.
    Tensor,
    /// Several, in a tuple or a `Vec`.
    Tensors,
    /// A number, a shape, nothing.
    Other,
}

/// One row: an operation under tch's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    /// tch's method, without `f_`.
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) form: Form,
    /// How many arguments the call has, the receiver not counted.
    pub(crate) arity: usize,
    /// Positions that hold floating tensors: one, an option of one, or a list.
    pub(crate) operands: &'static [usize],
    /// Position of the output's dtype.
    pub(crate) kind: Option<usize>,
    pub(crate) output: Output,
    /// Writes into an operand (by what it does, not by a trailing underscore).
    pub(crate) in_place: bool,
    /// Shows all of its operand's elements and copies none: `tr`, `view`, `permute`.
    pub(crate) view: bool,
    /// libtorch's autocast would treat it differently on some device: it runs with autocast suspended.
    pub(crate) alone: bool,
    /// libtorch's operator; empty for tch's own compositions.
    pub(crate) torch: &'static str,
    /// Why it stands in its class, for those who ask.
    pub(crate) reason: &'static str,
}

impl Op {
    /// Whether libtorch's autocast has no list with it: nothing is decided where the receiver may be no tensor.
    pub(crate) fn is_unlisted(&self) -> bool {
        self.reason == reason::REFUSED
    }
}
