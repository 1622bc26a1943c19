//! A folder that tests and measures on another machine: programs, references and a script, without sources, cargo or network.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cargo;
use crate::error::Error;
use crate::workspace::Workspace;

/// The test programs that say something on a GPU.
const TESTS: [&str; 14] = [
    "accumulation",
    "clipping",
    "graphed",
    "memory",
    "never_stale",
    "numerics",
    "optimizers",
    "overflow",
    "policy",
    "resume",
    "scaler",
    "scaler_rules",
    "sync_free",
    "wrapper",
];

/// The references that they read, and what makes those of the other machine.
const GOLDENS: [&str; 10] = [
    "autocast.json",
    "autocast.safetensors",
    "autocast_live.py",
    "autocast_models.py",
    "clip.safetensors",
    "hysteresis.json",
    "mmengine.json",
    "optimizers.json",
    "optimizers.safetensors",
    "scaler_traces.safetensors",
];

/// Builds into `out`, which must be empty if it is there, and is gone again if it cannot be filled.
pub(crate) fn run(workspace: &Workspace, out: &Path) -> Result<(), Error> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::NotEmpty { path: out.to_owned() });
    }
    let tests = TESTS.iter().flat_map(|test| ["--test", *test]);
    let tests = ["test", "--no-run", "--release", "--package", "amp-tests"].into_iter().chain(tests);
    let mut programs = built(workspace, tests)?;
    programs.extend(built(workspace, ["build", "--release", "--package", "side-by-side"])?);
    if let Err(error) = fill(workspace, out, &programs) {
        let _ = fs::remove_dir_all(out);
        return Err(error);
    }
    println!("{} MB in `{}`; there: `python3 run.py`", size(out) / 1_000_000, out.display());
    Ok(())
}

fn fill(workspace: &Workspace, out: &Path, programs: &[(String, PathBuf)]) -> Result<(), Error> {
    let (bin, goldens) = (out.join("bin"), out.join("goldens"));
    for folder in [&bin, &goldens] {
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            what: "make",
            path: folder.clone(),
            source,
        })?;
    }
    for (name, program) in programs {
        let target = bin.join(name);
        copy(program, &target)?;
        strip(&target)?;
    }
    for name in GOLDENS {
        copy(&workspace.root().join("tests/goldens").join(name), &goldens.join(name))?;
    }
    let scripts = [
        ("run.py", include_str!("bundle/run.py")),
        ("stand-ins/safetensors/__init__.py", ""),
        ("stand-ins/safetensors/torch.py", include_str!("bundle/safetensors.py")),
    ];
    for (name, text) in scripts {
        write(&out.join(name), text)?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    made.map_err(|source| Error::Io { what: "write", path: file.to_owned(), source })
}

/// The programs that a cargo command builds, by the names of their targets.
fn built<'a>(
    workspace: &Workspace,
    args: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, PathBuf)>, Error> {
    let args = args.into_iter().chain(["--message-format", "json-render-diagnostics"]);
    let output = cargo::output(&mut cargo::command(workspace, args))?;
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = |message: Value| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    };
    Ok(messages.filter_map(program).collect())
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map_err(|source| Error::Io { what: "copy", path: from.to_owned(), source })?;
    Ok(())
}

/// Without symbols a program is a third of its size.
fn strip(program: &Path) -> Result<(), Error> {
    cargo::succeed_as("strip", Command::new("strip").arg(program))
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
