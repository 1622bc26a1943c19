//! The three formats: which file has which, and text to nodes.
use super::node::Node;
use std::fmt;
use std::path::Path;

/// A format of configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.
    Toml,
    /// JSON.
    Json,
    /// YAML 1.2.
    Yaml,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

impl Format {
    /// The format that a file's extension says.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The document, or line and column (from 1, where the parser knows them) and what the parser says.
    pub(super) fn parse(self, text: &str) -> Result<Node, (Option<(u64, u64)>, String)> {
        let parsed = match self {
            Self::Toml => toml::from_str(text).map_err(|error| {
                let at = error.span().map(|span| line_column(text, span.start));
                (at, error.message().to_owned())
            }),
            Self::Json => serde_json::from_str(text).map_err(|error| {
                let message = error.to_string();
                // it ends with the position, which is told apart
                let message = message.split(" at line ").next().unwrap_or_default().to_owned();
                (Some((error.line() as u64, error.column() as u64)), message)
            }),
            Self::Yaml => serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| {
                let at = error.location().map(|location| (location.line(), location.column()));
                (at, error.without_snippet().to_string())
            }),
        };
        // one line: toml says on a second one what it expected
        parsed.map_err(|(at, message)| (at, message.lines().map(str::trim).collect::<Vec<_>>().join(", ")))
    }
}

fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // `off` is a precision, not a YAML 1.1 boolean
        strict_booleans: true,
        // `norm_type: .inf`
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

fn line_column(text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line as u64, column as u64)
}
