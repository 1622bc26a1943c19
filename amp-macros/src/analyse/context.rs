//! Where the walk through a body is, and what it has found so far.
use super::scope::Scope;
use super::share::{Step, UseAt, Uses};
use crate::args::Args;
use crate::plan::{Body, Call, Fact, Island, Plan, Reason, Spelling};
use crate::syntax::labels::{self, Labelled};
use crate::syntax::shape;
use proc_macro2::Span;
use syn::{Block, Expr, Ident};

/// Where the walk is and what it has found.
pub(super) struct Context<'a> {
    pub(super) args: &'a Args,
    pub(super) labelled: &'a Labelled,
    pub(super) plan: Plan<'a>,
    pub(super) scope: Scope,
    pub(super) uses: Uses,
    pub(super) islands: Vec<Island>,
    pub(super) path: Vec<Step>,
    pub(super) fences: usize,
    /// How many calls, operators and macros the walk has met.
    pub(super) looked_at: usize,
    pub(super) body: usize,
}

impl<'a> Context<'a> {
    pub(super) fn island(&self) -> Island {
        self.islands.last().copied().unwrap_or(Island::None)
    }

    pub(super) fn fence(&mut self) {
        self.fences += 1;
        self.path.push(Step::Fence(self.fences));
    }

    pub(super) fn enter_body(&mut self, block: &Block) {
        self.body = self.plan.bodies.len();
        self.plan.bodies.push(Body { block: labels::block_number(block).unwrap_or_default(), used: false });
    }

    /// A call with nothing decided yet.
    pub(super) fn call(&self, label: usize, name: String, span: Span, spelling: Spelling<'a>) -> Call<'a> {
        Call {
            label,
            name,
            span,
            spelling,
            operands: Vec::new(),
            facts: Vec::new(),
            result: Fact::UNKNOWN,
            op: None,
            class: None,
            reason: Reason::Unlisted,
            island: self.island(),
            binding: None,
            casts: Vec::new(),
            kind: None,
            widest: false,
            alone: false,
            weight: false,
            body: self.body,
        }
    }

    /// Whether the operand is the name of an exclusive reference.
    pub(super) fn is_borrowed(&self, operand: &Expr) -> bool {
        // Named only once, it may as well be moved: borrowed, it would make a closure around it one that has to be `mut`.
        let again =
            |name: &Ident| self.labelled.mentions.get(&name.to_string()).is_some_and(|count| *count > 1);
        let name = match operand {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        name.is_some_and(again) && self.borrow(operand).is_exclusive()
    }

    /// Keeps the call; its number is where messages point.
    pub(super) fn keep(&mut self, mut call: Call<'a>) -> usize {
        for cast in &mut call.casts {
            cast.borrowed = self.is_borrowed(call.operands[cast.operand]);
        }
        let index = self.plan.calls.len();
        self.plan.by_label.insert(call.label, index);
        if call.is_site() {
            self.plan.bodies[self.body].used = true;
        }
        // An operator's operand may be moved into it: it has no slot.
        let shareable = !matches!(call.spelling, Spelling::Binary(_));
        for cast in call.casts.iter().filter(|_| shareable) {
            let binding = shape::name(call.operands[cast.operand]).map(ToString::to_string);
            if let Some(binding) = binding.and_then(|name| self.scope.binding(&name)) {
                let life = self.scope.life(binding);
                self.uses.add((binding, life), cast.to, &self.path, UseAt::Call(index, cast.operand));
            }
        }
        self.plan.calls.push(call);
        index
    }
}
