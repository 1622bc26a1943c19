//! `--cfg-options`: single values on top of the files.
use super::error::ConfigError;
use super::layers::{json, merge};
use serde_json::{Map, Value};

/// Sets `a.b.0.c=value` in the document: tables by key, lists by place. The value is TOML (`3`, `[1, 2]`, `{x = 1}`), and else
/// text.
pub(super) fn set(document: &mut Value, option: &str) -> Result<(), ConfigError> {
    let bad = |message: &str| ConfigError::Option { option: option.to_owned(), message: message.to_owned() };
    let Some((path, text)) = option.split_once('=') else { return Err(bad("write `key=value`")) };
    if path.split('.').any(|key| key.trim().is_empty()) {
        return Err(bad("a part of the key is empty; write `a.b=value`"));
    }
    let mut place = document;
    for key in path.split('.').map(str::trim) {
        place = match place {
            Value::Array(list) => {
                let length = list.len();
                let item = key.parse::<usize>().ok().and_then(|index| list.get_mut(index));
                item.ok_or_else(|| bad(&format!("`{key}` is no place in a list of {length}")))?
            }
            Value::Object(table) => table.entry(key).or_insert(Value::Null),
            other if other.is_null() => {
                *other = Value::Object(Map::new());
                match other {
                    Value::Object(table) => table.entry(key).or_insert(Value::Null),
                    _ => return Err(bad("it cannot be set")),
                }
            }
            _ => return Err(bad(&format!("there is a single value above `{key}`"))),
        };
    }
    merge(place, value(text)?);
    Ok(())
}

fn value(text: &str) -> Result<Value, ConfigError> {
    match toml::from_str::<toml::Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => match table.remove("value") {
            Some(value) => json(value, text),
            None => Ok(Value::String(text.to_owned())),
        },
        _ => Ok(Value::String(text.to_owned())),
    }
}
