//! Walks a body in the order in which it runs.
use super::context::Context;
use super::merge::{assigned, assigned_in};
use super::scope::{Scope, parameter, refined};
use super::share::{Step, Uses};
use super::value::Value;
use crate::args::Args;
use crate::plan::{Call, Fact, Held, Island, Join, Plan};
use crate::policy::Class;
use crate::syntax::labels::{self, Labelled};
use crate::syntax::marks::{self, Mark};
use crate::syntax::{macros, shape};
use syn::spanned::Spanned;
use syn::{BinOp, Block, Expr, FnArg, Macro, Signature, Stmt, UnOp};

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
            walk.scope.bind(&typed.pat, &parameter(&typed.ty));
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
            Stmt::Local(local) => {
                let mark = marks::mark(&local.attrs);
                let value = self.in_island(mark, |walk| match &local.init {
                    Some(init) => {
                        let value = walk.expr(&init.expr);
                        if let Some((_, otherwise)) = &init.diverge {
                            let fork = walk.scope.fork();
                            walk.expr(otherwise);
                            walk.scope.rewind(fork);
                        }
                        value
                    }
                    None => Value::UNKNOWN,
                });
                self.scope.bind(&local.pat, &value);
                None
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
            Expr::Reference(inner) => {
                let value = self.expr(&inner.expr);
                if let (true, Some(name)) = (inner.mutability.is_some(), shape::name(&inner.expr)) {
                    self.scope.blur([&name.to_string()]);
                    return value.blurred();
                }
                value
            }
            Expr::Unary(unary) => {
                let value = self.expr(&unary.expr);
                if matches!(unary.op, UnOp::Not(_)) { Value::UNKNOWN } else { value }
            }
            Expr::Binary(binary) => {
                self.looked_at += 1;
                let (left, right) = self.operands(binary);
                self.binary(binary, &left, &right)
            }
            Expr::Assign(assign) => {
                let value = self.expr(&assign.right);
                match shape::name(&assign.left) {
                    Some(name) => self.scope.set(&name.to_string(), value),
                    None => drop(self.expr(&assign.left)),
                }
                Value::NOT_TENSOR
            }
            Expr::MethodCall(call) => {
                self.looked_at += 1;
                let receiver = self.expr(&call.receiver);
                let arguments = self.all(&call.args);
                self.method_call(call, receiver, &arguments)
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
                let value = self.expr(&condition.expr);
                self.scope.bind(&condition.pat, &value);
                Value::NOT_TENSOR
            }
            _ => self.control(expr),
        }
    }

    /// The sides of an operator, in the order in which they run.
    fn operands(&mut self, binary: &'a syn::ExprBinary) -> (Value, Value) {
        let assigns = matches!(
            binary.op,
            BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_)
        );
        if assigns {
            let right = self.expr(&binary.right);
            (self.expr(&binary.left), right)
        } else {
            let left = self.expr(&binary.left);
            (left, self.expr(&binary.right))
        }
    }

    /// What decides what runs next.
    fn control(&mut self, expr: &'a Expr) -> Value {
        match expr {
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
                let value = self.expr(&matching.expr);
                let fork = self.scope.fork();
                let mut branches = Vec::new();
                let mut arms = Vec::new();
                for arm in &matching.arms {
                    self.scope.push();
                    self.scope.bind(&arm.pat, &value);
                    if let syn::Pat::Guard(guard) = &arm.pat {
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
            Expr::Loop(inner) => self.repeat(&inner.body, |_| ()),
            Expr::While(inner) => self.repeat(&inner.body, |walk| drop(walk.expr(&inner.cond))),
            Expr::ForLoop(inner) => {
                let items = self.expr(&inner.expr).inside();
                self.repeat(&inner.body, |walk| walk.scope.bind(&inner.pat, &items))
            }
            Expr::Closure(closure) => self.closure(closure),
            Expr::Return(inner) => self.leave(inner.expr.as_deref()),
            Expr::Break(inner) => self.leave(inner.expr.as_deref()),
            Expr::Continue(_) => self.leave(None),
            // Another thread's, a constant's, or syntax of the future: left as written.
            _ => Value::UNKNOWN,
        }
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

    fn repeat(&mut self, body: &'a Block, head: impl FnOnce(&mut Self)) -> Value {
        let written = assigned(body);
        self.scope.blur(&written);
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
        let written = assigned_in(&closure.body);
        self.scope.blur(&written);
        let fork = self.scope.fork();
        let outer = self.body;
        self.scope.push();
        for input in &closure.inputs {
            let value = match input {
                syn::Pat::Type(typed) => refined(&typed.ty, &Value::UNKNOWN),
                _ => Value::UNKNOWN,
            };
            self.scope.bind(input, &value);
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

    fn path_value(&mut self, path: &'a syn::ExprPath) -> Value {
        if let Some(name) = path.path.get_ident() {
            let name = name.to_string();
            return match self.scope.value(&name) {
                Some(value) => value.clone(),
                None if name == "None" => Value::NOT_TENSOR,
                None => Value::UNKNOWN,
            };
        }
        if let Some(op) = super::calls::tensor_function(path, None)
            && matches!(
                op.class,
                Class::Low | Class::Full | Class::FullOutput | Class::Widest | Class::Banned
            )
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
            self.scope.diverged |= macros::diverges(mac);
            return Value::UNKNOWN;
        };
        let labelled = self.labelled;
        let values = self.all(&labelled.macros[number].exprs);
        self.scope.diverged |= macros::diverges(mac);
        if macros::is_list(mac) { list(&values) } else { Value::UNKNOWN }
    }
}

/// A list of values.
fn list(values: &[Value]) -> Value {
    let all = values.iter().cloned().reduce(|all, value| all.join(&value));
    Value::Each(all.map_or(Fact::UNKNOWN, |value| value.fact()))
}
