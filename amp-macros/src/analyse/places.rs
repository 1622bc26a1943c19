//! What is written to: names, what lies in them, and what is lent out.
use super::borrow::Borrow;
use super::context::Context;
use super::value::Value;
use super::writes::{self, Writes};
use crate::syntax::shape;
use syn::{Expr, Pat};

impl<'a> Context<'a> {
    /// A place that is borrowed for writing.
    pub(super) fn lend(&mut self, place: &'a Expr) -> Value {
        let value = self.expr(place);
        if let Some(name) = shape::root(place) {
            self.scope.blur(&name.to_string());
        }
        value.blurred()
    }

    /// What patterns are matched with.
    pub(super) fn matched<'p>(&mut self, expr: &'a Expr, pats: impl IntoIterator<Item = &'p Pat>) -> Value {
        if pats.into_iter().any(writes::borrows) { self.lend(expr) } else { self.expr(expr) }
    }

    /// Whether what is matched, or its items, are exclusive references.
    pub(super) fn borrow(&self, expr: &Expr) -> Borrow {
        Borrow::of(expr, &|name| self.scope.borrow(name))
    }

    /// What is evaluated within the place that is assigned to.
    pub(super) fn target(&mut self, place: &'a Expr) {
        match place {
            Expr::Path(_) | Expr::Infer(_) => {}
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|place| self.target(place)),
            place => drop(self.expr(place)),
        }
    }

    /// A name holds what is assigned to it; of what lies in it, or behind it, nothing is known any more.
    pub(super) fn assign(&mut self, place: &Expr, value: &Value) {
        match place {
            Expr::Paren(paren) => self.assign(&paren.expr, value),
            Expr::Group(group) => self.assign(&group.expr, value),
            Expr::Tuple(tuple) => {
                let rest = tuple.elems.iter().position(|place| matches!(place, Expr::Range(_)));
                for (index, place) in tuple.elems.iter().enumerate() {
                    let known = rest.is_none_or(|rest| index < rest);
                    self.assign(place, &if known { value.element(index) } else { Value::UNKNOWN });
                }
            }
            Expr::Path(_) => {
                if let Some(name) = shape::name(place) {
                    self.scope.set(&name.to_string(), value.clone());
                }
            }
            place => self.scope.forget(&Writes::of_target(place)),
        }
    }
}
