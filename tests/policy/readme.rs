//! The README's op table is the table.
use amp_runtime::policy::{OPS, markdown};
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- the op table, from amp_runtime::policy::markdown() -->\n";
const END: &str = "<!-- the op table ends -->";

#[test]
fn the_readme_shows_the_table() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let shown = readme.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(table, _)| table);
    let wanted = format!("\n{}\n", markdown());
    assert!(shown == Some(&wanted), "between its two markers the README should have:\n{BEGIN}{wanted}{END}");
}

#[test]
fn the_table_for_reading_names_every_operation_that_is_cast() {
    let text = markdown();
    for op in OPS.iter().filter(|op| op.class != "Follow" && !op.in_place) {
        assert!(text.contains(&format!("`{}`", op.name)), "{} is not in the table", op.name);
    }
}
