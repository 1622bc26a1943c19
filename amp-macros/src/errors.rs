//! Collects every error of a function and reports them at once; panics in tests when dropped unread.
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use std::fmt;

/// What an error says: in the manner of rustc, lower case, no full stop.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// The rule's id, printed as `[amp::id]` so that it can be searched for.
    pub(crate) rule: Option<&'static str>,
    /// Why.
    pub(crate) note: Option<String>,
    /// What to write.
    pub(crate) help: Option<String>,
}

impl Message {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn rule(self, rule: &'static str) -> Self {
        Self { rule: Some(rule), ..self }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(rule) = self.rule {
            write!(f, "  [amp::{rule}]")?;
        }
        if self.note.is_some() || self.help.is_some() {
            f.write_str("\n")?;
        }
        if let Some(note) = &self.note {
            write!(f, "\nnote: {note}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// The errors of one item.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    read: bool,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn push(&mut self, span: Span, message: Message) {
        self.found.push(syn::Error::new(span, message));
    }

    /// At an expression, from its first token to its last.
    pub(crate) fn push_between(&mut self, start: Span, end: Span, message: Message) {
        let tokens: [TokenTree; 2] = [Ident::new("_", start).into(), Ident::new("_", end).into()];
        self.found.push(syn::Error::new_spanned(TokenStream::from_iter(tokens), message));
    }

    pub(crate) fn push_syn(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Every error as a `compile_error!` at its place, in the order of finding; none where there was none.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        self.read = true;
        let found = std::mem::take(&mut self.found);
        let all = found.into_iter().reduce(|mut all, next| {
            all.combine(next);
            all
        });
        all.as_ref().map(syn::Error::to_compile_error)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(self.read || std::thread::panicking(), "errors were collected and never reported");
    }
}

/// ``; did you mean `near`?`` where a known word is near, else the list of all.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min();
    match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known are {}", list(known)),
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
