//! Where a command computes, and where it writes.
use crate::cli::Compute;
use anyhow::{Context, Result, bail};
use std::path::Path;
use tch::Device;

/// Sets the threads, and says where to compute.
pub(super) fn device(compute: &Compute) -> Result<Device> {
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
pub(super) fn folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder `{}`", path.display()))
}
