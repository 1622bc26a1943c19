//! A document in memory: what lies where, and how one goes on top of another.
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A document of any format. A key that is there twice is an error; infinity is the string "inf", as JSON has none.
pub(super) struct Document(pub(super) Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, a list, a string, a number, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Document, E> {
        Ok(Document(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Document, D::Error> {
        Document::deserialize(from)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Document, E> {
        Ok(Document(flag.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Document, E> {
        Ok(Document(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Document, E> {
        // TOML, which the configuration is written down in, has no larger ones
        let number = i64::try_from(number).map_err(|_| E::custom(format!("{number} is too large")))?;
        self.visit_i64(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Document, E> {
        match serde_json::Number::from_f64(number) {
            Some(number) => Ok(Document(Value::Number(number))),
            None if number.is_nan() => Err(E::custom("NaN is no number to train with")),
            None => self.visit_str(if number > 0. { "inf" } else { "-inf" }),
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(Document(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Document(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut table = Map::new();
        while let Some((key, Document(value))) = entries.next_entry::<String, Document>()? {
            if table.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` is given twice")));
            }
            table.insert(key, value);
        }
        Ok(Document(Value::Object(table)))
    }
}

/// Puts `over` on top of `below`: tables key by key, all else as a whole. A table with `_delete_ = true` replaces what is below
/// it; the mark stays, so that it does not matter how layers are nested.
pub(super) fn merge(below: &mut Value, over: Value) {
    match (below, over) {
        (Value::Object(below), Value::Object(over)) if over.get(DELETE) != Some(&Value::Bool(true)) => {
            for (key, value) in over {
                match below.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        // what stands between two tables parts them, as the mark does
        (below, Value::Object(mut over)) => {
            over.insert(DELETE.to_owned(), true.into());
            *below = Value::Object(over);
        }
        (below, over) => *below = over,
    }
}

const DELETE: &str = "_delete_";

/// Takes away what only merging wants, and null, Python's `None`, which is as good as absent.
pub(super) fn drop_marks(document: &mut Value) {
    match document {
        Value::Object(table) => {
            table.retain(|key, value| key != DELETE && !value.is_null());
            table.values_mut().for_each(drop_marks);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_marks),
        _ => {}
    }
}

/// The value at a key such as `train_dataloader.dataset.pipeline[1].prob`.
pub(super) fn at<'a>(document: &'a Value, key: &str) -> Option<&'a Value> {
    steps(key).try_fold(document, |place, step| match place {
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        place => place.get(step),
    })
}

/// Takes a key out of its table; none where there is no such key. Items of lists stay, as those behind them would move.
pub(super) fn take(document: &mut Value, key: &str) -> Option<Value> {
    let (above, last) = key.rsplit_once('.').unwrap_or(("", key));
    let table = steps(above).try_fold(document, |place, step| match place {
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
        place => place.get_mut(step),
    });
    table?.as_object_mut()?.remove(last)
}

/// The parts of a key.
pub(super) fn steps(key: &str) -> impl Iterator<Item = &str> {
    key.split(['.', '[', ']']).filter(|step| !step.is_empty())
}

/// The key of `name` in the table at `above`.
pub(super) fn below(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

/// What a message says that was found.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 40 => "a long string".to_owned(),
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        single => single.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{DELETE, merge};
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn merged(mut below: Value, over: &Value) -> Value {
        merge(&mut below, over.clone());
        below
    }

    /// Values of a few keys, of which some tables start anew.
    fn value() -> impl Strategy<Value = Value> {
        let single = prop_oneof![
            (0..9_i64).prop_map(Value::from),
            Just(Value::Null),
            Just(Value::Array(vec![1.into()]))
        ];
        single.prop_recursive(3, 12, 3, |inner| {
            let entries = prop::collection::btree_map("[a-c]", inner, 0..3);
            (entries, any::<bool>()).prop_map(|(entries, is_new)| {
                let mark = is_new.then(|| (DELETE.to_owned(), true.into()));
                entries.into_iter().chain(mark).collect::<Map<_, _>>().into()
            })
        })
    }

    proptest! {
        /// A base of a base, or two bases: what lies on top of what is all that matters.
        #[test]
        fn how_layers_are_nested_does_not_matter(a in value(), b in value(), c in value()) {
            prop_assert_eq!(merged(merged(a.clone(), &b), &c), merged(a, &merged(b, &c)));
        }
    }
}
