//! Tells the linker where libtorch is when the program runs, and writes the corpus of `translation` without its marks.
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// `#[amp]`, `#[amp(full)]` and their like go, and with them nothing else: lines and columns of the rest stay.
fn unmarked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("#[amp") {
        let end = start + rest[start..].find(']').expect("a mark ends");
        plain.push_str(&rest[..start]);
        plain.extend(rest[start..=end].chars().map(|_| ' '));
        rest = &rest[end + 1..];
    }
    plain + rest
}

/// `mod plain` and `mod amped`: the same files, once without and once with their marks.
fn corpus(files: &[PathBuf], out: &Path) -> String {
    let (mut plain, mut amped) = (String::new(), String::new());
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let copy = out.join(format!("plain_{name}.rs"));
        fs::write(&copy, unmarked(&fs::read_to_string(file).expect("a corpus file"))).expect("a copy");
        let (copy, file) = (copy.display().to_string(), file.display().to_string());
        writeln!(plain, "#[path = {copy:?}] pub mod {name};").expect("a string");
        writeln!(amped, "#[path = {file:?}] pub mod {name};").expect("a string");
    }
    format!("mod plain {{\n{plain}}}\nmod amped {{\n{amped}}}\n")
}

fn main() {
    if let Ok(lib) = env::var("DEP_AMP_RUNTIME_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let tests = if package.ends_with("edition_2021") { package.join("..") } else { package };
    let folder = tests.join("translation/corpus");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    fs::write(out.join("corpus.rs"), corpus(&files, &out)).expect("the modules");
    files.retain(|file| !file.ends_with("chains.rs")); // edition 2021 has none
    fs::write(out.join("corpus_2021.rs"), corpus(&files, &out)).expect("the modules");
    println!("cargo:rerun-if-changed={}", folder.display());
    println!("cargo:rerun-if-changed=build.rs");
}
