//! Running pip, and reading in its output what went wrong.
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::progress;
use crate::decide::Pip;
use crate::error::Error;
use crate::wheels::{Kind, human};

/// Returns the folder that holds the packages.
pub(super) fn install(
    partial: &Path,
    python: &Path,
    kind: Kind,
    pip: Pip,
    lock: &File,
) -> Result<PathBuf, Error> {
    let (packages, tmp, log) = (partial.join("packages"), partial.join("tmp"), partial.join("pip.log"));
    let failed = |source| Error::Io { what: "prepare", path: partial.to_owned(), source };
    fs::create_dir(&tmp).map_err(failed)?;
    let output = File::create(&log).map_err(failed)?;

    let run = |command: &mut Command| {
        let started = start(command, &tmp, lock, &output);
        let ended = started.and_then(|mut child| progress::watch(&mut child, partial, kind.size().peak()));
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => {
                let said = fs::read(&log).unwrap_or_default();
                Err(explain(&String::from_utf8_lossy(&said), python, kind, log.clone()))
            }
            Err(source) => {
                Err(Error::NotStarted { command: command.get_program().display().to_string(), source })
            }
        }
    };

    let python_with_pip = match pip {
        Pip::Own => python.to_owned(),
        Pip::InVenv => {
            let venv = partial.join("venv");
            run(Command::new(python).args(["-m", "venv"]).arg(&venv))?;
            venv.join(if cfg!(windows) { "Scripts/python" } else { "bin/python" })
        }
    };
    let mut install = Command::new(python_with_pip);
    install.args("-m pip install --no-input --disable-pip-version-check --progress-bar off".split(' '));
    if !kind.with_dependencies() {
        install.arg("--no-deps");
    }
    run(install.arg("--target").arg(&packages).args(kind.requirements()))?;
    Ok(packages)
}

fn start(command: &mut Command, tmp: &Path, lock: &File, output: &File) -> io::Result<Child> {
    command
        .env("TMPDIR", tmp) // pip unpacks there: keep to the disk that was checked, and move instead of copy
        .env("PIP_USER", "0") // neither goes with `--target`
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .stdin(lock.try_clone()?) // if we are killed, the lock lasts until pip is gone too
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()
}

fn explain(output: &str, python: &Path, kind: Kind, log: PathBuf) -> Error {
    let line_with = |marks: &[&str]| {
        output
            .lines()
            .rev()
            .find(|line| marks.iter().any(|mark| line.contains(mark)))
            .map(|line| line.trim().to_owned())
    };
    if line_with(&["No space left on device"]).is_some() {
        return Error::DiskFull { needed: human(kind.size().peak()) };
    }
    let unreachable = [
        "connection broken by",
        "Could not fetch URL",
        "Max retries exceeded",
        "Connection refused",
        "Temporary failure in name resolution",
        "Read timed out",
        "ConnectionError",
        "ProxyError",
        "HTTP error",
    ];
    if let Some(pip) = line_with(&unreachable) {
        // the cause stands last, behind python's name for an object: `<...Connection object at 0x7f>: cause`
        let cause = pip.rsplit(">: ").next().unwrap_or_default().to_owned();
        return Error::NoNetwork { pip: short(cause) };
    }
    let last = line_with(&["ERROR:"]).or_else(|| output.trim().lines().last().map(str::to_owned));
    let pip = short(last.unwrap_or_else(|| "nothing".to_owned()));
    if line_with(&["No matching distribution found"]).is_some() {
        return Error::NoWheel { python: python.display().to_string(), pip };
    }
    Error::Pip { pip, log }
}

/// pip's lines can hold a whole chain of causes.
fn short(line: String) -> String {
    match line.char_indices().nth(200) {
        Some((end, _)) => line[..end].to_owned() + " ...",
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(output: &str) -> Error {
        explain(output, Path::new("python3"), Kind::Cpu, PathBuf::from("pip.log"))
    }

    #[test]
    fn a_full_disk_wins_over_what_follows_from_it() {
        let output = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\nProxyError";
        assert!(matches!(explained(output), Error::DiskFull { .. }));
    }

    #[test]
    fn no_match_after_failed_connections_means_no_network() {
        let output = "WARNING: Retrying (Retry(total=0)) after connection broken by \
            'NewConnectionError('<Connection object at 0x7f>: [Errno 111] Connection refused')': /torch/\n\
            ERROR: Could not find a version that satisfies the requirement torch==2.11.0 (from versions: none)\n\
            ERROR: No matching distribution found for torch==2.11.0";
        let Error::NoNetwork { pip } = explained(output) else { panic!("{}", explained(output)) };
        assert_eq!(pip, "[Errno 111] Connection refused')': /torch/");
    }

    #[test]
    fn no_match_alone_means_that_the_index_lacks_it() {
        let output = "ERROR: No matching distribution found for torch==2.11.0\n[notice] update pip";
        let Error::NoWheel { pip, .. } = explained(output) else { panic!("{}", explained(output)) };
        assert_eq!(pip, "ERROR: No matching distribution found for torch==2.11.0");
    }

    #[test]
    fn anything_else_is_quoted() {
        let Error::Pip { pip, .. } = explained("ERROR: Can not combine\n") else { panic!("not quoted") };
        assert_eq!(pip, "ERROR: Can not combine");
        assert!(matches!(explained(""), Error::Pip { .. }));
    }
}
