//! What can be wrong with a configuration.
use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that cannot be read.
    #[error("cannot read the configuration `{}`{}: {cause}{}", path.display(), from.as_ref().map(|from| format!(", which `{}` names as `_base_`", from.display())).unwrap_or_default(), help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default())]
    Read {
        /// The file.
        path: PathBuf,
        /// The file that named it.
        from: Option<PathBuf>,
        /// The system's words.
        cause: std::io::Error,
        /// What to do.
        help: Option<String>,
    },
    /// A file that is none of the formats by its name.
    #[error("`{}` is no configuration: its name has to end in `.toml`, `.json`, `.yaml` or `.yml`{}", path.display(), if path.extension().is_some_and(|extension| extension == "py") { "\nhelp: dump it as JSON first, in Python: `mmengine.Config.fromfile('x.py').dump('x.json')`" } else { "" })]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// A file that is not what its name says.
    #[error("`{}` is no {format}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// The parser's words, with line and column.
        message: String,
    },
    /// Files that are each other's base.
    #[error("the configurations are each other's `_base_`: {}", chain.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(" -> "))]
    Circle {
        /// The files, the first one again at the end.
        chain: Vec<PathBuf>,
    },
    /// An option that is none.
    #[error("`--cfg-options {option}`: {message}")]
    Option {
        /// As given.
        option: String,
        /// What is wrong.
        message: String,
    },
    /// A key that nobody reads.
    #[error("unknown key `{key}`{}{}", meant.as_ref().map(|meant| format!("\nhelp: did you mean `{meant}`?")).unwrap_or_default(), if known.is_empty() { String::new() } else { format!("\nhelp: known are {}", known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ")) })]
    UnknownKey {
        /// Its path.
        key: String,
        /// The known key that is most like it.
        meant: Option<String>,
        /// All that is known there.
        known: Vec<String>,
    },
    /// A value that does not fit.
    #[error("`{key}`: {message}")]
    Value {
        /// The path of its key.
        key: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// `optim_wrapper` and `param_scheduler`.
    #[error("{0}")]
    Training(String),
    /// Two places that say different precisions.
    #[error(
        "`--amp {flag}` contradicts the configuration, whose `optim_wrapper` says {configured}\nhelp: leave out `--amp`, or set `{instead}`"
    )]
    Precision {
        /// The flag's word.
        flag: &'static str,
        /// What the configuration says.
        configured: String,
        /// What to write instead.
        instead: String,
    },
}

impl ConfigError {
    pub(super) fn value(key: &str, message: impl Into<String>) -> Self {
        Self::Value { key: key.to_owned(), message: message.into() }
    }
}
