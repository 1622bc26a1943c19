//! Running cargo exactly as a user would, so that nothing is built twice.
use std::env;
use std::process::Command;

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
    let words = command.get_args().map(|word| word.to_string_lossy());
    let shown = words.fold(String::from("cargo"), |line, word| line + " " + &word);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Failed { command: shown, status: status.to_string() }),
        Err(source) => Err(Error::NotStarted { command: shown, source }),
    }
}
