//! Layer calls: the layer's type says what happens to the input.
use super::cast::{borrowed_again, shared, without_parens};
use super::state::Rewrite;
use crate::names::{binding, parenthesized};
use crate::plan::Island;
use crate::syntax::shape::{end, is_place, start};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprMethodCall};

impl Rewrite<'_> {
    pub(super) fn layer(&mut self, expr: &mut Expr, index: usize) {
        self.sites.changed += 1;
        let Expr::MethodCall(call) = expr else { return };
        if call.method.to_string().starts_with("apply") {
            self.apply(call, index);
        } else {
            self.forward(expr, index);
        }
    }

    // Input:
    //     xs.apply(&self.conv)
    // Output:
    //     p::Place(&xs).amp_at(&__AMP_LAYERS[0], &mut p::Slot::new()).apply(&self.conv)
    fn apply(&mut self, call: &mut ExprMethodCall, index: usize) {
        let layer = &self.plan.layers[index];
        let (place, first, last) = (is_place(&call.receiver), start(&call.receiver), end(&call.receiver));
        let argument = (start(&call.args[0]), end(&call.args[0]));
        self.visit_expr_mut(&mut call.receiver);
        call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
        let inner = without_parens(&call.receiver);
        let held = self.names.receiver(inner, place, first, last);
        let word = match (layer.island, layer.slot) {
            (Island::Full, _) => "amp_at_full",
            (_, Some(_)) => "amp_at_shared",
            (_, None) => "amp_at",
        };
        let word = Ident::new(word, last);
        let (record, slot) = (record(index, last), self.names.slot(last));
        let shared = shared(layer.slot.filter(|_| layer.island != Island::Full), last);
        let group = parenthesized(quote_spanned!(last=> #record, #slot #shared), last);
        *call.receiver = Expr::Verbatim(quote_spanned!(last=> #held.#word #group));
        if self.known_layers {
            call.args[0] = self.names.wrap("known", None, &call.args[0], argument.0, argument.1);
        }
    }

    // Input:
    //     self.conv.forward(&xs)
    // Output:
    //     p::called(__amp_c0.look(&self.conv, &__AMP_LAYERS[0]), &__amp_c0,
    //         self.conv.forward(p::Value(&xs).amp_input(&__amp_c0, &mut p::Slot::new())))
    fn forward(&mut self, expr: &mut Expr, index: usize) {
        let layer = &self.plan.layers[index];
        let (first, last) = (start(expr), end(expr));
        let Expr::MethodCall(call) = expr else { return };
        let argument = (start(&call.args[0]), end(&call.args[0]));
        call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
        let attrs = std::mem::take(&mut call.attrs);
        let seen = &call.receiver;
        let (at, until) = argument;
        if layer.borrowed {
            call.args[0] = borrowed_again(&call.args[0], true, at);
        }
        let input = self.names.wrap("Value", None, &call.args[0], at, until);
        let cell = binding(&format!("__amp_c{index}"), until);
        let word = Ident::new(if layer.slot.is_some() { "amp_input_shared" } else { "amp_input" }, until);
        let (slot, shared) = (self.names.slot(until), shared(layer.slot, until));
        let group = parenthesized(quote_spanned!(until=> &#cell, #slot #shared), until);
        let input = Expr::Verbatim(quote_spanned!(until=> #input.#word #group));
        let record = record(index, first);
        let look = Ident::new(if layer.island == Island::Full { "look_full" } else { "look" }, first);
        let layer = quote_spanned!(first=> &#seen);
        let known = self.known_layers && matches!(call.method.to_string().as_str(), "forward" | "forward_t");
        let layer = if known {
            let path = self.names.path("known", first);
            quote_spanned!(first=> #path(#layer))
        } else {
            layer
        };
        let cell = binding(&format!("__amp_c{index}"), first);
        let before = quote_spanned!(first=> #cell.#look(#layer, #record), &#cell);
        call.args[0] = input;
        let called = self.names.wrap("called", Some(before), expr, first, last);
        *expr = Expr::Verbatim(quote!(#(#attrs)* #called));
    }
}

/// `&__AMP_LAYERS[3]`
fn record(index: usize, span: Span) -> TokenStream {
    let layers = Ident::new("__AMP_LAYERS", span);
    let index = Literal::usize_unsuffixed(index);
    quote_spanned!(span=> &#layers[#index])
}
