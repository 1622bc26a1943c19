//! Every backward of the body, before any path is followed: whose it is, and whether it can be wired.
use super::attributes::{self, Mark};
use super::calls::Backward;
use super::mistakes;
use super::optimizers::Optimizers;
use crate::errors::{Errors, Message};
use crate::syntax::macros::{self, ReadMacro};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Item, Local, Macro};

/// Reports the backwards that belong to nobody or stand where they cannot be seen; whether there are none.
pub(super) fn survey(block: &Block, optimizers: &Optimizers, errors: &mut Errors) -> bool {
    let mut survey = Survey { optimizers, errors, marks: Vec::new(), clear: true };
    survey.visit_block(block);
    survey.clear
}

struct Survey<'a> {
    optimizers: &'a Optimizers,
    errors: &'a mut Errors,
    marks: Vec<Mark>,
    /// Whether nothing was reported.
    clear: bool,
}

impl Survey<'_> {
    fn under(&mut self, mark: Option<Mark>, inside: impl FnOnce(&mut Self)) {
        match mark {
            Some(Mark::Skip) => {}
            Some(mark) => {
                self.marks.push(mark);
                inside(self);
                self.marks.pop();
            }
            None => inside(self),
        }
    }

    fn report(&mut self, span: Span, message: Message) {
        self.clear = false;
        self.errors.push(span, message);
    }

    fn unseen(&mut self, tokens: &impl ToTokens, where_to: &str) {
        if let Some(span) = backward_among(tokens.to_token_stream()) {
            self.report(span, mistakes::unseen(where_to));
        }
    }
}

impl<'ast> Visit<'ast> for Survey<'_> {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_local(&mut self, local: &'ast Local) {
        self.under(attributes::mark(&local.attrs), |survey| visit::visit_local(survey, local));
    }

    fn visit_stmt_macro(&mut self, stmt: &'ast syn::StmtMacro) {
        self.under(attributes::mark(&stmt.attrs), |survey| survey.visit_macro(&stmt.mac));
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.under(attributes::of_expr(expr), |survey| {
            match expr {
                Expr::Async(block) => return survey.unseen(block, "an `async` block"),
                Expr::Closure(closure) if closure.asyncness.is_some() => {
                    return survey.unseen(closure, "an `async` closure");
                }
                Expr::Const(_) => return,
                _ => {}
            }
            if let Some(backward) = Backward::of(expr)
                && survey.marks.is_empty()
                && survey.optimizers.of_backward(&[]).is_none()
            {
                survey.report(backward.name().span(), mistakes::whose(&survey.optimizers.places));
            }
            visit::visit_expr(survey, expr);
        });
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(read) = ReadMacro::new(mac) {
            // Read tokens are no part of the tree: they have a visit of their own.
            for expr in &read.exprs {
                let marks = std::mem::take(&mut self.marks);
                let mut inner =
                    Survey { optimizers: self.optimizers, errors: &mut *self.errors, marks, clear: true };
                inner.visit_expr(expr);
                self.marks = inner.marks;
                self.clear &= inner.clear;
            }
        } else if !macros::holds_nothing(mac) {
            self.unseen(&mac.tokens, &format!("`{}!`", attributes::written(&mac.path)));
        }
    }
}

/// Where `.backward()` or `.f_backward()` stands among tokens.
fn backward_among(tokens: TokenStream) -> Option<Span> {
    let mut dotted = false;
    let mut name: Option<proc_macro2::Ident> = None;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Parenthesis
                    && group.stream().is_empty()
                    && let Some(name) = name
                {
                    return Some(name.span());
                }
                if let Some(span) = backward_among(group.stream()) {
                    return Some(span);
                }
                (dotted, name) = (false, None);
            }
            TokenTree::Ident(ident) => {
                let found = dotted && (ident == "backward" || ident == "f_backward");
                (dotted, name) = (false, found.then_some(ident));
            }
            TokenTree::Punct(punct) => (dotted, name) = (punct.as_char() == '.', None),
            TokenTree::Literal(_) => (dotted, name) = (false, None),
        }
    }
    None
}
