//! What is out there: compiler, pythons, libtorch. Only looks, never changes anything.
pub(crate) mod compiler;
pub(crate) mod earlier;
pub(crate) mod python;
pub(crate) mod torch;

use std::env;
use std::path::{Path, PathBuf};

use crate::workspace::Workspace;
use compiler::Compiler;
use earlier::Earlier;
use python::Python;
use torch::Torch;

/// All that a decision rests on.
pub(crate) struct Findings {
    pub(crate) compiler: Compiler,
    /// The caller's `LIBTORCH`.
    pub(crate) libtorch: Option<Torch>,
    /// The caller's `LIBTORCH_USE_PYTORCH`; torch-sys does not look at its value either.
    pub(crate) use_pytorch: bool,
    pub(crate) earlier: Earlier,
    /// Best first.
    pub(crate) pythons: Vec<Python>,
    pub(crate) root: PathBuf,
}

pub(crate) fn look(workspace: &Workspace) -> Findings {
    Findings {
        compiler: compiler::find(),
        libtorch: callers_libtorch(workspace).map(|path| Torch::inspect(&path)),
        use_pytorch: env::var_os("LIBTORCH_USE_PYTORCH").is_some(),
        earlier: earlier::inspect(workspace),
        pythons: python::find_all(workspace),
        root: workspace.root().to_owned(),
    }
}

/// Under cargo `LIBTORCH` is always set: without a caller's value it holds the workspace's own path.
fn callers_libtorch(workspace: &Workspace) -> Option<PathBuf> {
    let value = env::var_os("LIBTORCH").filter(|value| !value.is_empty())?;
    let path = std::path::absolute(Path::new(&value)).unwrap_or(value.into());
    (!workspace.is_own(&path)).then_some(path)
}
