//! The passes as ordinary functions: expansions to read, errors and where they point, and that no input makes them panic.
mod expansions;
mod explained;
mod facts;
mod generated;
mod no_panic;
mod registry;
mod rules;
mod sound;

use proc_macro2::TokenStream;

/// The expansion of `#[amp(args)] item`, formatted.
fn expand(args: &str, item: &str) -> String {
    let parse = |text: &str| -> TokenStream { text.parse().unwrap() };
    format(&crate::pipeline::expand(parse(args), parse(item)).to_string())
}

/// Code, formatted.
fn format(code: &str) -> String {
    let file = syn::parse_str(code).unwrap_or_else(|error| panic!("{error}: {code}"));
    prettyplease::unparse(&file)
}

/// The expansion without documentation, lints, constants and the long way to the runtime, which are the same for all.
fn body(args: &str, item: &str) -> String {
    let expanded = expand(args, item).replace("__amp::", "p::");
    let mut file = syn::parse_file(&expanded).unwrap();
    for item in &mut file.items {
        if let syn::Item::Fn(function) = item {
            function.attrs.retain(|attr| !attr.path().is_ident("doc") && !attr.path().is_ident("allow"));
            function.block.stmts.retain(|stmt| !matches!(stmt, syn::Stmt::Item(syn::Item::Static(_))));
        }
    }
    prettyplease::unparse(&file)
}
