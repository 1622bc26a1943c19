//! Installing the pinned wheels: into `.libtorch.partial`, and at `.libtorch` only when they are whole.
mod pip;
mod progress;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::decide::Pip;
use crate::error::Error;
use crate::probe::earlier;
use crate::wheels::{Kind, TORCH, human};
use crate::workspace::Workspace;

pub(crate) fn run(
    workspace: &Workspace,
    python: &Path,
    kind: Kind,
    pip: Pip,
    lock: &File,
) -> Result<(), Error> {
    let size = kind.size();
    let reason = match kind {
        Kind::Cpu => "no NVIDIA GPU is seen, so without most of CUDA",
        Kind::Gpu => "with CUDA for the NVIDIA GPU",
        Kind::Python => "with all that python's `import torch` needs",
    };
    let (download, disk) = (human(size.download), human(size.disk));
    eprintln!("installing torch {TORCH}, {reason}: about {download} to download, {disk} on disk");

    let done = build(workspace, python, kind, pip, lock);
    if done.is_err() {
        for folder in ["packages", "tmp", "venv"] {
            let _ = fs::remove_dir_all(workspace.partial().join(folder)); // frees the disk; pip's log stays
        }
    }
    done
}

fn build(workspace: &Workspace, python: &Path, kind: Kind, pip: Pip, lock: &File) -> Result<(), Error> {
    let partial = workspace.partial();
    let io = |what, source| Error::Io { what, path: partial.clone(), source };
    fs::create_dir(&partial).map_err(|source| io("make", source))?;
    let packages = pip::install(&partial, python, kind, pip, lock)?;
    check_loads(&packages, python, kind)?;
    earlier::mark(&packages, kind).map_err(|source| io("write to", source))?;

    let home = workspace.home();
    if fs::symlink_metadata(&home).is_ok() {
        fs::rename(&home, partial.join("old")).map_err(|source| io("move the earlier install to", source))?;
    }
    fs::rename(&packages, &home).map_err(|source| Error::Io {
        what: "move the install to",
        path: home,
        source,
    })?;
    fs::remove_dir_all(&partial).map_err(|source| io("remove", source))
}

/// Loads the library as a program would: this finds a damaged file as well as a missing one.
fn check_loads(packages: &Path, python: &Path, kind: Kind) -> Result<(), Error> {
    let library = kind.top_library();
    let mut command = Command::new(python);
    command
        .args(["-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])"])
        .arg(packages.join("torch/lib").join(library));
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|source| Error::NotStarted { command: python.display().to_string(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let reason =
        String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or("no reason given").to_owned();
    Err(Error::NotLoadable { what: library, reason })
}
