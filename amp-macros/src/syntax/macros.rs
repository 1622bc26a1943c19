//! Macro calls whose tokens are known to be expressions: those are looked into.
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Token};

/// The standard library's macros that take expressions, and the error crates' that format.
const READABLE: &[&str] = &[
    "vec",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "print",
    "println",
    "eprint",
    "eprintln",
    "format",
    "write",
    "writeln",
    "dbg",
    "matches",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "anyhow",
    "bail",
    "ensure",
];

/// Those that do not return.
const DIVERGING: &[&str] = &["panic", "todo", "unimplemented", "unreachable", "bail"];

fn name(mac: &Macro) -> String {
    mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// Whether the macro does not return.
pub(crate) fn diverges(mac: &Macro) -> bool {
    DIVERGING.contains(&name(mac).as_str())
}

/// Whether the result is a list of the expressions.
pub(crate) fn is_list(mac: &Macro) -> bool {
    name(mac) == "vec"
}

/// Whether it is a macro that can be looked into and in which nothing is to be seen.
pub(crate) fn holds_nothing(mac: &Macro) -> bool {
    READABLE.contains(&name(mac).as_str()) && (!may_hold_calls(mac) || read(mac).is_some())
}

/// Whether there is a call or an operator in it: otherwise nobody needs to look.
fn may_hold_calls(mac: &Macro) -> bool {
    mac.tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(_) => true,
        TokenTree::Punct(punct) => matches!(punct.as_char(), '+' | '-' | '*' | '/'),
        _ => false,
    })
}

/// A macro call that can be looked into.
#[derive(Clone)]
pub(crate) struct ReadMacro {
    pub(crate) exprs: Vec<Expr>,
    rest: Rest,
    /// The tokens as written.
    pub(crate) original: TokenStream,
}

/// What stands between and after the expressions.
#[derive(Clone)]
enum Rest {
    Commas(bool),
    /// `; length` of `vec!`, `, pattern` of `matches!`.
    Tokens(TokenStream),
}

impl ReadMacro {
    /// The expressions of a macro that is known to hold some.
    pub(crate) fn new(mac: &Macro) -> Option<Self> {
        if !READABLE.contains(&name(mac).as_str()) || !may_hold_calls(mac) {
            return None;
        }
        let (exprs, rest) = read(mac)?;
        Some(Self { exprs, rest, original: mac.tokens.clone() })
    }

    /// What follows the expressions, where it is no comma: the pattern of `matches!`.
    pub(crate) fn pattern(&self) -> Option<&TokenStream> {
        match &self.rest {
            Rest::Tokens(tokens) => Some(tokens),
            Rest::Commas(_) => None,
        }
    }

    /// The tokens with the expressions as they are now.
    pub(crate) fn print(self) -> TokenStream {
        let mut tokens = TokenStream::new();
        let commas = matches!(self.rest, Rest::Commas(_));
        for (index, expr) in self.exprs.iter().enumerate() {
            if index > 0 && commas {
                <Token![,]>::default().to_tokens(&mut tokens);
            }
            expr.to_tokens(&mut tokens);
        }
        match self.rest {
            Rest::Commas(trailing) => trailing.then(<Token![,]>::default).to_tokens(&mut tokens),
            Rest::Tokens(rest) => tokens.extend(rest),
        }
        tokens
    }
}

fn read(mac: &Macro) -> Option<(Vec<Expr>, Rest)> {
    let first =
        |input: ParseStream| -> syn::Result<(Expr, TokenStream)> { Ok((input.parse()?, input.parse()?)) };
    if name(mac) == "matches" {
        let (expr, rest) = first.parse2(mac.tokens.clone()).ok()?;
        return Some((vec![expr], Rest::Tokens(rest)));
    }
    if let Ok(list) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(mac.tokens.clone()) {
        let trailing = list.trailing_punct();
        return Some((list.into_iter().collect(), Rest::Commas(trailing)));
    }
    // `vec![value; length]`: the length is left alone.
    let (expr, rest) = first.parse2(mac.tokens.clone()).ok()?;
    let repeats = rest.clone().into_iter().next().is_some_and(|token| token.to_string() == ";");
    (name(mac) == "vec" && repeats).then(|| (vec![expr], Rest::Tokens(rest)))
}

/// Every word in tokens that cannot be read: the names of variables are among them.
pub(crate) fn names(tokens: &TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => found.extend(names(&group.stream())),
            TokenTree::Ident(ident) => found.push(ident.to_string()),
            _ => {}
        }
    }
    found
}

/// The calls in tokens that cannot be read: a name after a dot or a colon and before parentheses, and how many arguments it has.
pub(crate) fn calls(tokens: &TokenStream) -> Vec<(Ident, usize)> {
    let mut found = Vec::new();
    let mut dotted = false;
    let mut name: Option<Ident> = None;
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => {
                if let (Some(name), Delimiter::Parenthesis) = (name.take(), group.delimiter()) {
                    found.push((name, arguments(&group.stream())));
                }
                found.extend(calls(&group.stream()));
                dotted = false;
            }
            TokenTree::Punct(punct) => {
                name = None;
                dotted = punct.as_char() == '.' || punct.as_char() == ':';
            }
            TokenTree::Ident(ident) => {
                name = dotted.then_some(ident);
                dotted = false;
            }
            TokenTree::Literal(_) => {
                name = None;
                dotted = false;
            }
        }
    }
    found
}

/// How many comma-separated arguments the tokens are.
fn arguments(tokens: &TokenStream) -> usize {
    let mut count = 0;
    let mut open = false;
    for token in tokens.clone() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => open = false,
            _ if !open => {
                open = true;
                count += 1;
            }
            _ => {}
        }
    }
    count
}
