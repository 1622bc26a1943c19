//! Files of a data set: what stands in them, and what is said about those that are not there.
use super::problem::{DataError, Fault, ProblemReport};
use super::upright::dimensions;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind};
use std::path::Path;

/// The folder that the other paths start at is there.
pub(super) fn root_exists(root: &Path) -> Result<(), DataError> {
    if root.as_os_str().is_empty() {
        let help = "say where the data lies, for instance with `--cfg-options data_root=FOLDER`";
        return Err(DataError::Config(format!("`data_root` is not set\nhelp: {help}")));
    }
    std::fs::read_dir(root).map(drop).map_err(|cause| {
        let help =
            format!("set `data_root`, for instance with `--cfg-options data_root=FOLDER`; {}", around(root));
        DataError::Read { what: "the data set's folder", path: root.to_owned(), cause, help }
    })
}

/// The text of a file that the configuration names, without the mark that some editors begin it with.
pub(super) fn text_of(path: &Path, what: &'static str) -> Result<String, DataError> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        let help = format!("`ann_file` is looked for below `data_root`; {}", around(path));
        DataError::Read { what, path: path.to_owned(), cause, help }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Width and height by the image's header; nothing for an image that is missing or none, which is reported.
pub(super) fn header_size(path: &Path, name: &str, report: &mut ProblemReport) -> Option<[u32; 2]> {
    let size = File::open(path).map_err(|error| unread(&error, path)).and_then(|file| {
        dimensions(BufReader::new(file)).map_err(|error| Fault::BrokenImage(error.to_string()))
    });
    match size {
        Ok(size) => Some(size),
        Err(fault) => {
            report.add(name, None, fault);
            None
        }
    }
}

fn unread(error: &Error, path: &Path) -> Fault {
    if error.kind() == ErrorKind::NotFound {
        Fault::MissingImage(path.to_owned())
    } else {
        Fault::BrokenImage(error.to_string())
    }
}

/// How many names of a folder are shown.
const SHOWN: usize = 8;

/// What there is where a path was looked for: the names in the nearest folder above it, the most similar ones first.
fn around(path: &Path) -> String {
    let existing = path.ancestors().find(|folder| folder.is_dir());
    let folder = existing.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let missing = path.strip_prefix(folder).unwrap_or(path).iter().next().unwrap_or_default();
    let unlikeness = |name: &str| -strsim::jaro_winkler(name, &missing.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_by(|a, b| unlikeness(a).total_cmp(&unlikeness(b)).then_with(|| a.cmp(b)));
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(SHOWN);
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    format!("`{}` has {names}{more}", folder.display())
}
