//! One thing that is wrong in a document, with the path of its key.

/// A problem of a document. Keys are paths: `optim_wrapper.optimizer.lr`, `param_scheduler[0].end`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A key that nobody reads.
    #[error("unknown key `{key}`\nhelp: {}known: {}", near(*nearest), quoted(known))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that is spelled most alike.
        nearest: Option<&'static str>,
        /// The keys that are known there.
        known: Vec<&'static str>,
    },
    /// A key that must be there.
    #[error("`{key}` is missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A key that is there twice.
    #[error("`{key}` is given twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A value of another type.
    #[error("{} is {found}\nhelp: it must be {wants}", place(key))]
    WrongType {
        /// Its key; empty for the document itself.
        key: String,
        /// What it is.
        found: String,
        /// What it should be.
        wants: String,
    },
    /// A value out of range.
    #[error("`{key}` is {value}\nhelp: it must be {wants}")]
    InvalidValue {
        /// Its key.
        key: String,
        /// The value.
        value: String,
        /// What it may be.
        wants: String,
    },
    /// A word that names nothing.
    #[error("`{key}` is {word:?}\nhelp: {}known: {}", near(*nearest), quoted(known))]
    UnknownWord {
        /// Its key.
        key: String,
        /// The word.
        word: String,
        /// The known word that is spelled most alike.
        nearest: Option<&'static str>,
        /// The words that are known there.
        known: Vec<&'static str>,
    },
    /// Something that is understood and cannot be done.
    #[error("`{key}` cannot be used here\nnote: {note}\nhelp: {help}")]
    Unsupported {
        /// The key.
        key: String,
        /// Why not.
        note: &'static str,
        /// What to do instead.
        help: &'static str,
    },
}

/// The known name that is most likely meant by `name`.
pub(super) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn place(key: &str) -> String {
    if key.is_empty() { "the document".to_owned() } else { format!("`{key}`") }
}

fn near(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("is it `{nearest}`? ")).unwrap_or_default()
}

fn quoted(known: &[&str]) -> String {
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
