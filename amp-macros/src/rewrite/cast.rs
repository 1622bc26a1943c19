//! Casts of the operands of sites.
use super::state::Rewrite;
use crate::names::{binding, parenthesized};
use crate::plan::{Call, Cast, Held, Tensorness};
use crate::policy::{Class, Form};
use crate::syntax::shape::{end, is_place, start};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit_mut::VisitMut;
use syn::{Attribute, Expr, ExprMethodCall, Token};

/// An operand before its children were visited.
struct Operand {
    place: bool,
    start: Span,
    end: Span,
}

impl Operand {
    fn of(expr: &Expr) -> Self {
        Self { place: is_place(expr), start: start(expr), end: end(expr) }
    }
}

impl Rewrite<'_> {
    // Input:
    //     x.linear(&self.w, None)
    // Output:
    //     p::Place(&x).amp_low(&__amp_0, &mut p::Slot::new())
    //         .linear(p::Value(&self.w).amp_low_arg(&__amp_0, &mut p::Slot::new()), None)
    pub(super) fn method(&mut self, expr: &mut Expr, index: usize) {
        let plan = self.plan;
        let call = &plan.calls[index];
        let Expr::MethodCall(method) = expr else { return };
        let receiver = Operand::of(&method.receiver);
        let arguments: Vec<Operand> = method.args.iter().map(Operand::of).collect();
        let whole = (receiver.start, end(expr));
        let Expr::MethodCall(method) = expr else { return };
        self.visit_expr_mut(&mut method.receiver);
        method.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
        if !call.changes() {
            return;
        }
        self.sites.changed += 1;
        let attrs = std::mem::take(&mut method.attrs);
        let decides_arguments = call.kind.is_some() || call.casts.iter().any(|cast| cast.operand > 0);
        let declared = decides_arguments || call.alone;
        let own_receiver = call.widest || call.casts.iter().any(|cast| cast.operand == 0);
        let known = call.facts[0].tensor == Tensorness::Yes && call.facts[0].since.is_some();
        // What is written to cannot be looked at through a shared reference; its name says that it is a tensor.
        let keeps =
            declared && !own_receiver && !call.writes() && (call.kind.is_some() || call.alone || !known);
        if declared {
            self.sites.declared.push((index, !own_receiver && !keeps));
        }
        self.receiver(method, call, index, &receiver, declared, keeps);
        self.arguments(method, call, index, &arguments);
        if call.alone {
            let site = binding(&format!("__amp_{index}"), whole.0);
            // The last operand to be evaluated switches autocast off.
            match (method.args.last_mut(), arguments.last()) {
                (Some(argument), Some(operand)) => {
                    let group = parenthesized(quote!(#argument), operand.end);
                    *argument = Expr::Verbatim(quote_spanned!(operand.start=> #site.arm #group));
                }
                // Passed through, the place would be moved: autocast is off before it is borrowed.
                _ if call.writes() && receiver.place => {
                    let pair = parenthesized(quote_spanned!(whole.0=> #site.arm(()), #method), whole.1);
                    let second = Expr::Verbatim(quote_spanned!(whole.1=> #pair.1));
                    *expr = self.names.wrap("resumed", Some(quote!(&#site)), &second, whole.0, whole.1);
                    return self.written(expr, call, whole, &attrs);
                }
                _ => {
                    let inner = &method.receiver;
                    let group = parenthesized(quote!(#inner), receiver.end);
                    *method.receiver = Expr::Verbatim(quote_spanned!(receiver.start=> #site.arm #group));
                }
            }
            *expr = self.names.wrap("resumed", Some(quote!(&#site)), method, whole.0, whole.1);
        }
        self.written(expr, call, whole, &attrs);
    }

    /// Whoever casts is told of a write; the statement keeps its attributes.
    fn written(&self, expr: &mut Expr, call: &Call<'_>, whole: (Span, Span), attrs: &[Attribute]) {
        if call.writes() && call.facts[0].held != Held::Low {
            *expr = self.names.wrap("wrote", None, expr, whole.0, whole.1);
        }
        restore(expr, attrs);
    }

    fn receiver(
        &self,
        method: &mut ExprMethodCall,
        call: &Call<'_>,
        index: usize,
        operand: &Operand,
        declared: bool,
        keeps: bool,
    ) {
        let Operand { place, start, end } = *operand;
        let inner = without_parens(&method.receiver);
        let cast = call.casts.iter().find(|cast| cast.operand == 0);
        let word = match cast {
            Some(cast) => receiver_word(cast),
            None if call.widest => "amp_widest",
            None if keeps => "amp_keep",
            None if call.weight => "amp_weight",
            None => return,
        };
        let word = proc_macro2::Ident::new(word, end);
        let held = self.names.receiver(inner, place, start, end);
        let slot = self.names.slot(end);
        let arguments = if call.weight && cast.is_none() && !call.widest && !keeps {
            quote_spanned!(end=> #slot)
        } else {
            let site = self.site(index, declared, end);
            let slot = (!keeps).then(|| quote_spanned!(end=> , #slot));
            let shared = cast.and_then(|cast| shared(cast.slot, end));
            quote_spanned!(end=> #site #slot #shared)
        };
        let group = parenthesized(arguments, end);
        *method.receiver = Expr::Verbatim(quote_spanned!(end=> #held.#word #group));
    }

    fn arguments(&self, method: &mut ExprMethodCall, call: &Call<'_>, index: usize, operands: &[Operand]) {
        for (position, argument) in method.args.iter_mut().enumerate() {
            let operand = &operands[position];
            if let Some(cast) = call.casts.iter().find(|cast| cast.operand == position + 1) {
                let site = self.site(index, true, operand.end);
                // Where the receiver may be no tensor, the method may want to write.
                let writes = call.facts[0].tensor != Tensorness::Yes;
                *argument = self.argument(argument, cast, writes, &site, operand);
            } else if call.kind == Some(position + 1) {
                let word = match call.class {
                    Some(Class::Follow) => "amp_kind_followed",
                    Some(Class::FullOutput) => "amp_kind",
                    _ => "amp_kind_full",
                };
                *argument = self.kind(argument, word, &self.site(index, true, operand.end), operand);
            }
        }
    }

    /// The dtype of the output, decided.
    fn kind(&self, asked: &Expr, word: &str, site: &TokenStream, operand: &Operand) -> Expr {
        let value = self.names.wrap("Value", None, asked, operand.start, operand.end);
        let word = proc_macro2::Ident::new(word, operand.end);
        Expr::Verbatim(quote_spanned!(operand.end=> #value.#word(#site)))
    }

    fn argument(
        &self,
        argument: &Expr,
        cast: &Cast,
        writes: bool,
        site: &TokenStream,
        operand: &Operand,
    ) -> Expr {
        let Operand { start, end, .. } = *operand;
        let argument = if cast.borrowed { &borrowed_again(argument, writes, start) } else { argument };
        let value = self.names.wrap("Value", None, argument, start, end);
        let word = proc_macro2::Ident::new(argument_word(cast), end);
        let (slot, shared) = (self.names.slot(end), shared(cast.slot, end));
        let group = parenthesized(quote_spanned!(end=> #site, #slot #shared), end);
        Expr::Verbatim(quote_spanned!(end=> #value.#word #group))
    }

    /// `&__amp_7`, or one that nobody else asks.
    fn site(&self, index: usize, declared: bool, span: Span) -> TokenStream {
        if declared {
            let name = binding(&format!("__amp_{index}"), span);
            quote_spanned!(span=> &#name)
        } else {
            let path = self.names.path("Site", span);
            quote_spanned!(span=> &#path::new())
        }
    }

    // Input:
    //     Tensor::einsum("ij,jk", &[a, b], None::<i64>)
    // Output:
    //     Tensor::einsum("ij,jk", p::Value(&[a, b]).amp_low_arg(&p::Site::<p::IsTensor>::new(), &mut p::Slot::new()), ..)
    pub(super) fn function(&mut self, expr: &mut Expr, index: usize) {
        let plan = self.plan;
        let call = &plan.calls[index];
        let Expr::Call(function) = expr else { return };
        let operands: Vec<Operand> = function.args.iter().map(Operand::of).collect();
        let whole = (start(&function.func), function.paren_token.span.close());
        function.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
        let no_grad = call.name == "no_grad";
        if !call.changes() && !no_grad {
            return;
        }
        self.sites.changed += 1;
        let attrs = std::mem::take(&mut function.attrs);
        for (position, argument) in function.args.iter_mut().enumerate() {
            let operand = &operands[position];
            let site = {
                let (site, tensor) =
                    (self.names.path("Site", operand.end), self.names.path("IsTensor", operand.end));
                quote_spanned!(operand.end=> &#site::<#tensor>::new())
            };
            if let Some(cast) = call.casts.iter().find(|cast| cast.operand == position) {
                *argument = self.argument(argument, cast, false, &site, operand);
            } else if call.kind == Some(position) {
                *argument = self.kind(argument, "amp_kind_full", &site, operand);
            }
        }
        if call.widest {
            *expr = self.widest(function, call, &operands);
            return restore(expr, &attrs);
        }
        if call.alone
            && let (Some(last), Some(operand)) = (function.args.last_mut(), operands.last())
        {
            self.sites.declared.push((index, true));
            let site = binding(&format!("__amp_{index}"), operand.start);
            let group = parenthesized(quote!(#last), operand.end);
            *last = Expr::Verbatim(quote_spanned!(operand.start=> #site.arm #group));
            *expr = self.names.wrap("resumed", Some(quote!(&#site)), function, whole.0, whole.1);
        }
        if no_grad {
            *expr = self.names.wrap("wrote_anything", None, expr, whole.0, whole.1);
        } else if call.writes() {
            *expr = self.names.wrap("wrote", None, expr, whole.0, whole.1);
        }
        restore(expr, &attrs);
    }

    // Input:
    //     Tensor::bilinear(&a, &b, &w, None)      Tensor::dot(&a, &b)
    // Output:
    //     p::widest_bilinear(&a, &b, &w, None)    p::Value(&a).amp_widest(&p::Site::new(), &mut p::Slot::new()).dot(&b)
    fn widest(&self, function: &syn::ExprCall, call: &Call<'_>, operands: &[Operand]) -> Expr {
        let (first, last) = (start(&function.func), function.paren_token.span.close());
        if call.op.is_some_and(|op| op.form == Form::Function) {
            let fallible = if call.name.starts_with("f_") { "f_" } else { "" };
            let plain = call.name.strip_prefix("f_").unwrap_or(&call.name);
            let path = self.names.path(&format!("{fallible}widest_{plain}"), first);
            let args = &function.args;
            let group = parenthesized(quote!(#args), last);
            return Expr::Verbatim(quote!(#path #group));
        }
        let mut args = function.args.iter();
        let Some(receiver) = args.next() else { return Expr::Call(function.clone()) };
        let operand = &operands[0];
        let value = self.names.receiver(receiver, operand.place, operand.start, operand.end);
        let (site, slot) = (self.names.path("Site", operand.end), self.names.slot(operand.end));
        let method = proc_macro2::Ident::new(&call.name, call.span);
        let group = parenthesized(quote!(#(#args),*), last);
        Expr::Verbatim(quote_spanned!(operand.end=> #value.amp_widest(&#site::new(), #slot).#method #group))
    }

    // Input:
    //     1. / &x
    // Output:
    //     1. / p::Value(&x).amp_full_owned()
    pub(super) fn operator(&mut self, expr: &mut Expr, index: usize) {
        let plan = self.plan;
        let call = &plan.calls[index];
        let Expr::Binary(binary) = expr else { return };
        let operands = [Operand::of(&binary.left), Operand::of(&binary.right)];
        self.visit_expr_mut(&mut binary.left);
        self.visit_expr_mut(&mut binary.right);
        for (position, side) in [&mut binary.left, &mut binary.right].into_iter().enumerate() {
            if call.casts.iter().any(|cast| cast.operand == position) {
                self.sites.changed += 1;
                let Operand { start, end, .. } = operands[position];
                let value = self.names.wrap("Value", None, without_parens(side), start, end);
                **side = Expr::Verbatim(quote_spanned!(end=> #value.amp_full_owned()));
            }
        }
    }
}

/// `&*w` or `&mut *w` of a `w` that is `&mut`: a wrapper would move it, where a call borrows it again by itself.
pub(super) fn borrowed_again(name: &Expr, writes: bool, span: Span) -> Expr {
    let mutable = writes.then(|| Token![mut](span));
    Expr::Verbatim(quote_spanned!(span=> &#mutable *#name))
}

/// `(a + b)` in front of a dot is `a + b` in a call.
pub(super) fn without_parens(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) if paren.attrs.is_empty() => without_parens(&paren.expr),
        other => other,
    }
}

/// Attributes stay outside: they may not stand before an argument.
pub(super) fn restore(expr: &mut Expr, attrs: &[Attribute]) {
    if !attrs.is_empty() {
        *expr = Expr::Verbatim(quote!(#(#attrs)* #expr));
    }
}

fn receiver_word(cast: &Cast) -> &'static str {
    match (cast.to, cast.slot) {
        (Held::Low, None) => "amp_low",
        (Held::Low, Some(_)) => "amp_low_shared",
        (_, None) => "amp_full",
        (_, Some(_)) => "amp_full_shared",
    }
}

fn argument_word(cast: &Cast) -> &'static str {
    match (cast.to, cast.slot) {
        (Held::Low, None) => "amp_low_arg",
        (Held::Low, Some(_)) => "amp_low_arg_shared",
        (_, None) => "amp_full_arg",
        (_, Some(_)) => "amp_full_arg_shared",
    }
}

/// `, &__amp_s3`
pub(super) fn shared(slot: Option<usize>, span: Span) -> Option<TokenStream> {
    slot.map(|slot| {
        let name = binding(&format!("__amp_s{slot}"), span);
        quote_spanned!(span=> , &#name)
    })
}
