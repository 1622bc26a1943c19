//! Where things lie in the workspace, and the lock that lets only one set-up work on them.
use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// `AMP_WORKSPACE` is for xtask's own tests; cargo sets `CARGO_MANIFEST_DIR` whenever it runs xtask.
    pub(crate) fn find() -> Self {
        let package =
            || PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()));
        let root = env::var_os("AMP_WORKSPACE").map_or_else(|| package().join(".."), PathBuf::from);
        Self { root: fs::canonicalize(&root).unwrap_or(root) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What is linked or installed.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// The path that `.cargo/config.toml` gives to torch-sys.
    pub(crate) fn torch(&self) -> PathBuf {
        self.home().join("torch")
    }

    /// Where an install grows until it is whole.
    pub(crate) fn partial(&self) -> PathBuf {
        self.root.join(".libtorch.partial")
    }

    /// Is it what this workspace has at `.libtorch` anyway? So it is for the value that cargo's `[env]` gives to
    /// `LIBTORCH` when the caller gave none, even before anything is there.
    pub(crate) fn is_own(&self, libtorch: &Path) -> bool {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let named = libtorch.ends_with(".libtorch/torch")
            && libtorch.ancestors().nth(2).and_then(real).is_some_and(|root| root == self.root);
        let inside = real(&self.home()).zip(real(libtorch));
        named || inside.is_some_and(|(home, libtorch)| libtorch.starts_with(home))
    }

    /// The lock is held until the returned file and all its clones are closed. It lies in `target`, because the
    /// folders that it guards come and go.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("target/libtorch.lock");
        let lock = || -> io::Result<File> {
            fs::create_dir_all(self.root.join("target"))?;
            let file = File::create(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    eprintln!("waiting for another set-up of this workspace to finish");
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(file)
        };
        lock().map_err(|source| Error::Io { what: "lock", path: path.clone(), source })
    }
}
