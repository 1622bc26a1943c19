//! One decision per operation, each with its reason; everything later passes need to know, and nothing to decide.
use crate::policy::{Class, Op};
use proc_macro2::{Ident, Span};
use syn::{BinOp, Expr};

/// Whether an expression is a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tensorness {
    Yes,
    No,
    /// Types decide, in the generated code.
    Unknown,
}

/// The precision that a tensor has on every path to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Low,
    Full,
    Unknown,
}

/// What is known about an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) tensor: Tensorness,
    pub(crate) held: Held,
    /// The call (index into [`Plan::calls`]) whose result it is or follows, for messages.
    pub(crate) since: Option<usize>,
}

impl Fact {
    pub(crate) const UNKNOWN: Self = Self { tensor: Tensorness::Unknown, held: Held::Unknown, since: None };
    pub(crate) const NOT_TENSOR: Self = Self { tensor: Tensorness::No, held: Held::Unknown, since: None };

    pub(crate) fn tensor(held: Held, since: Option<usize>) -> Self {
        Self { tensor: Tensorness::Yes, held, since }
    }

    /// Known to be a tensor in low precision, on every path.
    pub(crate) fn is_low(self) -> bool {
        self.held == Held::Low
    }
}

/// What a mark in the body asked for, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Island {
    None,
    Full,
    Low,
    Skip,
}

/// How a call is spelled.
#[derive(Debug, Clone)]
pub(crate) enum Spelling {
    /// `xs.op(..)`
    Method,
    /// `Tensor::op(..)`; the path's last segment is the name.
    Function,
    /// `a + b`
    Binary(BinOp),
    /// `-a`
    Negation,
}

/// One call, operator or function of the body that may work on tensors, op table or not, in evaluation order.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The method's name as written (`matmul`, `f_matmul`), or the operator's trait method (`add`, `div`, `neg`).
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) spelling: Spelling,
    /// All operands as written: the receiver first for methods, then the arguments.
    pub(crate) operands: Vec<Expr>,
    /// What is known about each of them.
    pub(crate) facts: Vec<Fact>,
    pub(crate) result: Fact,
    /// The row, where the call is one of the table's.
    pub(crate) op: Option<&'static Op>,
    /// The class after overrides and islands; none where the call is no site.
    pub(crate) class: Option<Class>,
    pub(crate) reason: Reason,
    pub(crate) island: Island,
    /// The binding that the receiver is (or is a plain view of), where it is one.
    pub(crate) binding: Option<Ident>,
    /// Casts, by operand position.
    pub(crate) casts: Vec<Cast>,
    /// Runs with autocast suspended.
    pub(crate) alone: bool,
    /// How many loops and closures stand around it within the function.
    pub(crate) depth: usize,
}

/// Why a call stands in its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The op table says so.
    Listed,
    /// The attribute's `low(..)` or `full(..)`.
    Override,
    /// A mark in the body.
    Island,
    /// `scalar / tensor` is a reciprocal.
    Reciprocal,
    /// No row: not decided here.
    Unlisted,
}

/// What happens to one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Index into [`Call::operands`].
    pub(crate) operand: usize,
    /// Low or full.
    pub(crate) to: Held,
    /// Whether the operand is known to need it; otherwise the generated code asks.
    pub(crate) known: bool,
    /// Which slot it shares, index into [`Plan::slots`].
    pub(crate) slot: Option<usize>,
    /// The cast is made below a view: of the view's receiver.
    pub(crate) below_view: bool,
}

/// A cast that several uses of one binding share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedSlot {
    /// The block that declares it, by its number.
    pub(crate) block: usize,
}

/// A layer call: what it does depends on the layer's type.
#[derive(Debug, Clone)]
pub(crate) struct LayerCall {
    /// `apply`, `forward_t`, `seq`, ..
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The layer as written.
    pub(crate) layer: Expr,
    /// The input as written.
    pub(crate) input: Expr,
    pub(crate) fact: Fact,
    pub(crate) island: Island,
    pub(crate) slot: Option<usize>,
}

/// A branch whose arms come out in different precisions: `if`/`match` with a tensor result.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) span: Span,
    pub(crate) arms: Vec<Fact>,
}

/// The plan of one function.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) calls: Vec<Call>,
    pub(crate) layers: Vec<LayerCall>,
    pub(crate) slots: Vec<SharedSlot>,
    pub(crate) joins: Vec<Join>,
    /// Macro calls in whose tokens a site stands that cannot be read: where, and which op.
    pub(crate) unseen: Vec<(Span, String)>,
    /// Overrides of the attribute that matched a call.
    pub(crate) used_overrides: Vec<String>,
}
