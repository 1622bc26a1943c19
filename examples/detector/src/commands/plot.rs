//! `plot`: curves of runs over each other.
use crate::cli::PlotArgs;
use crate::report::{curves, read_run};
use anyhow::{Result, bail};

pub(super) fn run(args: &PlotArgs) -> Result<()> {
    if !args.legend.is_empty() && args.legend.len() != args.logs.len() {
        bail!("there are {} runs and {} names in `--legend`", args.logs.len(), args.legend.len());
    }
    let runs = args.logs.iter().enumerate();
    let runs: Result<Vec<_>, _> =
        runs.map(|(index, path)| read_run(path, args.legend.get(index).map(String::as_str))).collect();
    curves(&runs?, &args.out)?;
    println!("curves in `{}`", args.out.display());
    Ok(())
}
