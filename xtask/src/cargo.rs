//! Running cargo exactly as a user would, so that nothing is built twice.
use std::env;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::workspace::Workspace;

/// The caller's `LIBTORCH` is linked at `.libtorch/torch` by now. Without the variables cargo's own `[env]` names that
/// link, letter by letter as for a plain command; another value would make torch-sys build anew.
pub(crate) fn command<'a>(workspace: &Workspace, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command
        .args(args)
        .current_dir(workspace.root())
        .env_remove("LIBTORCH")
        .env_remove("LIBTORCH_USE_PYTORCH");
    command
}

pub(crate) fn run<'a>(workspace: &Workspace, args: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    succeed(&mut command(workspace, args))
}

pub(crate) fn succeed(command: &mut Command) -> Result<(), Error> {
    succeed_as("cargo", command)
}

/// Errors call the program by this name.
pub(crate) fn succeed_as(program: &str, command: &mut Command) -> Result<(), Error> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Failed { command: shown(program, command), status: status.to_string() }),
        Err(source) => Err(Error::NotStarted { command: shown(program, command), source }),
    }
}

/// What a command prints; its errors go where ours do.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    match command.stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            Err(Error::Failed { command: shown("cargo", command), status: output.status.to_string() })
        }
        Err(source) => Err(Error::NotStarted { command: shown("cargo", command), source }),
    }
}

fn shown(program: &str, command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    words.fold(program.to_owned(), |line, word| line + " " + &word)
}
