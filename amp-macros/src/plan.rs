//! One decision per operation, each with its reason; everything later passes need to know, and nothing to decide.
use crate::policy::{Class, Op};
use proc_macro2::{Ident, Span};
use std::collections::HashMap;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The call (index into [`Plan::calls`]) that gave it its precision, for messages.
    pub(crate) since: Option<usize>,
}

impl Fact {
    pub(crate) const UNKNOWN: Self = Self { tensor: Tensorness::Unknown, held: Held::Unknown, since: None };
    pub(crate) const NOT_TENSOR: Self = Self { tensor: Tensorness::No, held: Held::Unknown, since: None };

    pub(crate) fn tensor(held: Held, since: Option<usize>) -> Self {
        Self { tensor: Tensorness::Yes, held, since }
    }

    /// Known to be in low precision, on every path.
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
#[derive(Clone, Copy)]
pub(crate) enum Spelling<'a> {
    /// `xs.op(..)`
    Method,
    /// `Tensor::op(..)`; the path's last segment is the name.
    Function,
    /// `a + b`
    Binary(&'a BinOp),
}

/// One call or operator of the body that may work on tensors, op table or not, in evaluation order.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    /// Its label in the tree.
    pub(crate) label: usize,
    /// The method's name as written (`matmul`, `f_matmul`), or the operator's trait method (`add`, `div_assign`).
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) spelling: Spelling<'a>,
    /// All operands as written: the receiver first for methods, then the arguments.
    pub(crate) operands: Vec<&'a Expr>,
    /// What is known about each of them.
    pub(crate) facts: Vec<Fact>,
    pub(crate) result: Fact,
    /// The row, where the call is one of the table's.
    pub(crate) op: Option<&'static Op>,
    /// The class after overrides and islands; none where the call is no site.
    pub(crate) class: Option<Class>,
    pub(crate) reason: Reason,
    pub(crate) island: Island,
    /// The local name that the receiver is, where it is one.
    pub(crate) binding: Option<&'a Ident>,
    /// Casts, by operand position.
    pub(crate) casts: Vec<Cast>,
    /// The position of the output's dtype, where the generated code decides about it.
    pub(crate) kind: Option<usize>,
    /// Operands go to the widest precision among them, at run time.
    pub(crate) widest: bool,
    /// Runs with autocast suspended.
    pub(crate) alone: bool,
    /// A weight below this view is cast instead of the view.
    pub(crate) weight: bool,
    /// Index into [`Plan::bodies`].
    pub(crate) body: usize,
}

impl Call<'_> {
    fn settled(self) -> Call<'static> {
        let Call { label, name, span, facts, result, op, class, reason, island, casts, .. } = self;
        let Call { kind, widest, alone, weight, body, .. } = self;
        let (spelling, operands, binding) = (Spelling::Method, Vec::new(), None);
        Call {
            label,
            name,
            span,
            spelling,
            operands,
            facts,
            result,
            op,
            class,
            reason,
            island,
            binding,
            casts,
            kind,
            widest,
            alone,
            weight,
            body,
        }
    }

    /// Whether the policy decided about it.
    pub(crate) fn is_site(&self) -> bool {
        self.class.is_some()
    }

    /// Whether the rewritten function differs here.
    pub(crate) fn changes(&self) -> bool {
        !self.casts.is_empty()
            || self.kind.is_some()
            || self.widest
            || self.alone
            || self.weight
            || self.writes()
    }

    /// Whether it writes to a tensor that may be a weight.
    pub(crate) fn writes(&self) -> bool {
        self.op.is_some_and(|op| op.in_place) && self.island != Island::Skip
    }
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
    /// A tensor times itself.
    Square,
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
    /// Whether the operand is a name that is an exclusive reference: it is borrowed again, as a call does by itself.
    pub(crate) borrowed: bool,
}

/// A cast that several uses of one binding share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedSlot {
    /// The block that declares it, by its number.
    pub(crate) block: usize,
}

/// A layer call: what it does depends on the layer's type.
#[derive(Clone)]
pub(crate) struct LayerCall {
    /// Its label in the tree.
    pub(crate) label: usize,
    /// `apply`, `forward_t`, `seq`, ..
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The layer as written.
    pub(crate) layer: String,
    pub(crate) island: Island,
    pub(crate) slot: Option<usize>,
    /// Whether the input is a name that is an exclusive reference.
    pub(crate) borrowed: bool,
    /// Index into [`Plan::bodies`].
    pub(crate) body: usize,
}

/// A branch whose arms come out in different precisions.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) span: Span,
    pub(crate) arms: Vec<Fact>,
}

/// The body of the function, or of a closure in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// Its block's number.
    pub(crate) block: usize,
    /// Whether something in it, closures within it aside, needs the region.
    pub(crate) used: bool,
}

/// The plan of one function.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    pub(crate) calls: Vec<Call<'a>>,
    /// The call behind a label, by its index.
    pub(crate) by_label: HashMap<usize, usize>,
    pub(crate) layers: Vec<LayerCall>,
    pub(crate) slots: Vec<SharedSlot>,
    pub(crate) joins: Vec<Join>,
    /// The function's own body first.
    pub(crate) bodies: Vec<Body>,
    /// Macro calls in whose tokens a site stands that cannot be read: where, and which op.
    pub(crate) unseen: Vec<(Span, String)>,
    /// Marks that change nothing.
    pub(crate) unused_marks: Vec<Span>,
    /// Overrides of the attribute that matched a call.
    pub(crate) used_overrides: Vec<String>,
}

impl Plan<'_> {
    /// What was decided, without what it was decided about: the tree may now be changed.
    pub(crate) fn settled(self) -> Plan<'static> {
        let calls = self.calls.into_iter().map(Call::settled).collect();
        let Plan { by_label, layers, slots, joins, bodies, unseen, unused_marks, used_overrides, .. } = self;
        Plan { calls, by_label, layers, slots, joins, bodies, unseen, unused_marks, used_overrides }
    }

    /// Whether there is anything to see in the function: an operation of the table or a layer call.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_empty() && !self.calls.iter().any(Call::is_site)
    }
}
