//! What the generated code calls, at the user's spans: `::amp_runtime::__private::..` and bindings nobody else can see.
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Path, Stmt};

/// The way to the runtime.
pub(crate) struct Names {
    krate: TokenStream,
}

impl Names {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        let krate = krate.map_or_else(|| quote!(::amp_runtime), ToTokens::to_token_stream);
        Self { krate }
    }

    /// `::amp_runtime::__private::name`, all of it at `span`.
    pub(crate) fn path(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        let krate = self.krate.clone().into_iter().map(|mut token: TokenTree| {
            token.set_span(token.span().located_at(span));
            token
        });
        quote_spanned!(span=> #(#krate)*::__private::#name)
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
