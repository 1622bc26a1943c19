//! `#[amp(crate = ::path)]` in a crate that does not know `amp_runtime` by its name.
#[allow(dead_code)]
#[path = "public_code/marked.rs"]
mod marked;
#[allow(dead_code)]
#[path = "public_code/package.rs"]
mod package;
#[allow(dead_code)]
#[path = "public_code/sources.rs"]
mod sources;

use package::Package;
use std::fs;
use std::path::Path;

#[test]
fn under_another_name() {
    let package = Package::new("reexported");
    package.write_manifest("2024", "");
    let manifest = fs::read_to_string(package.folder.join("Cargo.toml")).unwrap();
    let renamed = manifest.replace("\namp-runtime = {", "\nrenamed = { package = \"amp-runtime\",");
    assert_ne!(manifest, renamed);
    package.write("Cargo.toml", &renamed);
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("reexported/main.rs");
    package.write("src/main.rs", &fs::read_to_string(main).unwrap());
    let output = package.cargo(&["run"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
