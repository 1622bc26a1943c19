//! What can be wrong with a configuration file.
use super::format::Format;
use super::problem::Problem;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Errors of reading a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that cannot be read.
    #[error("cannot read `{}`: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// A file whose name does not say its format.
    #[error("`{}` has no extension that says its format\nhelp: name it `.toml`, `.json`, `.yaml` or `.yml`", file.display())]
    UnknownExtension {
        /// The file.
        file: PathBuf,
    },
    /// A text that is not in its format.
    #[error("{}not valid {format}{}: {message}", place(file.as_deref()), position(*line_column))]
    Syntax {
        /// The file, if the text came from one.
        file: Option<PathBuf>,
        /// The format.
        format: Format,
        /// Line and column, from 1, where the parser knows them.
        line_column: Option<(u64, u64)>,
        /// What the parser says.
        message: String,
    },
    /// Keys or values that are not what they should be.
    #[error("{}", list(file.as_deref(), problems))]
    Invalid {
        /// The file, if the text came from one.
        file: Option<PathBuf>,
        /// All of them, in the order of reading; at least one.
        problems: Vec<Problem>,
    },
}

fn place(file: Option<&Path>) -> String {
    file.map(|file| format!("`{}`: ", file.display())).unwrap_or_default()
}

fn position(line_column: Option<(u64, u64)>) -> String {
    line_column.map(|(line, column)| format!(" at line {line}, column {column}")).unwrap_or_default()
}

fn list(file: Option<&Path>, problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let separator = if text.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{separator}{}{problem}", place(file));
    }
    text
}
