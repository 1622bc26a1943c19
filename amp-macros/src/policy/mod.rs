//! Which operation runs at which precision: the rows of the one table, and how they are found.
mod table;

pub(crate) use table::OPS;

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

/// How tch spells the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug)]
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

/// The row of a method or function of tch, `f_` twins included, by its name and number of arguments.
///
/// The number keeps `Iterator::sum()` and `i64::pow` of other arities out.
pub(crate) fn find(form: Form, name: &str, arity: usize) -> Option<&'static Op> {
    let name = name.strip_prefix("f_").unwrap_or(name);
    OPS.iter().find(|op| op.form == form && op.name == name && op.arity == arity)
}

/// All rows of a name.
pub(crate) fn named(name: &str) -> impl Iterator<Item = &'static Op> {
    OPS.iter().filter(move |op| op.name == name)
}
