//! `cargo xtask`: the command line of the workspace's own commands.
mod bundle;
mod cargo;
mod checks;
mod decide;
mod demo;
mod error;
mod install;
mod probe;
mod setup;
mod wheels;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::workspace::Workspace;

/// Set-up, demo, test, bench and bundle on a machine that has cargo, a C++ compiler and python3
///
/// Every command first finds libtorch 2.11 or installs it into `.libtorch`, once; afterwards plain `cargo build`,
/// `cargo run` and `cargo test` work too, without environment variables.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = ENVIRONMENT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const ENVIRONMENT: &str = "\
Environment:
  LIBTORCH              a libtorch 2.11 to use instead of installing one
  LIBTORCH_USE_PYTORCH  use the torch 2.11 that python imports
  CXX                   the C++ compiler, otherwise `c++`
  PIP_*                 pip's own settings hold for the install: index, proxy, certificates

Exit status: 0 when all went well, 1 when set-up or a check failed, 2 for a wrong command line.";

#[derive(Subcommand)]
enum Command {
    /// Find or install libtorch and say which and where
    Setup {
        /// Install all that python's `import torch` needs too, also without a GPU
        #[arg(long)]
        python_too: bool,
    },
    /// Set up, then train the detector on generated images in bf16 and in f32, and compare
    Demo {
        /// Single values of the configuration, such as `train_cfg.max_epochs=2`
        #[arg(value_name = "KEY=VALUE")]
        options: Vec<String>,
    },
    /// Set up, then run every check and all tests, up to the first that fails
    Test {
        /// Run only this step
        #[arg(long, value_name = "STEP")]
        only: Option<checks::Step>,
    },
    /// Set up, then build a folder that tests and measures on another machine, such as one with a GPU
    Bundle {
        /// The folder, empty or yet to be made
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Set up, then measure: training steps of five models, side by side with PyTorch
    Bench {
        /// `side-by-side`, or a part: `step` (an update), `models` (forward and backward), `sites` (what a cast costs)
        #[arg(default_value = "side-by-side")]
        name: String,
        /// Arguments of the benchmark; `-- --help` lists them
        #[arg(last = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    let workspace = Workspace::find();
    setup::run(&workspace, matches!(command, Command::Setup { python_too: true }))?;
    match command {
        Command::Setup { .. } => Ok(()),
        Command::Demo { options } => demo::run(&workspace, &options),
        Command::Test { only } => checks::run(&workspace, only),
        Command::Bundle { out } => bundle::run(&workspace, &out),
        Command::Bench { name, args } => {
            let fixed = if name == "side-by-side" {
                vec!["run", "--release", "--package", "side-by-side", "--"]
            } else {
                vec!["bench", "--package", "amp-tests", "--bench", &name, "--"]
            };
            cargo::run(&workspace, fixed.into_iter().chain(args.iter().map(String::as_str)))
        }
    }
}
