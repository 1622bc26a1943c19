//! Configurations: layers, options, precision, and what is said about mistakes.
use detector::config::{Config, Overrides};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

#[path = "config/builtin.rs"]
mod builtin;
#[path = "config/layers.rs"]
mod layers;
#[path = "config/mistakes.rs"]
mod mistakes;
#[path = "config/mmdetection.rs"]
mod mmdetection;
#[path = "config/options.rs"]
mod options;
#[path = "config/precision.rs"]
mod precision;
#[path = "config/values.rs"]
mod values;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The configuration `name` of these files; errors call their folder `FOLDER`.
fn load_of(files: &[(&str, &str)], name: &str, overrides: Overrides) -> Result<Config, String> {
    let folder = folder(files);
    Config::load(&folder.path().join(name), overrides)
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER"))
}

/// `cells` with options on top.
fn cells(options: &[&str]) -> Result<Config, String> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let overrides = Overrides { options: &options, ..Overrides::default() };
    Config::load(Path::new("cells"), overrides).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(options: &[&str], message: &str) {
    let found = cells(options).expect_err("it is bad");
    assert!(found.contains(message), "{found}\nand not\n{message}");
}
