//! `output = full`: what the function returns is cast at every return.
use crate::names::Names;
use crate::syntax::shape::{end, start};
use proc_macro2::TokenStream;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, Item, Stmt, token};

// Input:
//     if x.numel() == 0 { return x; }
//     x.matmul(&w)
// Output:
//     if x.numel() == 0 { return p::output_full(x); }
//     p::output_full(x.matmul(&w))
pub(super) fn full(block: &mut Block, names: &Names) {
    Returns { names }.visit_block_mut(block);
    if let Some(Stmt::Expr(tail, None)) = block.stmts.last_mut() {
        wrap(tail, names);
    }
}

/// Puts the expression into a call; its labels stay readable.
fn wrap(expr: &mut Expr, names: &Names) {
    let (first, last) = (start(expr), end(expr));
    let inner = std::mem::replace(expr, Expr::Verbatim(TokenStream::new()));
    *expr = Expr::Call(ExprCall {
        attrs: Vec::new(),
        func: Box::new(Expr::Verbatim(names.path("output_full", first))),
        paren_token: token::Paren(last),
        args: std::iter::once(inner).collect(),
    });
}

struct Returns<'a> {
    names: &'a Names,
}

impl VisitMut for Returns<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_closure_mut(&mut self, _: &mut syn::ExprClosure) {
        // A closure's return is its own, and so is that of an `async` block.
    }

    fn visit_expr_async_mut(&mut self, _: &mut syn::ExprAsync) {}

    fn visit_expr_return_mut(&mut self, inner: &mut syn::ExprReturn) {
        visit_mut::visit_expr_return_mut(self, inner);
        if let Some(expr) = &mut inner.expr {
            wrap(expr, self.names);
        }
    }
}
