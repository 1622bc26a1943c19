//! tch's sources in the local cargo registry, of the version in use.
use std::path::{Path, PathBuf};
use std::{env, fs};

pub(crate) fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the workspace is there")
}

/// tch's version in the lock file.
fn version() -> String {
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("a lock file");
    let (_, after) = lock.split_once("name = \"tch\"\nversion = \"").expect("tch is locked");
    after.split('"').next().expect("a version").to_owned()
}

/// The folder of tch's sources; none if cargo took them from elsewhere.
pub(crate) fn tch() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))?;
    let name = format!("tch-{}", version());
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.filter_map(|registry| Some(registry.ok()?.path().join(&name))).find(|folder| folder.is_dir())
}

/// A file to copy: where from, and as which module file below `plain` and `amped`.
pub(crate) struct Source {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
}

/// What is left out: the codec that needs a feature which is off.
const LEFT_OUT: [&str; 1] = ["rust_image"];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().replace('-', "_")
}

/// `src/nn`, `src/vision`, `src/data.rs` and all examples.
pub(crate) fn all(tch: &Path) -> Vec<Source> {
    let mut sources = vec![Source { from: tch.join("src/data.rs"), to: "data.rs".into() }];
    for folder in ["nn", "vision"] {
        for from in rust_files(&tch.join("src").join(folder)) {
            let name = stem(&from);
            if !LEFT_OUT.contains(&name.as_str()) {
                sources.push(Source { from, to: Path::new(folder).join(name).with_extension("rs") });
            }
        }
    }
    for example in rust_files(&tch.join("examples")) {
        let name = stem(&example);
        let to = Path::new("examples").join(&name);
        if !example.is_dir() {
            sources.push(Source { from: example, to: to.with_extension("rs") });
            continue;
        }
        for from in rust_files(&example) {
            let file = stem(&from);
            let file = if file == "main" { "mod".to_owned() } else { file };
            sources.push(Source { from, to: to.join(file).with_extension("rs") });
        }
    }
    sources
}
