//! When a pass fails: the errors, and the user's function untouched, so that the editor and rustc go on working.
use crate::errors::Errors;
use crate::syntax::marks;
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ImplItemFn, Item, Local, StmtMacro};

/// The item as written, without the marks that only `#[amp]` understands.
pub(crate) fn item(item: &TokenStream, errors: Errors) -> TokenStream {
    let Ok(mut unmarked) = syn::parse2::<Item>(item.clone()) else { return tokens(item, errors) };
    Unmark.visit_item_mut(&mut unmarked);
    tokens(&quote!(#unmarked), errors)
}

/// Tokens that do not parse, as they came.
pub(crate) fn tokens(item: &TokenStream, errors: Errors) -> TokenStream {
    // The item comes first: an editor takes the first token of a span for the user's.
    let errors = errors.finish();
    quote!(#item #errors)
}

struct Unmark;

impl VisitMut for Unmark {
    fn visit_impl_item_fn_mut(&mut self, method: &mut ImplItemFn) {
        marks::strip(&mut method.attrs);
        visit_mut::visit_impl_item_fn_mut(self, method);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        marks::strip(&mut local.attrs);
        visit_mut::visit_local_mut(self, local);
    }

    fn visit_stmt_macro_mut(&mut self, stmt: &mut StmtMacro) {
        marks::strip(&mut stmt.attrs);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some(attrs) = marks::attributes(expr) {
            marks::strip(attrs);
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}
