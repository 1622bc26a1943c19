//! What the generated code calls, at the user's spans: `__amp::Place`, short for `::amp_runtime::__private::Place`, and bindings nobody else can see.
use proc_macro2::{Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Path, Stmt};

/// The way to the runtime.
pub(crate) struct Names {
    krate: TokenStream,
}

/// What a rewritten body calls the runtime's private room.
const ALIAS: &str = "__amp";

#[allow(clippy::unused_self, reason = "a body that has no `Names` has no alias to call")]
impl Names {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        let krate = krate.map_or_else(|| quote!(::amp_runtime), ToTokens::to_token_stream);
        Self { krate }
    }

    /// `::amp_runtime::__private`
    pub(crate) fn room(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// `use ::amp_runtime::__private as __amp;`
    pub(crate) fn alias(&self) -> TokenStream {
        let (room, alias) = (self.room(), Ident::new(ALIAS, Span::call_site()));
        quote!(#[allow(unused_imports)] use #room as #alias;)
    }

    /// `__amp::name`, all of it at `span`.
    pub(crate) fn path(&self, name: &str, span: Span) -> TokenStream {
        let mut joint = Punct::new(':', Spacing::Joint);
        let mut alone = Punct::new(':', Spacing::Alone);
        joint.set_span(span);
        alone.set_span(span);
        // Without hygiene, as the user's own tokens: rustc joins the spans of an expression only if all are of one kind.
        let alias = Ident::new(ALIAS, span);
        let tokens: [TokenTree; 4] =
            [alias.into(), joint.into(), alone.into(), Ident::new(name, span).into()];
        tokens.into_iter().collect()
    }

    /// `p::name()`
    pub(crate) fn call(&self, name: &str, span: Span) -> TokenStream {
        let path = self.path(name, span);
        quote_spanned!(span=> #path())
    }

    /// `&mut p::Slot::new()`
    pub(crate) fn slot(&self, span: Span) -> TokenStream {
        let path = self.path("Slot", span);
        quote_spanned!(span=> &mut #path::new())
    }

    /// `p::Place(&expr)` of a place, `p::Value(expr)` of anything else.
    pub(crate) fn receiver(&self, expr: &Expr, place: bool, start: Span, end: Span) -> Expr {
        if place {
            self.wrap("Place", None, &quote_spanned!(start=> &#expr), start, end)
        } else {
            self.wrap("Value", None, expr, start, end)
        }
    }

    /// `p::name(first, expr)`, from the first token of `expr` to its last.
    pub(crate) fn wrap(
        &self,
        name: &str,
        first: Option<TokenStream>,
        expr: &impl ToTokens,
        start: Span,
        end: Span,
    ) -> Expr {
        let path = self.path(name, start);
        let first = first.map(|first| quote_spanned!(start=> #first,));
        let group = parenthesized(quote!(#first #expr), end);
        Expr::Verbatim(quote!(#path #group))
    }

    /// `let name = value;`
    pub(crate) fn hold(&self, name: &str, value: &TokenStream) -> Stmt {
        let name = binding(name, Span::call_site());
        Stmt::Expr(Expr::Verbatim(quote!(let #name = #value;)), None)
    }
}

/// `(tokens)`, both parentheses at `span`.
pub(crate) fn parenthesized(tokens: TokenStream, span: Span) -> TokenTree {
    let mut group = proc_macro2::Group::new(proc_macro2::Delimiter::Parenthesis, tokens);
    group.set_span(span);
    group.into()
}

/// A binding that the user's code cannot see.
pub(crate) fn binding(name: &str, span: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(span))
}
