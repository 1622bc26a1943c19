//! Which pythons are there, and what do they have?
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::torch::Torch;
use crate::workspace::Workspace;

#[derive(Debug, Clone)]
pub(crate) struct Python {
    /// The word that starts it.
    pub(crate) command: PathBuf,
    pub(crate) version: (u32, u32),
    pub(crate) has_pip: bool,
    pub(crate) has_venv: bool,
    /// Not the one at `.libtorch`, which `PYTHONPATH` may name.
    pub(crate) torch: Option<Torch>,
    /// Does the CUDA driver count a device?
    pub(crate) sees_gpu: bool,
    /// Bytes on the workspace's disk.
    pub(crate) free: u64,
}

impl Python {
    pub(crate) fn name(&self) -> String {
        self.command.display().to_string()
    }
}

/// A `key value` line each; only python3 runs it. torch is found, not imported: that takes seconds. The driver
/// is asked, because its files prove nothing: containers without a GPU often see those of their host.
const LOOK: &str = r"
import shutil, sys
from importlib.util import find_spec
sys.path = [folder for folder in sys.path if folder]  # not what lies in the current folder
print('version', '%d.%d' % sys.version_info[:2])
print('free', shutil.disk_usage(sys.argv[1]).free)
if find_spec('pip'): print('pip')
if find_spec('venv') and find_spec('ensurepip'): print('venv')
torch = find_spec('torch')
if torch and torch.origin: print('torch', torch.submodule_search_locations[0])
try:
    import ctypes
    driver, count = ctypes.CDLL('libcuda.so.1'), ctypes.c_int()
    if not driver.cuInit(0) and not driver.cuDeviceGetCount(ctypes.byref(count)) and count.value: print('gpu')
except (ImportError, OSError):
    pass
";

/// An active environment's python first.
pub(crate) fn find_all(workspace: &Workspace) -> Vec<Python> {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    let active = env::var_os("VIRTUAL_ENV").map(|venv| Path::new(&venv).join(folder).join("python"));
    active
        .into_iter()
        .chain(["python3".into(), "python".into()])
        .filter_map(|python| look(python, workspace))
        .collect()
}

fn look(command: PathBuf, workspace: &Workspace) -> Option<Python> {
    let output =
        Command::new(&command).args(["-c", LOOK]).arg(workspace.root()).stdin(Stdio::null()).output().ok()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let value = |key: &str| answer.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let (major, minor) = value("version ")?.split_once('.')?;
    Some(Python {
        version: (major.parse().ok()?, minor.parse().ok()?),
        has_pip: value("pip").is_some(),
        has_venv: value("venv").is_some(),
        torch: value("torch ").map(Path::new).filter(|path| !workspace.is_own(path)).map(Torch::inspect),
        sees_gpu: value("gpu").is_some(),
        free: value("free ")?.parse().ok()?,
        command,
    })
}
