//! Which operation runs at which precision: the rows of the one table, and how they are found.
use std::collections::HashMap;
use std::sync::LazyLock;

mod reason;
mod row;
mod table;

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

/// The row of a method or function of tch, by its name and number of arguments; none if it is no operation of the table.
///
/// The number keeps `Iterator::sum()` and `i64::pow` out. `f_` twins are found under their own name, which is that of the
/// `g_` twin for some: `f_add` is `g_add`. `Tensor::matmul(&a, &b)` is the method with its receiver as first argument: the
/// positions of its row are the same.
pub(crate) fn find(form: Form, name: &str, arity: usize) -> Option<&'static Op> {
    static ROWS: LazyLock<HashMap<(&str, Form, usize), &Op>> =
        LazyLock::new(|| ops().map(|op| ((op.name, op.form, op.arity), op)).collect());
    let listed = |name: &str| match (form, ROWS.get(&(name, form, arity))) {
        (Form::Function, None) => ROWS.get(&(name, Form::Method, arity.checked_sub(1)?)).copied(),
        (_, row) => row.copied(),
    };
    match name.strip_prefix("f_") {
        // the infallible name may have been taken by tch itself, with other arguments
        Some(twin) => listed(twin).or_else(|| listed(&format!("g_{twin}"))),
        None => listed(name),
    }
}

/// All rows of a name.
pub(crate) fn named(name: &str) -> impl Iterator<Item = &'static Op> {
    ops().filter(move |op| op.name == name)
}

/// Every row.
pub(crate) fn ops() -> impl Iterator<Item = &'static Op> {
    table::rows()
}
