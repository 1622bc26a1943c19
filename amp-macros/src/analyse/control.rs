//! What decides what runs next: branches, loops, closures and blocks that are left early.
use super::borrow::Borrow;
use super::context::Context;
use super::scope::refined;
use super::value::Value;
use super::writes::Writes;
use crate::plan::{Fact, Held, Join};
use syn::{Block, Expr, Pat};

impl<'a> Context<'a> {
    /// What decides what runs next.
    pub(super) fn control(&mut self, expr: &'a Expr) -> Value {
        match expr {
            Expr::Block(inner) if inner.label.is_some() => self.left_early(&inner.block),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::If(branch) => {
                self.scope.push();
                self.expr(&branch.cond);
                let fork = self.scope.fork();
                let then = self.block(&branch.then_branch);
                self.scope.pop();
                let on_then = self.scope.rewind(fork);
                let otherwise = match &branch.else_branch {
                    Some((_, otherwise)) => self.expr(otherwise),
                    None => Value::NOT_TENSOR,
                };
                let on_else = self.scope.rewind(fork);
                let arms = [(then, on_then.diverged), (otherwise, on_else.diverged)];
                self.scope.merge(vec![on_then, on_else]);
                self.joined(branch.if_token.span, arms)
            }
            Expr::Match(matching) => {
                let borrow = self.borrow(&matching.expr);
                let value = self.matched(&matching.expr, matching.arms.iter().map(|arm| &arm.pat));
                // A guard that fails has run before the arms that follow.
                let guards = matching.arms.iter().filter_map(|arm| match &arm.pat {
                    Pat::Guard(guard) => Some(&*guard.guard),
                    _ => None,
                });
                self.scope.forget(&Writes::of(self.labelled, None, guards));
                let fork = self.scope.fork();
                let mut branches = Vec::new();
                let mut arms = Vec::new();
                for arm in &matching.arms {
                    self.scope.push();
                    self.scope.bind(&arm.pat, &value, borrow);
                    if let Pat::Guard(guard) = &arm.pat {
                        self.expr(&guard.guard);
                    }
                    let result = self.expr(&arm.body);
                    self.scope.pop();
                    let branch = self.scope.rewind(fork);
                    arms.push((result, branch.diverged));
                    branches.push(branch);
                }
                self.scope.merge(branches);
                self.joined(matching.match_token.span, arms)
            }
            Expr::Loop(inner) => self.repeat(&inner.body, None, |_| ()),
            Expr::While(inner) => {
                self.repeat(&inner.body, Some(&inner.cond), |walk| drop(walk.expr(&inner.cond)))
            }
            Expr::ForLoop(inner) => {
                let borrow = self.borrow(&inner.expr).inside();
                let items = self.matched(&inner.expr, [&*inner.pat]).inside();
                self.repeat(&inner.body, None, |walk| walk.scope.bind(&inner.pat, &items, borrow))
            }
            Expr::Closure(closure) if closure.asyncness.is_none() => self.closure(closure),
            Expr::Return(inner) => self.leave(inner.expr.as_deref()),
            Expr::Break(inner) => self.leave(inner.expr.as_deref()),
            Expr::Continue(_) => self.leave(None),
            // Another thread's, a constant's, or syntax of the future: left as written.
            other => {
                self.scope.forget(&Writes::of(self.labelled, None, [other]));
                Value::UNKNOWN
            }
        }
    }

    /// What may run, or may not.
    pub(super) fn perhaps(&mut self, walk: impl FnOnce(&mut Self)) {
        let fork = self.scope.fork();
        walk(self);
        let ran = self.scope.rewind(fork);
        let skipped = self.scope.rewind(fork);
        self.scope.merge(vec![ran, skipped]);
    }

    /// A block that `break` may leave from anywhere in it.
    fn left_early(&mut self, block: &'a Block) -> Value {
        let diverged = self.scope.diverged;
        self.block(block);
        self.scope.diverged = diverged;
        self.scope.forget(&Writes::of(self.labelled, Some(block), None));
        Value::UNKNOWN
    }

    fn leave(&mut self, value: Option<&'a Expr>) -> Value {
        value.map(|value| self.expr(value));
        self.scope.diverged = true;
        Value::UNKNOWN
    }

    /// The value of a branch: what all arms that end agree on.
    fn joined(&mut self, span: proc_macro2::Span, arms: impl IntoIterator<Item = (Value, bool)>) -> Value {
        let ending = arms.into_iter().filter(|(_, diverged)| !diverged).map(|(value, _)| value);
        let values: Vec<Value> = ending.collect();
        let facts: Vec<Fact> = values.iter().map(Value::fact).collect();
        let differ = facts.windows(2).any(|pair| pair[0].held != pair[1].held);
        if differ && facts.iter().all(|fact| fact.held != Held::Unknown) {
            self.plan.joins.push(Join { span, arms: facts });
        }
        values.into_iter().reduce(|all, value| all.join(&value)).unwrap_or(Value::UNKNOWN)
    }

    fn repeat(
        &mut self,
        body: &'a Block,
        condition: Option<&'a Expr>,
        head: impl FnOnce(&mut Self),
    ) -> Value {
        self.scope.forget(&Writes::of(self.labelled, Some(body), condition));
        let fork = self.scope.fork();
        self.scope.push();
        self.fence();
        head(self);
        self.block(body);
        self.path.pop();
        self.scope.pop();
        self.scope.rewind(fork);
        Value::UNKNOWN
    }

    fn closure(&mut self, closure: &'a syn::ExprClosure) -> Value {
        self.scope.forget(&Writes::of(self.labelled, None, [&*closure.body]));
        let fork = self.scope.fork();
        let outer = self.body;
        self.scope.push();
        for input in &closure.inputs {
            let value = match input {
                Pat::Type(typed) => refined(&typed.ty, &Value::UNKNOWN),
                _ => Value::UNKNOWN,
            };
            self.scope.bind(input, &value, Borrow::Nowhere);
        }
        self.fence();
        if let Expr::Block(body) = &*closure.body {
            self.enter_body(&body.block);
            self.block(&body.block);
        }
        self.path.pop();
        self.scope.pop();
        self.body = outer;
        self.scope.rewind(fork);
        Value::NOT_TENSOR
    }
}
