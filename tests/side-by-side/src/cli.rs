//! The command line.
use crate::entrant::{Hardware, Numbers, System};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Training steps of five models here and in PyTorch, in turns on one machine
///
/// Same weights, same batch, same threads; everyone takes a turn in each round, and the first step of a turn is not counted.
/// A step is all of it: forward, loss, backward, clipping, update; in f16 with a dynamic loss scale.
#[derive(Debug, Parser)]
#[command(name = "side-by-side", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure one entrant, asked through a pipe
    #[command(hide = true)]
    Serve { task: String },
    /// Write BENCHMARKS.md, its charts and the README's figures from the recorded results
    Render,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Which models, of `mlp`, `resnet18`, `retinanet_r18`, `transformer`, `lstm` and, of itself only on a GPU, `retinanet_r50`
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) models: Vec<String>,
    /// Batch sizes, for all models; each has its own three otherwise
    #[arg(long, value_delimiter = ',', value_name = "N,...", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) batch_sizes: Vec<i64>,
    /// Only entrants of these systems
    #[arg(long, value_delimiter = ',', value_name = "SYSTEM,...")]
    pub(crate) systems: Vec<System>,
    /// Only entrants in these numbers
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS,...")]
    pub(crate) numbers: Vec<Numbers>,
    /// Where
    #[arg(long, default_value = "cpu")]
    pub(crate) device: Hardware,
    /// Threads of each process
    #[arg(long, default_value_t = default_threads(), value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) threads: i32,
    /// Turns that everyone takes
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Everyone's allocator keeps what is freed (glibc's `MALLOC_TRIM_THRESHOLD_` and `MALLOC_MMAP_THRESHOLD_`, and no fast bins), instead of
    /// giving it back to the system and asking for it again in the next step
    #[arg(long)]
    pub(crate) keep_memory: bool,
    /// The Python with torch 2.11 and safetensors
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    pub(crate) python: String,
    /// Where its torch package lies; that of this workspace's set-up otherwise, if there is one
    #[arg(long, value_name = "FOLDER")]
    pub(crate) python_path: Option<PathBuf>,
    /// The folder for results.json and chart.svg
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Keep the results of a whole run beside the sources too, and render BENCHMARKS.md and the README's figures from them
    #[arg(long, conflicts_with_all = ["models", "batch_sizes", "systems", "numbers"])]
    pub(crate) record: bool,
}

fn default_threads() -> i32 {
    std::thread::available_parallelism().ok().and_then(|cores| i32::try_from(cores.get()).ok()).unwrap_or(1)
}
