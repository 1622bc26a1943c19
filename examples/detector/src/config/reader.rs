//! From a document to its sections, with everything that is wrong at once.
use super::document::{at, below, describe, take};
use super::error::Problem;
use super::sections::Sections;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Keys beside the sections, for messages about unknown ones.
const OTHERS: [&str; 4] = ["optim_wrapper", "param_scheduler", "data_root", "_base_"];

/// Reads the sections, or finds what is wrong with them: what the reader stumbles over is taken away, and it starts again.
pub(super) fn read(mut document: Value) -> Result<Sections, Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, Sections>(&document) {
            Ok(sections) if problems.is_empty() => return Ok(sections),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let problem = problem(&error, &document);
        // a key that must be there, and was taken away
        if problems.iter().any(|other| other.key == problem.key) {
            return Err(problems);
        }
        let is_gone = take(&mut document, &problem.key).is_some();
        problems.push(problem);
        if !is_gone {
            return Err(problems);
        }
    }
}

/// A reader's error in the words of `amp-runtime`, which reads the rest.
fn problem(error: &serde_path_to_error::Error<serde_json::Error>, document: &Value) -> Problem {
    let message = error.inner().to_string();
    let mut key = String::new();
    let mut above = String::new();
    let mut last = None;
    for segment in error.path() {
        above.clone_from(&key);
        match segment {
            Segment::Map { key: name } => {
                key = below(&key, name);
                last = Some(name.as_str());
            }
            Segment::Seq { index } => key = format!("{key}[{index}]"),
            // inside of a tagged table the reader loses its way
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field ") {
        let name = quoted.next().unwrap_or_default();
        let above = if last == Some(name) { &above } else { &key };
        let mut known: Vec<&str> = quoted.collect();
        if above.is_empty() {
            known.extend(OTHERS);
        }
        let key = below(above, name);
        Problem::new(&key, format!("unknown key `{key}`\nhelp: {}", suggestion(name, &known)))
    } else if message.starts_with("missing field ") {
        let key = below(&key, quoted.next().unwrap_or_default());
        Problem::new(&key, format!("`{key}` is missing"))
    } else if message.starts_with("unknown variant ") {
        let word = quoted.next().unwrap_or_default();
        let key = the_one_in(&key, &Value::from(word), document);
        let known: Vec<&str> = quoted.collect();
        Problem::new(&key, format!("`{key}` is {word:?}\nhelp: {}", suggestion(word, &known)))
    } else if let Some(length) = message.strip_prefix("invalid length ") {
        let (found, wants) = length.split_once(", expected ").unwrap_or((length, ""));
        Problem::wants(&key, &format!("a list of {found}"), &wanted(wants))
    } else if let Some((found, wants)) = message.split_once(", expected ") {
        let found = found.split_once(": ").map_or(found, |(_, found)| found);
        let Some(found) = value_of(found) else { return Problem::wants(&key, &plain(found), &wanted(wants)) };
        let key = the_one_in(&key, &found, document);
        Problem::wants(&key, &describe(&found), &wanted(wants))
    } else {
        Problem::value(&key, message)
    }
}

/// The key of `value`, if the reader only knows the table that it is in.
fn the_one_in(key: &str, value: &Value, document: &Value) -> String {
    let Some(Value::Object(table)) = at(document, key) else { return key.to_owned() };
    let mut places = table.iter().filter(|(_, other)| *other == value);
    match (places.next(), places.next()) {
        (Some((name, _)), None) => below(key, name),
        _ => key.to_owned(),
    }
}

/// The known name that is most likely meant, and all of them.
fn suggestion(name: &str, known: &[&str]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let near = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = near.filter(|known| likeness(known) > 0.8).map(|known| format!("is it `{known}`? "));
    let known = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    format!("{}known: {known}", near.unwrap_or_default())
}

/// The single value in serde's words: "integer `3`", "string "x"".
fn value_of(found: &str) -> Option<Value> {
    let (kind, text) = found.split_once(' ')?;
    let text = if kind == "string" { text } else { text.rsplit_once(' ').map_or(text, |(_, text)| text) };
    serde_json::from_str(text.trim_matches('`')).ok()
}

/// A list or a table in serde's words.
fn plain(found: &str) -> String {
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// A type in serde's words.
fn wanted(wants: &str) -> String {
    match wants {
        "u64" | "usize" => "an integer of 0 or more",
        "u32" => "an integer from 0 to 4294967295",
        "i32" | "i64" => "an integer",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "path string" => "a path",
        wants if wants.starts_with("struct ") || wants.contains(" enum ") => "a table",
        wants => return wants.replace("an array of length", "a list of"),
    }
    .to_owned()
}
