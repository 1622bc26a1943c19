//! What can be wrong with a configuration.
use std::fmt;
use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that cannot be read.
    #[error("cannot read the configuration `{}`{}: {cause}{}", path.display(), from.as_ref().map(|from| format!(", which `{from}` names as `_base_`")).unwrap_or_default(), help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default())]
    Read {
        /// The file.
        path: PathBuf,
        /// The configuration that named it.
        from: Option<String>,
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
    #[error("`{name}` is no {format}: {message}")]
    Syntax {
        /// The file.
        name: String,
        /// The format.
        format: &'static str,
        /// The parser's words, with line and column.
        message: String,
    },
    /// Files that are each other's base.
    #[error("the configurations are each other's `_base_`: {}", chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> "))]
    Circle {
        /// The files, the first one again at the end.
        chain: Vec<String>,
    },
    /// An option that is none.
    #[error("`--cfg-options {option}`: {message}")]
    Option {
        /// As given.
        option: String,
        /// What is wrong.
        message: String,
    },
    /// Keys and values that cannot be used.
    #[error("{}", problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid {
        /// All that were found, at least one.
        problems: Vec<Problem>,
    },
    /// Two places that say different precisions.
    #[error(
        "`--amp {flag}` contradicts the configuration, where `{place}` says `{configured}`\nhelp: leave out `--amp`, or set `{instead}`"
    )]
    Precision {
        /// The flag's word.
        flag: &'static str,
        /// Where the configuration says otherwise.
        place: String,
        /// What it says.
        configured: String,
        /// What to write instead.
        instead: String,
    },
}

/// A key or a value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key: `train_dataloader.dataset.pipeline[1].prob`.
    pub key: String,
    /// The file or the option that it comes from, if one says it.
    pub from: Option<String>,
    /// What is wrong, with the key, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(from) = &self.from {
            write!(f, "`{from}`: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Problem {
    /// A value that makes no sense.
    pub(super) fn value(key: &str, message: impl fmt::Display) -> Self {
        Self::new(key, format!("`{key}`: {message}"))
    }

    /// A value that is none of those that may stand there.
    pub(super) fn wants(key: &str, found: &str, wants: &str) -> Self {
        Self::new(key, format!("`{key}` is {found}\nhelp: it must be {wants}"))
    }

    pub(super) fn new(key: &str, message: String) -> Self {
        Self { key: key.to_owned(), from: None, message }
    }
}
