//! A machine made of shell scripts: a workspace, and the only programs that xtask can find.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct World {
    folder: TempDir,
}

pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stderr: String,
}

const LIBRARY: &str =
    if cfg!(target_os = "macos") { "lib/libtorch_cpu.dylib" } else { "lib/libtorch_cpu.so" };

/// Answers the look with the lines of `facts`, loads what has not the word "damaged" in it, and leaves the rest to
/// `pip`, `venv`.
const PYTHON: &str = r#"
here=$(dirname "$0")
case "$2" in
*CDLL*argv*) if grep -q damaged "$3"; then echo "OSError: file too short" >&2; exit 1; fi ;;
*version_info*) cat "$here/facts" ;;
pip) . "$here/pip" ;;
venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$here/pip-of-venv" "$3/bin/pip" ;;
esac"#;

/// Notes its arguments and copies the torch of the index to the target.
const PIP: &str = r#"
echo "$@" >> "$WORLD/pip-calls"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2"
cp -R "$WORLD/index/torch" "$2/torch""#;

const CARGO: &str = r#"
echo "$@ LIBTORCH=$LIBTORCH LIBTORCH_USE_PYTORCH=$LIBTORCH_USE_PYTORCH RUSTDOCFLAGS=$RUSTDOCFLAGS" >> "$WORLD/cargo-calls"
[ "$1" != "$FAILING" ]"#;

impl World {
    /// A fresh machine: cargo, a C++ compiler, python3 with pip, an index that has torch 2.11.
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(world.root()).unwrap();
        fs::create_dir(world.path("bin")).unwrap();
        world.torch("index/torch", "2.11.0");
        world.script("cargo", CARGO);
        world.script("c++", "");
        world.script("python3", PYTHON);
        world.facts("version 3.11\nfree 999999999999\npip\nvenv\n");
        world.script("pip", PIP);
        world.script("pip-of-venv", PIP);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("workspace")
    }

    pub(crate) fn installed(&self) -> PathBuf {
        self.root().join(".libtorch/torch")
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.installed().join(LIBRARY)
    }

    pub(crate) fn script(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        let text = self.path("text");
        put(&text, &format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n"));
        // a file that this process ever had open for writing may be busy when it is to be run
        assert!(Command::new("install").args(["-m", "755"]).args([text, path]).status().unwrap().success());
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    pub(crate) fn facts(&self, lines: &str) {
        fs::write(self.path("bin/facts"), lines).unwrap();
    }

    pub(crate) fn torch(&self, name: &str, version: &str) -> PathBuf {
        let torch = self.path(name);
        let numbers: Vec<&str> = version.split('.').collect();
        let header = ["MAJOR", "MINOR", "PATCH"].iter().zip(numbers);
        let header: Vec<String> =
            header.map(|(part, n)| format!("#define TORCH_VERSION_{part} {n}\n")).collect();
        put(&torch.join(LIBRARY), "a library");
        put(&torch.join("lib/libtorch.so"), "a library");
        put(&torch.join("include/torch/headeronly/version.h"), &header.concat());
        torch
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        for name in ["LIBTORCH_USE_PYTORCH", "VIRTUAL_ENV", "CXX", "RUSTDOCFLAGS", "FAILING"] {
            command.env_remove(name);
        }
        command
            .args(args)
            .current_dir(self.root())
            .env("PATH", self.path("bin"))
            .env("CARGO", self.path("bin/cargo"))
            .env("AMP_WORKSPACE", self.root())
            .env("LIBTORCH", self.installed()) // as cargo's `[env]` does
            .env("WORLD", self.path(""));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        outcome(&mut self.command(args))
    }

    pub(crate) fn setup(&self) -> Outcome {
        self.run(&["setup"])
    }

    /// The lines that the fakes noted.
    pub(crate) fn calls(&self, program: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(&format!("{program}-calls"))).unwrap_or_default();
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Outcome { code: output.status.code().unwrap(), stderr }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn succeeds(&self, said: &str) {
        assert!(self.code == 0 && self.stderr.contains(said), "{}: {}", self.code, self.stderr);
    }

    /// Every error has at most three lines, and exit code 1.
    #[track_caller]
    pub(crate) fn fails(&self, said: &str) {
        let message = self.stderr.split_once("error: ").map_or("", |(_, message)| message);
        assert!(self.code == 1 && message.starts_with(said), "{}: {}", self.code, self.stderr);
        assert!(message.lines().count() <= 3, "{message}");
    }
}

pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
