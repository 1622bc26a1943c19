//! Is a folder a libtorch that one can build with, and of which version?
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The version as the headers give it: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) [u32; 3]);

impl Version {
    pub(crate) fn is_wanted(self) -> bool {
        matches!(self.0, [2, 11, _])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Torch {
    pub(crate) path: PathBuf,
    /// Or what is wrong, to be read after "it".
    pub(crate) version: Result<Version, String>,
    /// Is it python's `torch` and not only the C++ half?
    pub(crate) is_package: bool,
}

impl Torch {
    pub(crate) fn inspect(path: &Path) -> Self {
        Self { path: path.to_owned(), version: version(path), is_package: path.join("__init__.py").is_file() }
    }

    /// What keeps it from being used, to be read after "it".
    pub(crate) fn flaw(&self) -> Option<String> {
        match &self.version {
            Ok(version) if version.is_wanted() => None,
            Ok(version) => Some(format!("is version {version}")),
            Err(flaw) => Some(flaw.clone()),
        }
    }
}

/// The library that everything is linked to.
pub(crate) const LIBRARY: &str = if cfg!(windows) {
    "lib/torch_cpu.dll"
} else if cfg!(target_os = "macos") {
    "lib/libtorch_cpu.dylib"
} else {
    "lib/libtorch_cpu.so"
};

/// The headers moved within 2.x; older ones are read for the sake of the message.
const HEADERS: [&str; 2] =
    ["include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"];

fn version(folder: &Path) -> Result<Version, String> {
    if !folder.is_dir() {
        return Err("is not a folder".to_owned());
    }
    if !folder.join(LIBRARY).is_file() {
        return Err(format!("has no `{LIBRARY}`"));
    }
    let headers: String =
        HEADERS.iter().filter_map(|header| fs::read_to_string(folder.join(header)).ok()).collect();
    let number = |part: &str| {
        let line = headers
            .lines()
            .find_map(|line| line.strip_prefix("#define TORCH_VERSION_")?.strip_prefix(part))?;
        line.trim().parse().ok()
    };
    let numbers: Option<Vec<u32>> = ["MAJOR ", "MINOR ", "PATCH "].into_iter().map(number).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.map(Version).ok_or_else(|| format!("has no version in `{}`", HEADERS[0]))
}
