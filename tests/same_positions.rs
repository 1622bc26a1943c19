//! rustc's own errors in an `#[amp]` body point where they point without it.
#[allow(dead_code)]
#[path = "public_code/marked.rs"]
mod marked;
#[allow(dead_code)]
#[path = "public_code/package.rs"]
mod package;
#[allow(dead_code)]
#[path = "public_code/sources.rs"]
mod sources;

use package::{Package, Report, reports};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Errors of one file: place, number and words.
type Errors = Vec<Report>;

/// `#[amp]` gone, and nothing moved.
fn unmarked(text: &str) -> String {
    text.replace("#[amp]", "      ")
}

fn name(report: &Report) -> String {
    report.file.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// What of an error has to be the same: where it points, and which error it is.
fn place(report: &Report) -> String {
    let Report { line, column, end, code, .. } = report;
    format!("{line}:{column}..{}:{} {}", end.0, end.1, code.as_deref().unwrap_or("-"))
}

#[test]
fn errors_point_at_the_same_tokens() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("same_positions/cases");
    let mut files: Vec<_> = fs::read_dir(&cases).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let package = Package::new("same_positions");
    package.write_manifest("2024", "");
    package.write("src/lib.rs", "");
    for file in &files {
        let (name, text) = (file.file_stem().unwrap().to_string_lossy(), fs::read_to_string(file).unwrap());
        package.write(format!("src/bin/amped_{name}.rs"), &text);
        package.write(format!("src/bin/plain_{name}.rs"), &unmarked(&text));
    }
    let output = package.cargo(&["build", "--bins", "--keep-going", "--message-format=json"]);
    let mut by_file: BTreeMap<String, Errors> = BTreeMap::new();
    for report in reports(&output) {
        by_file.entry(name(&report)).or_default().push(report);
    }
    let mut wrong = Vec::new();
    let mut compared = 0;
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let none = Errors::new();
        let of = |kind: &str| by_file.get(&format!("{kind}_{name}")).unwrap_or(&none);
        let (plain, amped) = (of("plain"), of("amped"));
        assert!(!plain.is_empty(), "{name} has no error\n{}", String::from_utf8_lossy(&output.stderr));
        compared += plain.len();
        let missing = plain.iter().filter(|error| !amped.iter().any(|other| place(other) == place(error)));
        wrong.extend(
            missing.map(|error| format!("{name}: not with `#[amp]`: {} {}", place(error), error.message)),
        );
        let added = amped.iter().filter(|error| !plain.iter().any(|other| place(other) == place(error)));
        wrong.extend(
            added.map(|error| format!("{name}: only with `#[amp]`: {} {}", place(error), error.message)),
        );
    }
    println!("{compared} errors in {} files", files.len());
    assert!(wrong.is_empty(), "{} differences in {compared} errors:\n{}", wrong.len(), wrong.join("\n"));
}
