//! Which names a loop or a closure writes to.
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Item};

use crate::syntax::shape::name;

/// The names that are assigned to, or lent out to be, in a block.
pub(super) fn assigned(block: &Block) -> BTreeSet<String> {
    let mut names = Names::default();
    names.visit_block(block);
    names.0
}

/// The same for an expression.
pub(super) fn assigned_in(expr: &Expr) -> BTreeSet<String> {
    let mut names = Names::default();
    names.visit_expr(expr);
    names.0
}

#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn add(&mut self, target: &Expr) {
        match target {
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|target| self.add(target)),
            target => {
                if let Some(name) = name(target) {
                    self.0.insert(name.to_string());
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Assign(assign) => self.add(&assign.left),
            Expr::Binary(binary)
                if matches!(
                    binary.op,
                    BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_)
                ) =>
            {
                self.add(&binary.left);
            }
            Expr::Reference(reference) if reference.mutability.is_some() => self.add(&reference.expr),
            _ => {}
        }
        visit::visit_expr(self, expr);
    }
}
