//! A file appears whole or not at all, whenever the process is killed.
use super::error::{CheckpointError, Result};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// What marks the temporary files: `.<name>.<6 random letters>.partial`.
const SUFFIX: &str = ".partial";
const RANDOM: usize = 6;
/// Large writes: a checkpoint is hundreds of megabytes.
const BUFFER: usize = 1 << 20;

/// Writes beside `path`, syncs, renames, syncs the folder. Removes what killed writers of the same path left behind.
pub(super) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let failed = |action| move |cause| CheckpointError::Io { action, path: path.to_owned(), cause };
    let Some(name) = path.file_name() else {
        return Err(failed("write")(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file")));
    };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = OsStr::new(".").to_owned();
    prefix.push(name);
    prefix.push(".");
    remove_abandoned(folder, &prefix);

    let file = create(folder, &prefix).map_err(failed("write"))?;
    let mut buffered = BufWriter::with_capacity(BUFFER, file.as_file());
    content(&mut buffered).and_then(|()| buffered.flush()).map_err(failed("write"))?;
    drop(buffered);
    file.as_file().sync_all().map_err(failed("sync"))?;
    file.persist(path).map_err(|error| failed("write")(error.error))?;
    sync_folder(folder).map_err(failed("sync the folder of"))
}

/// A temporary file under a lock, which dies with its process: what is unlocked is abandoned.
fn create(folder: &Path, prefix: &OsStr) -> io::Result<NamedTempFile> {
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix).suffix(SUFFIX).rand_bytes(RANDOM);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As `File::create` has it, less the umask: a checkpoint is no secret among colleagues.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder)?;
        // Where a file system has no locks, nobody takes the file for abandoned either.
        let _ = file.as_file().lock();
        // Another writer may have taken it for abandoned before it was locked.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// As far as possible: what cannot be removed now waits for the next save.
fn remove_abandoned(folder: &Path, prefix: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| is_partial(&entry.file_name(), prefix)) {
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        match file.try_lock() {
            Ok(()) => drop(fs::remove_file(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

fn is_partial(name: &OsStr, prefix: &OsStr) -> bool {
    let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
    let middle = rest.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    // The length keeps `a` from removing the files of `a.b`.
    middle.is_some_and(|middle| middle.len() == RANDOM && middle.iter().all(u8::is_ascii_alphanumeric))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems have no such thing.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
