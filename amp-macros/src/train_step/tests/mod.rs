//! The check and the wiring as ordinary functions: which calls are accused, at which token, and what is written instead.
mod bad;
mod good;
mod paths;
mod protocol;
mod said;
mod wired;

use crate::errors::Errors;
use proc_macro2::{TokenStream, TokenTree};
use syn::{Expr, ItemFn};

/// An error: its place, from 1 and from 0 as rustc and `proc_macro2` count, and what it says.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Accusation {
    line: usize,
    column: usize,
    text: String,
}

/// What is said about a function; `optimizer` as in `#[amp(train_step, optimizer = ..)]`, empty for none.
fn accusations(code: &str, optimizer: &str) -> Vec<Accusation> {
    let function: ItemFn = syn::parse_str(code).unwrap_or_else(|error| panic!("{error}\n{code}"));
    let optimizer: Option<Expr> = (!optimizer.is_empty()).then(|| syn::parse_str(optimizer).unwrap());
    let mut errors = Errors::new();
    super::check(&function.sig, &function.block, optimizer.as_ref(), &mut errors);
    let mut found = read(errors.finish().unwrap_or_default());
    found.sort();
    found
}

/// The errors in `compile_error!` tokens.
fn read(tokens: TokenStream) -> Vec<Accusation> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let calls = tokens.windows(3).filter_map(|three| match three {
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Group(group)] if name == "compile_error" => {
            let start = name.span().start();
            let text: syn::LitStr = syn::parse2(group.stream()).unwrap();
            Some(Accusation { line: start.line, column: start.column, text: text.value() })
        }
        _ => None,
    });
    calls.collect()
}

/// Marks the token after it as one that is accused.
const MARK: &str = "/*x*/";

/// Where the marked tokens stand.
fn marked(code: &str) -> Vec<(usize, usize)> {
    let lines = code.lines().enumerate();
    lines
        .flat_map(|(line, text)| {
            text.match_indices(MARK).map(move |(at, _)| (line + 1, text[..at].chars().count() + MARK.len()))
        })
        .collect()
}

/// A training step with one optimizer.
fn step(body: &str) -> String {
    format!("fn step(opt: &mut OptimWrapper, loss: &Tensor) {{\n{body}\n}}")
}

/// Checks that exactly the marked tokens are accused.
#[track_caller]
fn accused(code: &str, optimizer: &str) {
    let found = accusations(code, optimizer);
    let places: Vec<(usize, usize)> = found.iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, marked(code), "{code}\n{found:#?}");
}
