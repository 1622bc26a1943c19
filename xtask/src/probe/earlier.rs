//! What did an earlier set-up leave at `.libtorch`, and is it whole?
use std::fs;
use std::path::{Path, PathBuf};

use super::torch::{LIBRARY, Torch};
use crate::wheels::{Kind, TORCH};
use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) enum Earlier {
    Nothing,
    Linked(Torch),
    Installed(Kind),
    /// What is wrong, to be read after "it".
    Broken(String),
}

/// The installer writes it last: one line with version and kind, then a line with size and path for each library.
const MARKER: &str = "installed";

pub(crate) fn inspect(workspace: &Workspace) -> Earlier {
    let home = workspace.home();
    if fs::symlink_metadata(&home).is_err() {
        return Earlier::Nothing;
    }
    if let Ok(target) = fs::read_link(workspace.torch()) {
        let torch = Torch::inspect(&target);
        return match torch.flaw() {
            None => Earlier::Linked(torch),
            Some(flaw) => Earlier::Broken(format!("links to `{}`, which {flaw}", target.display())),
        };
    }
    read(&home).map_or_else(Earlier::Broken, Earlier::Installed)
}

fn read(home: &Path) -> Result<Kind, String> {
    let Ok(text) = fs::read_to_string(home.join(MARKER)) else {
        return Err(format!("has no `{MARKER}` file, which is written last"));
    };
    let mut lines = text.lines();
    let kind =
        lines.next().and_then(|line| line.strip_prefix(TORCH)).and_then(|kind| Kind::parse(kind.trim()));
    let Some(kind) = kind else {
        return Err(format!("is not an install of {TORCH}"));
    };
    for line in lines {
        let Some((size, path)) = line.split_once(' ') else { continue };
        let found = fs::metadata(home.join(path)).map(|file| file.len().to_string());
        if found.ok().as_deref() != Some(size) {
            return Err(format!("lacks `{path}`, or has another one than was installed"));
        }
    }
    Torch::inspect(&home.join("torch")).flaw().map_or(Ok(kind), Err)
}

/// Records a new install at `home`, so that a later look tells whether it is whole.
pub(crate) fn mark(home: &Path, kind: Kind) -> std::io::Result<()> {
    let mut lines = vec![format!("{TORCH} {kind}")];
    for path in libraries(home)? {
        let size = fs::metadata(home.join(&path))?.len();
        lines.push(format!("{size} {}", path.display()));
    }
    fs::write(home.join(MARKER), lines.join("\n") + "\n")
}

/// All shared libraries in the `lib` folders of torch and CUDA, relative to `home`.
fn libraries(home: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = vec![PathBuf::from("torch").join(LIBRARY).with_file_name("")];
    for entry in fs::read_dir(home.join("nvidia")).into_iter().flatten() {
        folders.push(Path::new("nvidia").join(entry?.file_name()).join("lib"));
    }
    let mut files = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(home.join(&folder)).into_iter().flatten() {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(folder.join(entry.file_name()));
            }
        }
    }
    Ok(files)
}
