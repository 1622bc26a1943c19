//! Set-up in its order: look, decide, do, and say what was done.
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::decide::{Plan, decide};
use crate::error::Error;
use crate::install;
use crate::probe;
use crate::wheels::TORCH;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, python_too: bool) -> Result<(), Error> {
    let lock = workspace.lock()?;
    clear(&workspace.partial())?; // of an interrupted install; nobody else is at it, because of the lock
    let decision = decide(&probe::look(workspace), python_too)?;
    for note in decision.notes {
        eprintln!("note: {note}");
    }
    match decision.plan {
        Plan::Keep => eprintln!("libtorch is set up: {}", shown(workspace)),
        Plan::Link { torch, origin } => {
            link(workspace, &torch)?;
            eprintln!("libtorch is set up from {origin}: {}", shown(workspace));
        }
        Plan::Install { python, kind, pip } => {
            let start = Instant::now();
            install::run(workspace, &python, kind, pip, &lock)?;
            eprintln!("installed torch {TORCH} in {} s: {}", start.elapsed().as_secs(), shown(workspace));
        }
    }
    if python_too
        && let Some(folder) = fs::canonicalize(workspace.torch()).ok().as_deref().and_then(Path::parent)
    {
        eprintln!("python imports it with `PYTHONPATH={}`", folder.display());
    }
    Ok(())
}

fn shown(workspace: &Workspace) -> String {
    match fs::read_link(workspace.torch()) {
        Ok(target) => format!("`.libtorch/torch`, a link to `{}`", target.display()),
        Err(_) => "`.libtorch/torch`".to_owned(),
    }
}

/// An install of our own gives way: there is one libtorch at a time.
fn link(workspace: &Workspace, torch: &Path) -> Result<(), Error> {
    let link = workspace.torch();
    if fs::read_link(&link).is_ok_and(|target| target == torch) {
        return Ok(());
    }
    clear(&workspace.home())?;
    let make = || {
        fs::create_dir(workspace.home())?;
        #[cfg(unix)]
        return std::os::unix::fs::symlink(torch, &link);
        #[cfg(windows)]
        return std::os::windows::fs::symlink_dir(torch, &link);
    };
    make().map_err(|source| Error::Io { what: "make the link", path: link.clone(), source })
}

/// Links in it are removed, never followed.
fn clear(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { what: "remove", path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}
