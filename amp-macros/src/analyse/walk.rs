//! Walks a body in the order in which it runs.
use super::borrow::Borrow;
use super::context::Context;
use super::scope::{Scope, parameter};
use super::share::{Step, Uses};
use super::value::Value;
use super::writes::{self, Writes};
use crate::args::Args;
use crate::plan::{Call, Fact, Island, Plan};
use crate::policy::Class;
use crate::syntax::labels::{self, Labelled};
use crate::syntax::marks::{self, Mark};
use crate::syntax::{macros, shape};
use syn::spanned::Spanned;
use syn::{BinOp, Block, Expr, FnArg, Local, Macro, Signature, Stmt, UnOp};

/// Analyses a whole function.
pub(super) fn function<'a>(sig: &'a Signature, labelled: &'a Labelled, args: &'a Args) -> Plan<'a> {
    let mut walk = Context {
        args,
        labelled,
        plan: Plan::default(),
        scope: Scope::default(),
        uses: Uses::default(),
        islands: Vec::new(),
        path: Vec::new(),
        fences: 0,
        looked_at: 0,
        body: 0,
    };
    walk.scope.push();
    for input in &sig.inputs {
        if let FnArg::Typed(typed) = input {
            walk.scope.bind(&typed.pat, &parameter(&typed.ty), Borrow::of_type(&typed.ty));
        }
    }
    walk.enter_body(&labelled.block);
    walk.block(&labelled.block);
    let Context { mut plan, uses, .. } = walk;
    uses.share(&mut plan);
    plan
}

impl<'a> Context<'a> {
    pub(super) fn block(&mut self, block: &'a Block) -> Value {
        self.scope.push();
        self.path.push(Step::Block(labels::block_number(block).unwrap_or_default()));
        let mut value = Value::NOT_TENSOR;
        for (index, stmt) in block.stmts.iter().enumerate() {
            let last = index + 1 == block.stmts.len();
            value = match self.stmt(stmt) {
                Some(tail) if last => tail,
                _ => Value::NOT_TENSOR,
            };
        }
        self.path.pop();
        self.scope.pop();
        value
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Option<Value> {
        match stmt {
            Stmt::Local(local) if marks::is_conditional(&local.attrs) => {
                let mut value = Value::UNKNOWN;
                self.perhaps(|walk| value = walk.initial(local));
                // Where it is configured away, the name is another's, perhaps of another precision, and is written to by what follows.
                for name in writes::bound(&local.pat) {
                    self.scope.blur(&name);
                }
                self.declare(local, &value.blurred());
                None
            }
            Stmt::Local(local) => {
                let value = self.initial(local);
                self.declare(local, &value);
                None
            }
            Stmt::Macro(stmt) if marks::is_conditional(&stmt.attrs) => {
                let mark = marks::mark(&stmt.attrs);
                self.perhaps(|walk| drop(walk.in_island(mark, |walk| walk.macro_call(&stmt.mac))));
                stmt.semi_token.is_none().then_some(Value::UNKNOWN)
            }
            Stmt::Expr(expr, None) => Some(self.expr(expr)),
            Stmt::Expr(expr, Some(_)) => {
                self.expr(expr);
                None
            }
            Stmt::Macro(stmt) => {
                let value = self.in_island(marks::mark(&stmt.attrs), |walk| walk.macro_call(&stmt.mac));
                stmt.semi_token.is_none().then_some(value)
            }
            Stmt::Item(_) => None,
        }
    }

    /// What a `let` begins with.
    fn initial(&mut self, local: &'a Local) -> Value {
        self.in_island(marks::mark(&local.attrs), |walk| {
            let Some(init) = &local.init else { return Value::UNKNOWN };
            let value = walk.matched(&init.expr, [&local.pat]);
            if let Some((_, otherwise)) = &init.diverge {
                let fork = walk.scope.fork();
                walk.expr(otherwise);
                walk.scope.rewind(fork);
            }
            value
        })
    }

    fn declare(&mut self, local: &Local, value: &Value) {
        let borrow = local.init.as_ref().map_or(Borrow::Nowhere, |init| self.borrow(&init.expr));
        self.scope.bind(&local.pat, value, borrow);
    }

    fn in_island(&mut self, mark: Option<Mark>, walk: impl FnOnce(&mut Self) -> Value) -> Value {
        let Some(mark) = mark else { return walk(self) };
        // Nothing inside brings back what `skip` took away.
        let skipped = self.island() == Island::Skip;
        self.islands.push(if skipped { Island::Skip } else { mark.island });
        let before = (self.looked_at, self.plan.calls.len());
        let value = walk(self);
        self.islands.pop();
        // `full` and `skip` also suspend autocast for what cannot be seen; `low` is about sites alone.
        let changes = match mark.island {
            Island::Low => self.plan.calls[before.1..].iter().any(Call::is_site),
            _ => self.looked_at > before.0,
        };
        if skipped || !changes {
            self.plan.unused_marks.push(mark.span);
        }
        value
    }

    pub(super) fn expr(&mut self, expr: &'a Expr) -> Value {
        if marks::is_conditional(marks::leading(expr)) {
            self.perhaps(|walk| drop(walk.in_island(marks::of(expr), |walk| walk.inner(expr))));
            return Value::UNKNOWN;
        }
        self.in_island(marks::of(expr), |walk| walk.inner(expr))
    }

    fn all(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<Value> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn inner(&mut self, expr: &'a Expr) -> Value {
        match expr {
            Expr::Lit(_) | Expr::Infer(_) => Value::NOT_TENSOR,
            Expr::Path(path) => self.path_value(path),
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_some() => self.lend(&inner.expr),
            Expr::Reference(inner) => self.expr(&inner.expr),
            Expr::RawAddr(inner) => self.lend(&inner.expr),
            Expr::Unary(unary) => {
                let value = self.expr(&unary.expr);
                if matches!(unary.op, UnOp::Not(_)) { Value::UNKNOWN } else { value }
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                self.expr(&binary.left);
                self.perhaps(|walk| drop(walk.expr(&binary.right)));
                Value::NOT_TENSOR
            }
            Expr::Binary(binary) => {
                self.looked_at += 1;
                let (left, right) = self.operands(binary);
                self.binary(binary, &left, &right)
            }
            Expr::Assign(assign) => {
                let value = self.expr(&assign.right);
                self.target(&assign.left);
                self.assign(&assign.left, &value);
                Value::NOT_TENSOR
            }
            Expr::MethodCall(call) => {
                self.looked_at += 1;
                let receiver = self.expr(&call.receiver);
                let arguments = self.all(&call.args);
                let value = self.method_call(call, receiver, &arguments);
                self.scope.forget(&Writes::of_call(call));
                value
            }
            Expr::Call(call) => {
                self.looked_at += 1;
                if !matches!(*call.func, Expr::Path(_)) {
                    self.expr(&call.func);
                }
                let arguments = self.all(&call.args);
                self.function_call(call, &arguments)
            }
            Expr::Macro(mac) => self.macro_call(&mac.mac),
            Expr::Field(field) => {
                let base = self.expr(&field.base);
                match &field.member {
                    syn::Member::Unnamed(index) if matches!(base, Value::Tuple(_) | Value::Each(_)) => {
                        base.element(index.index as usize)
                    }
                    _ => Value::UNKNOWN,
                }
            }
            Expr::Index(index) => {
                let base = self.expr(&index.expr);
                self.expr(&index.index);
                if matches!(base, Value::Each(_)) { base.inside() } else { Value::UNKNOWN }
            }
            Expr::Tuple(tuple) => Value::Tuple(self.all(&tuple.elems)),
            Expr::Array(array) => list(&self.all(&array.elems)),
            Expr::Repeat(repeat) => Value::Each(self.expr(&repeat.expr).fact()),
            Expr::Struct(item) => {
                self.all(item.fields.iter().map(|field| &field.expr));
                item.rest.as_ref().map(|rest| self.expr(rest));
                Value::UNKNOWN
            }
            Expr::Range(range) => {
                self.all(range.start.as_deref().into_iter().chain(range.end.as_deref()));
                Value::NOT_TENSOR
            }
            Expr::Cast(cast) => {
                self.expr(&cast.expr);
                Value::NOT_TENSOR
            }
            Expr::Try(inner) => self.expr(&inner.expr).inside(),
            Expr::Let(condition) => {
                let value = self.matched(&condition.expr, [&*condition.pat]);
                let borrow = self.borrow(&condition.expr);
                self.scope.bind(&condition.pat, &value, borrow);
                Value::NOT_TENSOR
            }
            _ => self.control(expr),
        }
    }

    /// The sides of an operator, in the order in which they run.
    fn operands(&mut self, binary: &'a syn::ExprBinary) -> (Value, Value) {
        if writes::assigns(&binary.op) {
            let right = self.expr(&binary.right);
            (self.expr(&binary.left), right)
        } else {
            let left = self.expr(&binary.left);
            (left, self.expr(&binary.right))
        }
    }

    fn path_value(&mut self, path: &'a syn::ExprPath) -> Value {
        if let Some(name) = path.path.get_ident() {
            let name = name.to_string();
            return match self.scope.value(&name) {
                Some(value) => value.clone(),
                // What it may hold later is not known.
                None if name == "None" => Value::Each(Fact::UNKNOWN),
                None => Value::UNKNOWN,
            };
        }
        if let Some(op) = super::calls::tensor_function(path, None)
            && matches!(
                op.class,
                Class::Low | Class::Full | Class::FullOutput | Class::Widest | Class::Banned
            )
            && !op.is_unlisted()
            && self.island() != Island::Skip
        {
            self.plan.unseen.push((path.span(), op.name.to_owned()));
        }
        if shape::kind_literal(&Expr::Path(path.clone())).is_some() {
            Value::NOT_TENSOR
        } else {
            Value::UNKNOWN
        }
    }

    fn macro_call(&mut self, mac: &'a Macro) -> Value {
        self.looked_at += usize::from(!labels::is_label(mac));
        let Some(number) = labels::macro_number(mac) else {
            if labels::is_label(mac) {
                return Value::NOT_TENSOR;
            }
            if self.island() != Island::Skip && !macros::holds_nothing(mac) {
                self.unseen(mac);
            }
            self.scope.forget(&Writes::of_tokens(mac));
            self.scope.diverged |= macros::diverges(mac);
            return Value::UNKNOWN;
        };
        let labelled = self.labelled;
        let exprs = &labelled.macros[number].exprs;
        if macros::is_list(mac) {
            return list(&self.all(exprs));
        }
        // What is in `debug_assert!` or in a message may not run, and `name = value` is an argument.
        self.perhaps(|walk| drop(walk.all(exprs)));
        self.scope.forget(&Writes::of(labelled, None, exprs));
        self.scope.forget(&Writes::of_pattern(&labelled.macros[number]));
        self.scope.diverged |= macros::diverges(mac);
        Value::UNKNOWN
    }
}

/// A list of values.
fn list(values: &[Value]) -> Value {
    let all = values.iter().cloned().reduce(|all, value| all.join(&value));
    Value::Each(all.map_or(Fact::UNKNOWN, |value| value.fact()))
}
