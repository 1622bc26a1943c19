//! Which files and options lie on top of each other, and which of them says a key.
use super::builtin;
use super::document::{Document, at, describe, drop_marks, merge, steps, take};
use super::error::{ConfigError, Problem};
use super::options;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// The sections that load images.
pub(super) const LOADERS: [&str; 3] = ["train_dataloader", "val_dataloader", "test_dataloader"];

/// A configuration file with all that it is based on, and what the command line says on top: later layers win, key by key;
/// lists are replaced.
pub(super) struct Layers {
    document: Value,
    /// Names and contents, from the lowest.
    layers: Vec<(String, Value)>,
}

impl Layers {
    /// `name` is a file, or a built-in configuration where there is no such file.
    pub(super) fn read(name: &Path) -> Result<Self, ConfigError> {
        let mut layers = Self { document: Value::Object(Map::new()), layers: Vec::new() };
        layers.add(&Source::of(name), &mut Vec::new())?;
        Ok(layers)
    }

    /// Adds a file on top of its bases.
    fn add(&mut self, source: &Source, above: &mut Vec<Source>) -> Result<(), ConfigError> {
        if above.contains(source) {
            let chain = above.iter().chain([source]).map(Source::to_string).collect();
            return Err(ConfigError::Circle { chain });
        }
        let mut own = source.parse(above.last())?;
        let invalid = |key: &str, found: &Value, wants: &str| {
            let problem = Problem::wants(key, &describe(found), wants);
            ConfigError::Invalid { problems: vec![Problem { from: Some(source.to_string()), ..problem }] }
        };
        if !own.is_object() {
            return Err(invalid("the configuration", &own, "a table of keys"));
        }
        let bases = match take(&mut own, "_base_") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(bases)) => bases,
            Some(base) => vec![base],
        };
        above.push(source.clone());
        for base in bases {
            let Some(base) = base.as_str() else {
                return Err(invalid("_base_", &base, "a file or a list of files"));
            };
            self.add(&source.beside(base), above)?;
        }
        above.pop();
        self.lay(source.to_string(), own);
        Ok(())
    }

    /// Puts a layer on top.
    pub(super) fn lay(&mut self, from: String, own: Value) {
        self.forget_roots(&own);
        merge(&mut self.document, own.clone());
        self.layers.push((from, own));
    }

    /// Puts `--cfg-options` on top.
    pub(super) fn set(&mut self, option: &str) -> Result<(), ConfigError> {
        let mut own = Value::Null;
        options::set(&mut own, option)?;
        self.forget_roots(&own);
        options::set(&mut self.document, option)?;
        self.layers.push((format!("--cfg-options {option}"), own));
        Ok(())
    }

    /// A `data_root` takes the place of those that lower layers give to single data sets.
    fn forget_roots(&mut self, own: &Value) {
        if own.get("data_root").is_some() {
            for loader in LOADERS {
                take(&mut self.document, &format!("{loader}.dataset.data_root"));
            }
        }
    }

    /// What all layers say together.
    pub(super) fn document(&self) -> Value {
        let mut document = self.document.clone();
        drop_marks(&mut document);
        document
    }

    /// The topmost layer that says something at `key`.
    pub(super) fn origin(&self, key: &str) -> Option<&str> {
        let says = |(_, own): &&(String, Value)| steps(key).next().is_some() && at(own, key).is_some();
        self.layers.iter().rev().find(says).map(|(from, _)| from.as_str())
    }
}

/// Where the text of a configuration lies.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Builtin(&'static str, &'static str),
}

/// A file is the same however one gets there.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => {
                a == b || fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
            }
            (Self::Builtin(a, _), Self::Builtin(b, _)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Builtin(name, _) => f.write_str(name),
        }
    }
}

impl Source {
    fn of(path: &Path) -> Self {
        match path.to_str().and_then(builtin::find) {
            Some((name, text)) if !path.is_file() => Self::Builtin(name, text),
            _ => Self::File(path.to_owned()),
        }
    }

    /// What this source calls `base`: a file beside it, or a built-in configuration.
    fn beside(&self, base: &str) -> Self {
        let Self::File(path) = self else { return Self::of(Path::new(base)) };
        let beside = path.parent().unwrap_or(Path::new("")).join(base);
        match Self::of(Path::new(base)) {
            builtin @ Self::Builtin(..) if !beside.is_file() => builtin,
            _ => Self::File(beside),
        }
    }

    fn parse(&self, from: Option<&Self>) -> Result<Value, ConfigError> {
        let syntax = |format, message: &str| ConfigError::Syntax {
            name: self.to_string(),
            format,
            message: message.trim_end().to_owned(),
        };
        let toml = |text: &str| toml::from_str(text).map_err(|error| syntax("TOML", &error.to_string()));
        let path = match self {
            Self::Builtin(_, text) => return toml(text).map(|Document(value)| value),
            Self::File(path) => path,
        };
        let text = fs::read_to_string(path).map_err(|cause| {
            let is_bare = path.components().count() == 1 && path.extension().is_none();
            let names = || builtin::builtin_names().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            let help = is_bare.then(|| format!("built in are {}", names().join(", ")));
            ConfigError::Read { path: path.clone(), from: from.map(Self::to_string), cause, help }
        })?;
        let document = match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "toml" => toml(&text),
            "json" => serde_json::from_str(&text).map_err(|error| syntax("JSON", &error.to_string())),
            "yaml" | "yml" => serde_saphyr::from_str_with_options(&text, yaml_options())
                .map_err(|error| syntax("YAML", &error.to_string())),
            _ => Err(ConfigError::Extension { path: path.clone() }),
        };
        document.map(|Document(value)| value)
    }
}

/// As `amp-runtime` reads YAML.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // `off` is a precision, not a YAML 1.1 boolean
        strict_booleans: true,
        // `norm_type: .inf`
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}
