//! The states of one optimizer along every path: what a call finds is the set over all paths that lead to it.
//!
//! A borrow that is lent out (`f(&mut opt)`, a closure) leaves an unknown state, in which every call is right, until the
//! optimizer is called by its place again: the compiler then knows that the borrow is over.
use super::attributes::{self, Mark};
use super::calls::{Backward, Method};
use super::optimizers::Optimizers;
use super::place::{Place, Relation};
use super::state::{Op, State, States};
use super::track::{Found, Track};
use crate::syntax::macros::{self, ReadMacro};
use syn::{
    BinOp, Block, Expr, ExprClosure, ExprIf, ExprMatch, ExprMethodCall, Label, Lifetime, Local, Macro, Pat,
    Stmt,
};

/// Follows `place` through a function. `is_parameter`: whether it exists from the start.
pub(super) fn follow(block: &Block, place: &Place, optimizers: &Optimizers, is_parameter: bool) -> Found {
    let track = Track::new(place, is_parameter);
    let mut walk = Walk { track, optimizers, frames: Vec::new(), marks: Vec::new() };
    walk.block(block);
    walk.track.found
}

/// A loop or labelled block that the walk is in.
struct Frame {
    label: Option<Lifetime>,
    is_loop: bool,
    breaks: States,
    continues: States,
}

struct Walk<'a> {
    track: Track<'a>,
    optimizers: &'a Optimizers,
    frames: Vec<Frame>,
    marks: Vec<Mark>,
}

impl Walk<'_> {
    /// Names that are bound inside do not reach outside.
    fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        let hidden = self.track.hidden;
        inside(self);
        self.track.hidden = hidden;
    }

    /// One of the ways that paths take from a point; where it leads.
    fn way(&mut self, from: States, way: impl FnOnce(&mut Self)) -> States {
        self.track.states = from;
        self.scope(way);
        self.track.states
    }

    fn block(&mut self, block: &Block) {
        self.scope(|walk| block.stmts.iter().for_each(|stmt| walk.stmt(stmt)));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        if attributes::is_skipped(stmt) {
            return self.track.escape_if_mentioned(stmt);
        }
        match stmt {
            Stmt::Local(local) => self.marked(attributes::mark(&local.attrs), |walk| walk.local(local)),
            Stmt::Expr(expr, Some(_)) => self.discarded(expr),
            Stmt::Expr(expr, None) => self.expr(expr),
            Stmt::Macro(stmt) => self.marked(attributes::mark(&stmt.attrs), |walk| walk.mac(&stmt.mac)),
            Stmt::Item(_) => {}
        }
    }

    fn marked(&mut self, mark: Option<Mark>, inside: impl FnOnce(&mut Self)) {
        let depth = self.marks.len();
        self.marks.extend(mark);
        inside(self);
        self.marks.truncate(depth);
    }

    fn local(&mut self, local: &Local) {
        let Some(init) = &local.init else { return self.track.bind(&local.pat, false) };
        // `let _ = ..` and an outcome that is kept leave the wrapper free; the types of `backward` hold it.
        if matches!(local.pat, Pat::Wild(_)) {
            self.discarded(&init.expr);
        } else {
            self.expr(&init.expr);
        }
        if let Some((_, diverge)) = &init.diverge {
            let states = self.track.states;
            self.way(states, |walk| walk.expr(diverge));
            self.track.states = states;
        }
        self.track.bind(&local.pat, builds(&init.expr));
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        exprs.into_iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match attributes::of_expr(expr) {
            Some(Mark::Skip) => self.track.escape_if_mentioned(expr),
            mark => self.marked(mark, |walk| walk.unmarked(expr)),
        }
    }

    fn unmarked(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(_) | Expr::Field(_) | Expr::Index(_) | Expr::Unary(_)
                if self.track.relation(expr) != Relation::Apart =>
            {
                self.track.escape();
            }
            Expr::Paren(paren) => self.expr(&paren.expr),
            Expr::Group(group) => self.expr(&group.expr),
            Expr::Field(field) => self.below(&field.base),
            Expr::Index(index) => {
                self.below(&index.expr);
                self.expr(&index.index);
            }
            Expr::Unary(unary) => self.below(&unary.expr),
            Expr::Reference(reference) if self.track.relation(&reference.expr) != Relation::Apart => {
                if reference.mutability.is_some() {
                    self.track.escape();
                }
            }
            Expr::Reference(reference) => self.below(&reference.expr),
            Expr::RawAddr(raw) => self.expr(&raw.expr),
            Expr::MethodCall(call) => self.method(expr, call),
            Expr::Call(call) => {
                self.expr(&call.func);
                self.exprs(&call.args);
                self.backward(expr);
            }
            Expr::Assign(assign) => {
                if matches!(*assign.left, Expr::Infer(_)) {
                    self.discarded(&assign.right);
                } else {
                    self.expr(&assign.right);
                }
                match self.track.relation(&assign.left) {
                    Relation::Apart => self.below(&assign.left),
                    Relation::Same | Relation::Around => self.track.forget(),
                }
            }
            Expr::Binary(binary) => {
                self.expr(&binary.left);
                let short = self.track.states;
                self.expr(&binary.right);
                if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
                    self.track.states = self.track.states.or(short);
                }
            }
            Expr::If(branch) => self.branch(branch),
            Expr::Match(choice) => self.choice(choice),
            Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => self.repeat(expr),
            Expr::Block(block) => self.labelled(block.label.as_ref(), &block.block),
            Expr::Unsafe(block) => self.block(&block.block),
            Expr::Closure(closure) => self.closure(closure),
            Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => self.jump(expr),
            Expr::Await(future) => self.expr(&future.base),
            Expr::Let(binding) => {
                self.expr(&binding.expr);
                self.track.bind(&binding.pat, false);
            }
            Expr::Macro(mac) => self.mac(&mac.mac),
            Expr::Array(array) => self.exprs(&array.elems),
            Expr::Tuple(tuple) => self.exprs(&tuple.elems),
            Expr::Struct(literal) => {
                self.exprs(literal.fields.iter().map(|field| &field.expr));
                self.exprs(literal.rest.as_deref());
            }
            Expr::Range(range) => self.exprs(range.start.as_deref().into_iter().chain(range.end.as_deref())),
            Expr::Repeat(repeat) => self.expr(&repeat.expr),
            Expr::Cast(cast) => self.expr(&cast.expr),
            Expr::Try(inner) => self.expr(&inner.expr),
            Expr::Path(_) | Expr::Lit(_) | Expr::Infer(_) | Expr::Const(_) => {}
            other => self.track.escape_if_mentioned(other),
        }
    }

    /// Looks into what a place is reached through; reading a place is no use of the optimizer.
    fn below(&mut self, base: &Expr) {
        if self.track.relation(base) == Relation::Apart && Place::new(base).is_none() {
            self.expr(base);
        }
    }

    /// An expression whose value nobody keeps.
    fn discarded(&mut self, expr: &Expr) {
        match expr {
            Expr::Try(inner) => self.marked(attributes::of_expr(expr), |walk| walk.discarded(&inner.expr)),
            Expr::MethodCall(call) if self.track.relation(&call.receiver) == Relation::Same => {
                self.called(call, false);
            }
            other => self.expr(other),
        }
    }

    fn method(&mut self, expr: &Expr, call: &ExprMethodCall) {
        match self.track.relation(&call.receiver) {
            Relation::Same => self.called(call, true),
            Relation::Around => {
                self.exprs(&call.args);
                self.track.escape();
            }
            Relation::Apart => {
                self.below(&call.receiver);
                self.exprs(&call.args);
                self.backward(expr);
            }
        }
    }

    /// A method of the optimizer. `kept`: its value may hold on to it.
    fn called(&mut self, call: &ExprMethodCall, kept: bool) {
        self.exprs(&call.args);
        match Method::named(&call.method) {
            Some(method) => {
                if let Some(op) = method.op {
                    self.track.event(op, &call.method);
                    if op == Op::Backward && kept {
                        // `Scaled` and `Unscaled` have their order in their types.
                        self.track.escape();
                    }
                }
            }
            None => self.track.escape(),
        }
    }

    /// The backward of a loss, if it is one and this optimizer's.
    fn backward(&mut self, expr: &Expr) {
        if let Some(backward) = Backward::of(expr)
            && self.optimizers.of_backward(&self.marks) == Some(self.track.place)
        {
            self.track.event(Op::Backward, backward.name());
        }
    }

    fn mac(&mut self, mac: &Macro) {
        if let Some(read) = ReadMacro::new(mac) {
            self.exprs(&read.exprs);
        } else if !macros::holds_nothing(mac) {
            self.track.escape_if_mentioned(&mac.tokens);
        }
        if macros::diverges(mac) {
            self.track.states = States::NONE;
        }
    }
    fn branch(&mut self, branch: &ExprIf) {
        let mut otherwise = States::NONE;
        self.scope(|walk| {
            walk.expr(&branch.cond);
            otherwise = walk.track.states;
            walk.block(&branch.then_branch);
        });
        let then = self.track.states;
        if let Some((_, other)) = &branch.else_branch {
            otherwise = self.way(otherwise, |walk| walk.expr(other));
        }
        self.track.states = then.or(otherwise);
    }

    fn choice(&mut self, choice: &ExprMatch) {
        self.expr(&choice.expr);
        let mut falls = self.track.states;
        let mut out = States::NONE;
        for arm in &choice.arms {
            let mut refused = falls;
            let taken = self.way(falls, |walk| {
                walk.track.bind(&arm.pat, false);
                if let Pat::Guard(guard) = &arm.pat {
                    walk.expr(&guard.guard);
                    refused = refused.or(walk.track.states);
                }
                walk.expr(&arm.body);
            });
            out = out.or(taken);
            falls = refused;
        }
        self.track.states = out;
    }

    /// Until the states at the head grow no more; then once more, to report.
    fn repeat(&mut self, expr: &Expr) {
        if let Expr::ForLoop(each) = expr {
            self.expr(&each.expr);
        }
        let mut head = self.track.states;
        self.track.quiet += 1;
        let ended = loop {
            let (back, ended) = self.round(expr, head);
            let next = head.or(back);
            if next == head {
                break ended;
            }
            head = next;
        };
        self.track.quiet -= 1;
        // Inside a loop whose own states still grow there is nothing to report: it comes here again.
        self.track.states = if self.track.quiet > 0 { ended } else { self.round(expr, head).1 };
    }

    /// One round of a loop: what it leaves for the next round, and what leaves the loop.
    fn round(&mut self, expr: &Expr, head: States) -> (States, States) {
        let label = match expr {
            Expr::Loop(repeat) => &repeat.label,
            Expr::While(repeat) => &repeat.label,
            Expr::ForLoop(each) => &each.label,
            _ => &None,
        };
        self.frames.push(Frame::new(label.as_ref(), true));
        let mut ended = States::NONE;
        let end = self.way(head, |walk| match expr {
            Expr::Loop(repeat) => walk.block(&repeat.body),
            Expr::While(repeat) => {
                walk.expr(&repeat.cond);
                ended = walk.track.states;
                walk.block(&repeat.body);
            }
            Expr::ForLoop(each) => {
                ended = head;
                walk.track.bind(&each.pat, false);
                walk.block(&each.body);
            }
            _ => {}
        });
        let frame = self.frames.pop().unwrap_or_else(|| Frame::new(None, true));
        (end.or(frame.continues), ended.or(frame.breaks))
    }

    fn labelled(&mut self, label: Option<&Label>, block: &Block) {
        let Some(label) = label else { return self.block(block) };
        self.frames.push(Frame::new(Some(label), false));
        self.block(block);
        if let Some(frame) = self.frames.pop() {
            self.track.states = self.track.states.or(frame.breaks);
        }
    }

    /// `break`, `continue`, `return`: what comes after them is not reached.
    fn jump(&mut self, expr: &Expr) {
        let (label, value) = match expr {
            Expr::Break(jump) => (jump.label.as_ref(), jump.expr.as_deref()),
            Expr::Continue(jump) => (jump.label.as_ref(), None),
            Expr::Return(jump) => (None, jump.expr.as_deref()),
            _ => return,
        };
        self.exprs(value);
        let states = std::mem::take(&mut self.track.states);
        let is_target = |frame: &&mut Frame| match label {
            Some(label) => frame.label.as_ref() == Some(label),
            None => frame.is_loop,
        };
        let target = self.frames.iter_mut().rev().find(is_target);
        match (expr, target) {
            (Expr::Break(_), Some(frame)) => frame.breaks = frame.breaks.or(states),
            (Expr::Continue(_), Some(frame)) => frame.continues = frame.continues.or(states),
            _ => {}
        }
    }

    /// Who calls a closure, and when, is not known; but in it the calls have an order again.
    fn closure(&mut self, closure: &ExprClosure) {
        let frames = std::mem::take(&mut self.frames);
        let touched = std::mem::take(&mut self.track.touched);
        let outside = self.track.states;
        self.way(States::only(State::Unknown), |walk| {
            closure.inputs.iter().for_each(|input| walk.track.bind(input, false));
            walk.expr(&closure.body);
        });
        self.frames = frames;
        self.track.states = outside;
        if self.track.touched {
            self.track.forget();
        }
        self.track.touched |= touched;
    }
}

impl Frame {
    fn new(label: Option<&Label>, is_loop: bool) -> Self {
        let label = label.map(|label| label.name.clone());
        Self { label, is_loop, breaks: States::NONE, continues: States::NONE }
    }
}

/// Whether the expression is a wrapper's builder: `OptimWrapper::builder(..)....build(&vs)?`.
fn builds(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(call) => call.method == "build" || builds(&call.receiver),
        Expr::Try(inner) => builds(&inner.expr),
        _ => false,
    }
}
