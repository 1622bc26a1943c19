//! What each command does.
mod bench;
mod browse;
mod explain;
mod place;
mod plot;
mod predict;
mod status;
mod test;
mod train;
mod trained;

pub use status::Status;

use crate::cli::Command;
use anyhow::Result;

/// Does what the command line says.
///
/// # Errors
/// Whatever went wrong, with what the program was doing.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Train(args) => return train::run(&args),
        Command::Test(args) => test::run(&args)?,
        Command::Predict(args) => predict::run(&args)?,
        Command::Bench(args) => bench::run(&args)?,
        Command::Explain(args) => explain::run(&args)?,
        Command::Browse(args) => browse::run(&args)?,
        Command::Plot(args) => plot::run(&args)?,
    }
    Ok(Status::Done)
}
