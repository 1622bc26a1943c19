//! The words of the attribute: `#[amp(dtype = bf16, full(gelu), deny(opaque))]`.
use crate::errors::{Errors, Message, suggestion};
use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Path, Token, parenthesized};

/// A low dtype that the attribute fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Low {
    F16,
    Bf16,
}

/// What an attribute asks for.
#[derive(Default, Clone)]
pub(crate) struct Args {
    /// `dtype = ..`; none leaves it to the program and the device.
    pub(crate) precision: Option<Low>,
    /// `output = full`
    pub(crate) output_full: bool,
    /// `low(..)` and `full(..)`: overrides of the table.
    pub(crate) low: Vec<Ident>,
    pub(crate) full: Vec<Ident>,
    /// `deny(..)` and `allow(..)`: strictness of rules.
    pub(crate) deny: Vec<Ident>,
    pub(crate) allow: Vec<Ident>,
    /// Print the plan while compiling.
    pub(crate) explain: bool,
    /// The function is a training step.
    pub(crate) train_step: Option<Span>,
    /// `optimizer = ..`: which place is the optimizer.
    pub(crate) optimizer: Option<Expr>,
    /// `crate = ::path` of a re-exporter.
    pub(crate) krate: Option<Path>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        match Punctuated::<Word, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(words) => {
                let mut seen: Vec<String> = Vec::new();
                for word in words {
                    let name = word.name.to_string();
                    if seen.contains(&name) {
                        let again = format!("`{name}` is said twice");
                        errors.push(word.name.span(), Message::new(again).help("say it once"));
                    }
                    args.take(word, errors);
                    seen.push(name);
                }
            }
            Err(error) => errors.push_syn(error),
        }
        args.contradictions(errors);
        args
    }

    /// Whether a rule is switched off, or on, for this function.
    pub(crate) fn strictness(&self, rule: &str) -> Option<bool> {
        let names = |words: &[Ident]| words.iter().any(|word| word == rule);
        names(&self.deny).then_some(true).or_else(|| names(&self.allow).then_some(false))
    }

    fn take(&mut self, word: Word, errors: &mut Errors) {
        let name = word.name.to_string();
        match (name.as_str(), word.value) {
            ("explain", Given::Nothing) => self.explain = true,
            ("train_step", Given::Nothing) => self.train_step = Some(word.name.span()),
            ("dtype", Given::Value(value)) => match value_word(&value).as_deref() {
                Some("bf16" | "bfloat16") => self.precision = Some(Low::Bf16),
                Some("f16" | "fp16" | "float16") => self.precision = Some(Low::F16),
                _ => errors.push(
                    value.span(),
                    Message::new("unknown `dtype`")
                        .note("a region lowers to one of two dtypes; `full` is a choice of the program")
                        .help("write `f16` or `bf16`; to switch off: `with_precision(Precision::Full, ..)`"),
                ),
            },
            ("output", Given::Value(value)) => match value_word(&value).as_deref() {
                Some("full") => self.output_full = true,
                _ => {
                    errors.push(value.span(), Message::new("unknown `output`").help("write `output = full`"));
                }
            },
            ("optimizer", Given::Value(value)) => self.optimizer = Some(*value),
            ("crate", Given::Value(value)) if matches!(*value, Expr::Path(_)) => {
                if let Expr::Path(path) = *value {
                    self.krate = Some(path.path);
                }
            }
            ("low", Given::Names(names)) => self.low = names,
            ("full", Given::Names(names)) => self.full = names,
            ("deny", Given::Names(names)) => self.deny = names,
            ("allow", Given::Names(names)) => self.allow = names,
            (known, _) if WORDS.iter().any(|(word, _)| *word == known) => {
                let form = WORDS.iter().find(|(word, _)| *word == known).map_or("", |(_, form)| form);
                errors.push(
                    word.name.span(),
                    Message::new(format!("`{known}` is written otherwise")).help(format!("write `{form}`")),
                );
            }
            (unknown, _) => {
                let known: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                let message = Message::new(format!("unknown word `{unknown}`"));
                let help = match unknown {
                    "skip" => "`#[amp(skip)]` stands on statements and blocks; a method that shall be left alone goes into an `impl` block without `#[amp]`".to_owned(),
                    "bf16" | "f16" => format!("write `dtype = {unknown}`"),
                    _ => suggestion(unknown, &known),
                };
                errors.push(word.name.span(), message.help(help));
            }
        }
    }

    fn contradictions(&self, errors: &mut Errors) {
        for (one, other, words) in
            [(&self.low, &self.full, "`low` and `full`"), (&self.deny, &self.allow, "`deny` and `allow`")]
        {
            for name in one.iter().filter(|name| other.contains(name)) {
                let message = Message::new(format!("`{name}` stands in both {words}"));
                errors.push(name.span(), message.help("decide for one"));
            }
        }
        if let (Some(optimizer), None) = (&self.optimizer, self.train_step) {
            let message = Message::new("`optimizer` is said and the function is no training step");
            errors.push(optimizer.span(), message.help("write `#[amp(train_step, optimizer = ..)]`"));
        }
    }
}

/// All words, and how they are written.
const WORDS: &[(&str, &str)] = &[
    ("dtype", "dtype = bf16"),
    ("output", "output = full"),
    ("low", "low(exp)"),
    ("full", "full(gelu)"),
    ("deny", "deny(opaque)"),
    ("allow", "allow(tiny_literal)"),
    ("explain", "explain"),
    ("train_step", "train_step"),
    ("optimizer", "optimizer = opt"),
    ("crate", "crate = ::path"),
];

struct Word {
    name: Ident,
    value: Given,
}

enum Given {
    Nothing,
    Value(Box<Expr>),
    Names(Vec<Ident>),
}

impl Parse for Word {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name = Ident::parse_any(input)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Given::Value(Box::new(input.parse()?))
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
            Given::Names(names.into_iter().collect())
        } else {
            Given::Nothing
        };
        Ok(Self { name, value })
    }
}

/// The single identifier that a value consists of.
fn value_word(value: &Expr) -> Option<String> {
    match value {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}
