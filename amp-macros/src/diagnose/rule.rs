//! What a rule is, and what it may look at.
use super::limits::Limits;
use super::names::Names;
use crate::args::Args;
use crate::errors::Errors;
use crate::plan::{Call, Fact, Island, Plan};
use crate::policy::Class;
use crate::syntax::labels;
use crate::syntax::shape::bare;
use syn::Expr;

/// Whether a rule is on where the attribute does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Deny,
    Allow,
}

/// One mistake that can be seen while compiling.
pub(crate) struct Rule {
    /// As in `allow(..)`, and in brackets after a message.
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    /// Its page: the first line says what it catches.
    pub(crate) doc: &'static str,
    pub(crate) check: fn(&Facts<'_>, &mut Errors),
}

/// What is known of one function.
pub(crate) struct Facts<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) args: &'a Args,
    pub(crate) names: Names<'a>,
}

impl<'a> Facts<'a> {
    /// The calls that the policy reaches: all but those in `#[amp(skip)]`.
    pub(super) fn calls(&self) -> impl Iterator<Item = &'a Call<'a>> {
        self.plan.calls.iter().filter(|call| call.island != Island::Skip)
    }

    /// What literals are checked against.
    pub(super) fn limits(&self) -> Limits {
        Limits::of(self.args.precision)
    }

    /// The call whose result an expression is: seen through names that are bound once, through `?` and through views.
    pub(super) fn maker(&self, expr: &'a Expr) -> Option<&'a Call<'a>> {
        let mut expr = bare(expr);
        // Names are bound before they are used, so this ends; the number is for code that does not compile.
        for _ in 0..64 {
            let label = match expr {
                Expr::Path(path) => {
                    expr = bare(self.names.bound(path)?);
                    continue;
                }
                Expr::Try(inner) => {
                    expr = bare(&inner.expr);
                    continue;
                }
                Expr::MethodCall(call) => {
                    if matches!(
                        call.method.to_string().as_str(),
                        "unwrap" | "expect" | "shallow_clone" | "copy"
                    ) {
                        expr = bare(&call.receiver);
                        continue;
                    }
                    labels::label(&call.attrs)?
                }
                Expr::Call(call) => labels::label(&call.attrs)?,
                Expr::Binary(binary) => labels::label(&binary.attrs)?,
                _ => return None,
            };
            let call = &self.plan.calls[*self.plan.by_label.get(&label)?];
            if !call.op.is_some_and(|op| op.view) {
                return Some(call);
            }
            expr = bare(call.operands.first()?);
        }
        None
    }

    /// For a note: the operation that gave a value its precision.
    pub(super) fn since(&self, fact: Fact) -> String {
        let call = fact.since.and_then(|index| self.plan.calls.get(index));
        let held = if fact.is_low() { "low" } else { "f32" };
        call.map_or_else(String::new, |call| format!("; {held} since `{}`", call.name))
    }
}

/// A call's name without the `f_` or `g_` of tch's twins.
pub(super) fn plain_name<'c>(call: &'c Call<'_>) -> &'c str {
    let name = call.name.as_str();
    name.strip_prefix("f_").or_else(|| name.strip_prefix("g_")).unwrap_or(name)
}

/// Whether an operand is low and reaches the kernel as it is.
pub(super) fn stays_low(call: &Call<'_>, operand: usize) -> bool {
    call.facts.get(operand).is_some_and(|fact| fact.is_low())
        && matches!(call.class, None | Some(Class::Follow | Class::Low))
}
