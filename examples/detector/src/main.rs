//! The `detector` program.
use clap::Parser;
use detector::cli::Cli;
use detector::commands::{Status, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    amp_runtime::keep_freed_memory();
    match run(Cli::parse().command) {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
