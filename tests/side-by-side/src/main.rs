//! Training steps here and in PyTorch, side by side: measures, prints a table, draws a chart, keeps JSON.
mod chart;
mod cli;
mod contest;
mod entrant;
mod machine;
mod models;
mod page;
mod process;
mod results;
mod run;
mod serve;
mod table;

use anyhow::{Context, Result};
use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Some(Command::Serve { task }) => serve(task),
        Some(Command::Render) => page::write(),
        None => run::run(&cli.run),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(task: &str) -> Result<()> {
    serve::run(&serde_json::from_str(task).context("the task")?)
}
