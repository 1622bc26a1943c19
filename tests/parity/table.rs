//! The page's tables against the recording, against the tests that they name, and against what is public.
use super::Recording;
use super::public_names::PublicNames;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../amp-runtime/src/parity.md");
const DIFFERS: &str = "**differs**: ";

struct Row {
    system: &'static str,
    theirs: &'static str,
    here: &'static str,
    tests: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let mut system = "";
    let mut rows = Vec::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            system = heading.trim_matches('`');
        }
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { continue };
        let cells: Vec<&str> = cells.split(" | ").collect();
        let [theirs, here, tests] = cells[..] else { panic!("not three cells: {line}") };
        if theirs != "theirs" {
            let tests = tests.split(", ").map(|test| test.trim_matches('`')).collect();
            rows.push(Row { system, theirs, here, tests });
        }
    }
    rows
}

/// A value in Python's words.
fn python(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().replace("e+", "e"),
        Value::Array(parts) => format!("[{}]", list(parts.iter().map(python).collect())),
        Value::Object(parts) => {
            let sorted: BTreeMap<_, _> = parts.iter().collect();
            format!(
                "{{{}}}",
                list(sorted.iter().map(|(key, part)| format!("{key}: {}", python(part))).collect())
            )
        }
    }
}

/// Text as code, on one line, cut where it is long.
fn code(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(90).collect();
    let shown = if cut == words { cut } else { format!("{}…", cut.trim_end()) };
    // One backtick more than the text has in a row.
    let quote = ["`", "``", "```"].into_iter().find(|quote| !shown.contains(quote)).unwrap();
    let space = if quote == "`" { "" } else { " " };
    format!("{quote}{space}{shown}{space}{quote}")
}

/// A case's cell: what is done, and what comes of it.
fn case_cell(record: &Value) -> String {
    let text = |key: &str| record[key].as_str().unwrap();
    let outcome = match record.get("gives") {
        Some(value) => code(&python(value)),
        None => format!("`{}` {}", text("raises"), code(text("says"))),
    };
    let warns = record["warns"][0].as_str().map(|warning| format!(", warns {}", code(warning)));
    format!("{}: {outcome}{}", text("case"), warns.unwrap_or_default())
}

/// The cells that the recording asks for, each with its system.
fn wanted(recording: &Recording) -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    let object = |key: &str| recording.0[key].as_object().unwrap();
    let array = |value: &Value| value.as_array().unwrap().clone();
    for (system, members) in object("members") {
        for member in array(members) {
            wanted.insert((system.clone(), format!("`{}`", member.as_str().unwrap())));
        }
    }
    for (system, arguments) in object("arguments") {
        let word = if system == "paramwise_cfg" { "key" } else { "argument" };
        for (name, default) in arguments.as_object().unwrap() {
            let default = match default {
                Value::String(text) if text == "required" || text == "any" => String::new(),
                Value::String(text) => format!("='{text}'"),
                other => format!("={}", python(other)),
            };
            wanted.insert((system.clone(), format!("{word} `{name}{default}`")));
        }
    }
    for (list, operators) in object("lists") {
        wanted.insert(("lists".to_owned(), format!("list `{list}`: {} operators", array(operators).len())));
    }
    for record in array(&recording.0["behaviours"]) {
        wanted.insert((record["system"].as_str().unwrap().to_owned(), case_cell(&record)));
    }
    wanted
}

fn lines<'a>(cells: impl Iterator<Item = &'a (String, String)>) -> String {
    cells.flat_map(|(system, cell)| ["\n", system, ": | ", cell, " |"]).collect()
}

#[test]
fn what_is_recorded_has_a_row_and_no_row_is_invented() {
    let rows = rows();
    let there: BTreeSet<_> = rows.iter().map(|row| (row.system.to_owned(), row.theirs.to_owned())).collect();
    let wanted = wanted(&Recording::read());
    let missing = lines(wanted.difference(&there));
    let invented = lines(there.difference(&wanted));
    assert!(missing.is_empty() && invented.is_empty(), "without a row:{missing}\nnot recorded:{invented}");
    assert_eq!(rows.len(), there.len(), "a row stands there twice");
    assert!(rows.len() > 300, "only {} rows", rows.len());
    let departures = rows.iter().filter(|row| row.here.starts_with(DIFFERS)).count();
    println!("{} rows, {departures} of them departures", rows.len());
}

/// The functions of a file that are tests.
fn tests_of(text: &str) -> BTreeSet<&str> {
    let mut is_test = false;
    let mut tests = BTreeSet::new();
    for line in text.lines().map(str::trim_start) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(function) = line.strip_prefix("fn ") {
            if std::mem::take(&mut is_test) {
                tests.extend(function.split('(').next());
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
    tests
}

/// `policy::lists::name`: its file, which must belong to the target `policy`, and `name`.
fn place(test: &str) -> (PathBuf, &str) {
    let (path, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("`{test}` names no file"));
    (Path::new(env!("CARGO_MANIFEST_DIR")).join(path.replace("::", "/")).with_extension("rs"), name)
}

#[test]
fn every_test_that_a_row_names_exists() {
    let targets = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let mut named = BTreeSet::new();
    for row in rows() {
        assert!(!row.tests.is_empty(), "{}", row.theirs);
        for test in row.tests {
            let (file, name) = place(test);
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("`{test}`: {error}"));
            assert!(tests_of(&text).contains(name), "`{test}`, of {}: no such test", row.theirs);
            let parts: Vec<&str> = test.split("::").collect();
            let target = format!("name = \"{}\"", parts[0]);
            assert!(targets.lines().any(|line| line == target), "`{test}`: its file is no target");
            let root = fs::read_to_string(place(&format!("{}::", parts[0])).0).unwrap();
            let module = format!("mod {};", parts[1]);
            assert!(parts.len() == 2 || root.contains(&module), "`{test}`: its file is not compiled");
            named.insert(test);
        }
    }
    println!("{} tests are named", named.len());
}

/// Where a member of theirs would be, were it here under its name.
fn counterpart(system: &str) -> &str {
    match system {
        "torch.autocast" => "Precision::",
        "torch.amp.GradScaler" => "GradScaler::",
        "OptimWrapper" | "AmpOptimWrapper" => "OptimWrapper::",
        "OptimWrapperDict" => "OptimWrapperDict::",
        "DefaultOptimWrapperConstructor" => "OptimWrapperConfig::",
        "paramwise_cfg" => "Paramwise::",
        _ => "",
    }
}

#[test]
fn what_is_said_not_to_be_here_is_not() {
    let public = PublicNames::read().names;
    let mut count = 0;
    for row in rows() {
        let here = row.here.strip_prefix(DIFFERS).unwrap_or(row.here);
        if !["none", "no such method"].iter().any(|word| here.starts_with(word)) {
            continue;
        }
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let name = row.theirs.split('`').nth(1).and_then(|name| name.split(|c| !is_name(c)).next());
        let name = format!("{}{}", counterpart(row.system), name.unwrap_or_default());
        assert!(!public.contains(&name), "{}: `{name}` is here", row.theirs);
        count += 1;
    }
    assert!(count > 40, "only {count} rows were looked at");
}

/// `Type::member` and `Type::variant`, wherever a row names one.
#[test]
fn what_is_said_to_be_here_is_public() {
    let public = PublicNames::read().names;
    let mut count = 0;
    for row in rows() {
        for name in row.here.split('`').skip(1).step_by(2).filter(|code| code.contains("::")) {
            assert!(public.contains(name), "{}: `{name}` does not exist", row.theirs);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} names were looked at");
}
