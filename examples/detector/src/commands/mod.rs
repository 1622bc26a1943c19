//! What each command does.
mod bench;
mod browse;
mod explain;
mod plot;
mod predict;
mod test;
mod train;
mod trained;

use crate::cli::{Command, Compute};
use anyhow::{Result, bail};
use tch::Device;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// With all that it does.
    Done,
    /// Because it was told to, with all that was done so far in a checkpoint.
    Interrupted,
}

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

/// Sets the threads, and says where to compute.
fn device(compute: &Compute) -> Result<Device> {
    if let Some(threads) = compute.threads {
        tch::set_num_threads(threads);
    }
    let device = compute.device.unwrap_or_else(Device::cuda_if_available);
    match device {
        Device::Cuda(index) if i64::try_from(index).is_ok_and(|index| index >= tch::Cuda::device_count()) => {
            bail!(
                "there is no `cuda:{index}`: libtorch sees {} CUDA devices\nhelp: `--device cpu`",
                tch::Cuda::device_count()
            )
        }
        Device::Mps if !tch::utils::has_mps() => bail!("this libtorch has no MPS\nhelp: `--device cpu`"),
        device => Ok(device),
    }
}

/// A folder, made if it is not there.
fn folder(path: &std::path::Path) -> Result<()> {
    use anyhow::Context;
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder `{}`", path.display()))
}
