//! `--cfg-options`: single values on top of the files.
use super::document::{Document, merge};
use super::error::ConfigError;
use serde_json::{Map, Value};

/// Sets `a.b.0.c=value` in the document: tables by key, lists by place. The value is TOML (`3`, `[1, 2]`, `{x = 1}`) or a word
/// of Python (`True`, `False`, `None`); `1,2` is a list, as in MMEngine; and all else is text.
pub(super) fn set(document: &mut Value, option: &str) -> Result<(), ConfigError> {
    let bad = |message: &str| ConfigError::Option { option: option.to_owned(), message: message.to_owned() };
    let Some((path, text)) = option.split_once('=') else { return Err(bad("write `key=value`")) };
    if path.split('.').any(|key| key.trim().is_empty()) {
        return Err(bad("a part of the key is empty; write `a.b=value`"));
    }
    let mut place = document;
    for key in path.split('.').map(str::trim) {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Array(list) => {
                let length = list.len();
                let item = key.parse::<usize>().ok().and_then(|index| list.get_mut(index));
                item.ok_or_else(|| bad(&format!("`{key}` is no place in a list of {length}")))?
            }
            Value::Object(table) => table.entry(key).or_insert(Value::Null),
            _ => return Err(bad(&format!("there is a single value above `{key}`"))),
        };
    }
    merge(place, value(text).map_err(|message| bad(&message))?);
    Ok(())
}

fn value(text: &str) -> Result<Value, String> {
    if text.contains(',') && !text.contains(['[', '{', '(', '"', '\'']) {
        return text.split(',').map(|item| value(item.trim())).collect();
    }
    let plain = match text {
        "True" => "true",
        "False" => "false",
        "None" => return Ok(Value::Null),
        text => text,
    };
    let table = toml::from_str::<toml::Table>(&format!("value = {plain}")).unwrap_or_default();
    match (table.len(), table.get("value")) {
        // a work folder may well be called `2026-01-01`
        (1, Some(value)) if !value.is_datetime() => {
            let Document(value) = value.clone().try_into().map_err(|error| error.to_string())?;
            Ok(value)
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}
