//! The README shows the programs as they are, and commands that exist.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn the_quickstart_is_shown_whole() {
    let shown = format!("```rust\n{}```\n", read("examples/quickstart/src/main.rs"));
    assert!(read("README.md").contains(&shown), "copy examples/quickstart/src/main.rs into the README");
}

#[test]
fn the_expansion_is_shown_as_it_is() {
    let snapshot = read("amp-macros/src/tests/expansions/readme.rs");
    let (_, expansion) = snapshot.split_once("// Output:\n").unwrap();
    let shown = format!("```text\n{}```\n", expansion.replace("p::", "__amp::"));
    assert!(read("README.md").contains(&shown), "copy the output of the snapshot into the README");
}

#[test]
fn the_error_is_shown_as_it_is() {
    let shown = format!("```text\n{}```\n", read("tests/ui/huge_literal/mask.stderr"));
    assert!(read("README.md").contains(&shown), "copy the error into the README");
}

/// A row for each rule that the macro knows, and no other.
#[test]
fn every_rule_has_a_row() {
    let readme = read("README.md");
    let (_, rules) = readme.split_once("## The rules").unwrap();
    let (rules, _) = rules.split_once("\n## ").unwrap();
    let cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let shown: BTreeSet<String> = rules.lines().filter_map(cell).collect();
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../amp-macros/src/diagnose");
    let mut known = BTreeSet::new();
    for entry in fs::read_dir(pages).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        known.extend(
            source.split("Rule { id: \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
    }
    let steps = read("amp-macros/src/train_step/mistakes.rs");
    known.extend(
        steps
            .split("\"train_step_")
            .skip(1)
            .map(|rest| format!("train_step_{}", rest.split('"').next().unwrap())),
    );
    assert!(known.len() > 12, "{known:?}");
    assert_eq!(shown, known);
}

#[test]
fn the_quickstart_is_forty_lines() {
    let code = read("examples/quickstart/src/main.rs");
    let lines = code.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    assert!(lines.count() <= 40);
}

#[test]
fn its_commands_are_those_of_xtask() {
    let (readme, commands) = (read("README.md"), read("xtask/src/main.rs"));
    let named = readme.split("cargo xtask ").skip(1).filter_map(|rest| rest.split([' ', '`', '\n']).next());
    let mut count = 0;
    for name in named {
        let mut variant = name.to_owned();
        variant[..1].make_ascii_uppercase();
        assert!(commands.contains(&format!("    {variant}")), "`cargo xtask {name}` does not exist");
        count += 1;
    }
    assert!(count >= 2, "the README names no command");
}

#[test]
fn continuous_integration_runs_the_test_command_of_the_readme() {
    assert!(read("README.md").contains("cargo xtask test "));
    assert!(read(".ci/run").lines().any(|line| line == "cargo xtask test"));
}
