//! The guides name what exists: items of `amp_runtime`, keys of configurations, commands and flags of the detector.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "public_names.rs"]
mod public_names;
use public_names::PublicNames;

const PYTORCH: &str = include_str!("../amp-runtime/src/guides/from_pytorch_amp.md");
const MMDETECTION: &str = include_str!("../amp-runtime/src/guides/from_mmdetection.md");

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The text of every Rust file below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// A table's rows, each a list of cells; the first is the head.
type Table = Vec<Vec<String>>;

fn tables(guide: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut is_inside = false;
    for line in guide.lines() {
        let row = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
        if let Some(row) = row {
            if !is_inside {
                tables.push(Table::new());
            }
            let cells = row.split('|').map(|cell| cell.trim().to_owned()).collect();
            tables.last_mut().unwrap().push(cells);
        }
        is_inside = row.is_some();
    }
    for table in &tables {
        assert!(table.len() > 2 && table.iter().all(|row| row.len() == table[0].len()), "{table:?}");
    }
    tables
}

/// The rows of the tables whose first head is one of these.
fn rows<'a>(tables: &'a [Table], heads: &[&str]) -> Vec<&'a [String]> {
    let wanted = tables.iter().filter(|table| heads.contains(&table[0][0].as_str()));
    wanted.flat_map(|table| &table[2..]).map(Vec::as_slice).collect()
}

/// What stands in backticks.
fn snippets(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words of a text, each with what stands right before and after it.
fn words(text: &str) -> Vec<(&str, &str, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_word = letter.is_alphanumeric() || letter == '_';
        match start {
            None if is_word => start = Some(at),
            Some(from) if !is_word => {
                words.push((&text[..from], &text[from..at], &text[at..]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// What a snippet says to be ours: calls, paths, and names that stand alone; a name after a type with the type.
fn named(snippet: &str) -> Vec<String> {
    if snippet.starts_with("tch::") {
        return Vec::new();
    }
    let words = words(snippet);
    let mut names = Vec::new();
    for (index, (before, word, after)) in words.iter().enumerate() {
        if before.ends_with("::") && words[index - 1].1.starts_with(char::is_uppercase) {
            names.push(format!("{}::{word}", words[index - 1].1));
        } else if before.ends_with("::")
            || before.ends_with('.')
            || ["(", "::", " {"].iter().any(|follows| after.starts_with(follows))
            || (before.is_empty() && after.is_empty())
        {
            names.push((*word).to_owned());
        }
    }
    names.retain(|name| name != "Some");
    names
}

#[test]
fn what_is_said_to_be_here_is_public() {
    let public = PublicNames::read();
    let mut count = 0;
    for guide in [PYTORCH, MMDETECTION] {
        for row in rows(&tables(guide), &["PyTorch", "MMEngine"]) {
            for name in snippets(&row[1]).flat_map(named) {
                assert!(
                    public.names.contains(&name) || public.methods.contains(&name),
                    "`{name}`, in place of {}, does not exist",
                    row[0]
                );
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} names were found");
}

/// Where libtorch came with PyTorch, its own source says what `GradScaler` has.
#[test]
fn what_is_said_of_pytorchs_scaler_is_there() {
    let Ok(theirs) = fs::read_to_string(workspace(".libtorch/torch/amp/grad_scaler.py")) else {
        return println!("SKIPPED: libtorch is here without PyTorch's sources");
    };
    let tables = tables(PYTORCH);
    let rows = rows(&tables, &["PyTorch"]);
    let calls = rows.iter().flat_map(|row| snippets(&row[0])).filter_map(|call| call.strip_prefix("scaler."));
    let mut count = 0;
    for call in calls {
        let (name, _) = call.split_once('(').unwrap();
        assert!(theirs.contains(&format!("def {name}(")), "`GradScaler` has no `{name}`");
        count += 1;
    }
    assert!(count > 8, "only {count} calls were found");
}

#[test]
fn the_keys_of_configurations_are_read_somewhere() {
    let folders = ["amp-runtime/src/config", "examples/detector/src/config"];
    let texts: Vec<String> = folders.iter().flat_map(|folder| sources(&workspace(folder))).collect();
    let known: BTreeSet<&str> = texts.iter().flat_map(|text| words(text)).map(|(_, word, _)| word).collect();
    let tables = tables(MMDETECTION);
    let rows = rows(&tables, &["key"]);
    assert!(rows.len() > 15, "only {} keys were found", rows.len());
    for snippet in rows.iter().flat_map(|row| row[..2].iter()).flat_map(|cell| snippets(cell)) {
        for (_, word, _) in words(snippet) {
            assert!(known.contains(word), "`{word}` of `{snippet}` is read nowhere");
        }
    }
}

/// The detector's command line, as its source declares it.
struct CommandLine {
    /// The type of each command's arguments.
    commands: BTreeMap<String, String>,
    /// By type: own flags, and the types whose flags are taken in.
    arguments: BTreeMap<String, (BTreeSet<String>, Vec<String>)>,
}

impl CommandLine {
    fn read() -> Self {
        let text = fs::read_to_string(workspace("examples/detector/src/cli.rs")).unwrap();
        let mut line = Self { commands: BTreeMap::new(), arguments: BTreeMap::new() };
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                syn::Item::Enum(item) if item.ident == "Command" => {
                    for variant in item.variants {
                        let field = variant.fields.iter().next().unwrap();
                        line.commands.insert(variant.ident.to_string().to_lowercase(), type_name(&field.ty));
                    }
                }
                syn::Item::Struct(item) => {
                    let (mut flags, mut taken_in) = (BTreeSet::new(), Vec::new());
                    for field in &item.fields {
                        if has(field, "arg", "long") {
                            flags.insert(format!("--{}", field.ident.as_ref().unwrap()).replace('_', "-"));
                        } else if has(field, "command", "flatten") {
                            taken_in.push(type_name(&field.ty));
                        }
                    }
                    line.arguments.insert(item.ident.to_string(), (flags, taken_in));
                }
                _ => {}
            }
        }
        line
    }

    fn flags(&self, arguments: &str) -> BTreeSet<String> {
        let (own, taken_in) = &self.arguments[arguments];
        taken_in.iter().flat_map(|arguments| self.flags(arguments)).chain(own.iter().cloned()).collect()
    }
}

fn type_name(of: &syn::Type) -> String {
    let syn::Type::Path(path) = of else { return String::new() };
    path.path.segments.last().unwrap().ident.to_string()
}

/// Whether a field's attribute has the word.
fn has(field: &syn::Field, attribute: &str, word: &str) -> bool {
    field.attrs.iter().filter(|attr| attr.path().is_ident(attribute)).any(|attr| match &attr.meta {
        syn::Meta::List(list) => words(&list.tokens.to_string()).iter().any(|(_, other, _)| *other == word),
        _ => false,
    })
}

#[test]
fn the_detectors_commands_and_flags_exist() {
    let line = CommandLine::read();
    let anywhere: BTreeSet<String> =
        line.commands.values().flat_map(|arguments| line.flags(arguments)).collect();
    let mut seen = BTreeSet::new();
    let tables = tables(MMDETECTION);
    let ours = rows(&tables, &["MMDetection"]).into_iter().flat_map(|row| snippets(&row[1]));
    let text: Vec<&str> = MMDETECTION.lines().filter(|line| !line.starts_with('|')).collect();
    let in_text = text.iter().flat_map(|line| snippets(line));
    for words in ours.chain(in_text).chain(text.iter().copied()) {
        let mut words = words.split_whitespace();
        let (known, first) = match (words.next(), words.next()) {
            (Some("detector"), Some(command)) => {
                let arguments = line.commands.get(command);
                let arguments = arguments.unwrap_or_else(|| panic!("there is no `detector {command}`"));
                seen.insert(command);
                (line.flags(arguments), None)
            }
            (Some(flag), _) if flag.starts_with("--") => (anywhere.clone(), Some(flag)),
            _ => continue,
        };
        for flag in words.chain(first).filter(|word| word.starts_with("--")) {
            assert!(known.contains(flag), "the detector has no `{flag}` there");
        }
    }
    assert_eq!(seen, line.commands.keys().map(String::as_str).collect());
}
