//! What a document, or a part of one, is read into, and the doors through which it comes in.
use super::error::ConfigError;
use super::format::Format;
use super::node::Node;
use super::problem::Problem;
use super::reader::{self, Field};
use std::path::Path;

pub(super) trait Section: Sized {
    /// None where a problem was noted.
    fn read(field: &Field) -> Option<Self>;

    fn from_text(text: &str, format: Format, file: Option<&Path>) -> Result<Self, ConfigError> {
        let file = file.map(Path::to_owned);
        match format.parse(text) {
            Ok(document) => {
                Self::from_node(&document).map_err(|problems| ConfigError::Invalid { file, problems })
            }
            Err((line_column, message)) => Err(ConfigError::Syntax { file, format, line_column, message }),
        }
    }

    fn from_path(path: &Path) -> Result<Self, ConfigError> {
        let file = path.to_owned();
        let Some(format) = Format::of(path) else { return Err(ConfigError::UnknownExtension { file }) };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_text(&text, format, Some(path)),
            Err(cause) => Err(ConfigError::Read { file, cause }),
        }
    }

    fn from_node(document: &Node) -> Result<Self, Vec<Problem>> {
        reader::read(document, Self::read)
    }
}

/// The public readers of a section, and serde's.
macro_rules! doors {
    ($section:ident) => {
        impl $section {
            /// Reads TOML.
            ///
            /// # Errors
            /// What is not TOML, or every problem of the document.
            pub fn from_toml(text: &str) -> Result<Self, $crate::config::ConfigError> {
                Self::from_text(text, $crate::config::Format::Toml, None)
            }

            /// Reads JSON.
            ///
            /// # Errors
            /// What is not JSON, or every problem of the document.
            pub fn from_json(text: &str) -> Result<Self, $crate::config::ConfigError> {
                Self::from_text(text, $crate::config::Format::Json, None)
            }

            /// Reads YAML (1.2: `yes` and `off` are words).
            ///
            /// # Errors
            /// What is not YAML, or every problem of the document.
            pub fn from_yaml(text: &str) -> Result<Self, $crate::config::ConfigError> {
                Self::from_text(text, $crate::config::Format::Yaml, None)
            }

            /// Reads a file whose extension is `toml`, `json`, `yaml` or `yml`.
            ///
            /// # Errors
            /// Another extension, a file that cannot be read, or as the other readers, with the file's name.
            pub fn from_path(path: impl AsRef<std::path::Path>) -> Result<Self, $crate::config::ConfigError> {
                Section::from_path(path.as_ref())
            }
        }

        /// As part of a configuration of your own; key paths in errors start at this part.
        impl<'de> serde::Deserialize<'de> for $section {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let node = serde::Deserialize::deserialize(deserializer)?;
                Self::from_node(&node).map_err(|problems| {
                    serde::de::Error::custom($crate::config::ConfigError::Invalid { file: None, problems })
                })
            }
        }
    };
}
pub(super) use doors;
