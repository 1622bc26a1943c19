//! Files on top of files: `_base_`, in three formats.
use super::builtin;
use super::error::ConfigError;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A configuration file with all that it is based on: later files win, key by key; lists are replaced.
///
/// `name` is a file, or a built-in configuration where there is no such file. In a table, `_delete_ = true` replaces the
/// table below instead of adding to it.
pub(super) fn read(name: &Path) -> Result<Value, ConfigError> {
    let mut document = layer(name, &mut Vec::new())?;
    drop_marks(&mut document);
    Ok(document)
}

fn layer(path: &Path, above: &mut Vec<PathBuf>) -> Result<Value, ConfigError> {
    if above.iter().any(|other| other == path) {
        let mut chain = above.clone();
        chain.push(path.to_owned());
        return Err(ConfigError::Circle { chain });
    }
    let mut own = parse(path, above.last().map(PathBuf::as_path))?;
    let Value::Object(table) = &mut own else {
        return Err(ConfigError::value("", format!("`{}` is no table of keys", path.display())));
    };
    let bases = match table.remove("_base_") {
        None => Vec::new(),
        Some(Value::String(base)) => vec![base],
        Some(Value::Array(bases)) => bases
            .into_iter()
            .map(|base| base.as_str().map(str::to_owned).ok_or_else(wants_files))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wants_files()),
    };
    above.push(path.to_owned());
    let mut document = Value::Object(Map::new());
    for base in bases {
        let beside = path.parent().unwrap_or(Path::new("")).join(&base);
        let base =
            if beside.exists() || builtin::text(Path::new(&base)).is_none() { beside } else { base.into() };
        merge(&mut document, layer(&base, above)?);
    }
    above.pop();
    merge(&mut document, own);
    Ok(document)
}

fn wants_files() -> ConfigError {
    ConfigError::value("_base_", "it is a file or a list of files")
}

/// Puts `over` on top of `below`.
pub(super) fn merge(below: &mut Value, over: Value) {
    match (below, over) {
        (Value::Object(below), Value::Object(over)) if over.get("_delete_") != Some(&Value::Bool(true)) => {
            for (key, value) in over {
                match below.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        (below, over) => *below = over,
    }
}

/// Takes away what only merging wants, and Python's `None`, which says nothing here.
fn drop_marks(document: &mut Value) {
    match document {
        Value::Object(table) => {
            table.retain(|key, value| key != "_delete_" && !value.is_null());
            table.values_mut().for_each(drop_marks);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_marks),
        _ => {}
    }
}

fn parse(path: &Path, from: Option<&Path>) -> Result<Value, ConfigError> {
    let read = std::fs::read_to_string(path);
    let text = match (read, builtin::text(path)) {
        (Ok(text), _) => text,
        (Err(_), Some(text)) => return toml(text, path),
        (Err(cause), None) => {
            let bare = path.components().count() == 1 && path.extension().is_none();
            let help = bare.then(|| format!("built in are {}", builtin::names()));
            return Err(ConfigError::Read {
                path: path.to_owned(),
                from: from.map(Path::to_owned),
                cause,
                help,
            });
        }
    };
    let syntax = |format, message: String| ConfigError::Syntax { path: path.to_owned(), format, message };
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "toml" => toml(&text, path),
        "json" => serde_json::from_str(&text).map_err(|error| syntax("JSON", error.to_string())),
        "yaml" | "yml" => {
            let options = serde_saphyr::options! {
                // `off` is a precision, not a YAML 1.1 boolean
                strict_booleans: true,
                with_snippet: false,
            };
            serde_saphyr::from_str_with_options(&text, options)
                .map_err(|error| syntax("YAML", error.to_string()))
        }
        _ => Err(ConfigError::Extension { path: path.to_owned() }),
    }
}

fn toml(text: &str, path: &Path) -> Result<Value, ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        format: "TOML",
        message: error.to_string().trim_end().to_owned(),
    };
    json(toml::from_str(text).map_err(syntax)?, "")
}

/// TOML's values are JSON's, but for infinity.
pub(super) fn json(value: toml::Value, key: &str) -> Result<Value, ConfigError> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(number).map(Value::Number).ok_or_else(|| {
                ConfigError::value(key, format!("`{number}` is not a number that can stand here"))
            })?
        }
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(list) => {
            list.into_iter().map(|value| json(value, key)).collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(name, value)| {
                let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                Ok((name, json(value, &path)?))
            });
            Value::Object(entries.collect::<Result<_, ConfigError>>()?)
        }
    })
}
