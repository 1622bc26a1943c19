//! What else decides the bits of a training: libtorch, the device, the threads, the layout of the memory.
use super::error::{CheckpointError, Result};
use crate::native;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::nn::VarStore;
use tch::{Device, Tensor};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    libtorch: String,
    /// `cpu`, `cuda` or `mps`: which of several is all the same.
    device: String,
    /// The vector instructions of the CPU kernels.
    cpu_capability: String,
    threads: i32,
    /// Of every variable: `contiguous`, `channels-last`, or its strides.
    memory_layouts: BTreeMap<String, String>,
}

impl Environment {
    pub(super) fn here(store: &VarStore) -> Result<Self> {
        let device = match store.device() {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Mps => "mps",
            Device::Vulkan => "vulkan",
        };
        let layouts = store.variables().into_iter().map(|(name, variable)| (name, layout(&variable)));
        Ok(Self {
            libtorch: native::libtorch_version(),
            device: device.to_owned(),
            cpu_capability: native::cpu_capability()?,
            threads: tch::get_num_threads(),
            memory_layouts: layouts.collect(),
        })
    }

    /// The first difference that would change bits, as an error.
    pub(super) fn check(&self, here: &Self) -> Result<()> {
        same("libtorch", &self.libtorch, &here.libtorch)?;
        same("device", &self.device, &here.device)?;
        // Another device's kernels do not care.
        if here.device == "cpu" {
            same("CPU capability", &self.cpu_capability, &here.cpu_capability)?;
            same("thread count", &self.threads.to_string(), &here.threads.to_string())?;
        }
        here.memory_layouts.iter().try_for_each(|(name, here)| {
            let saved = self.memory_layouts.get(name).map_or("unknown", String::as_str);
            same(&format!("memory layout of `{name}`"), saved, here)
        })
    }
}

fn same(what: &str, saved: &str, here: &str) -> Result<()> {
    if saved == here {
        return Ok(());
    }
    Err(CheckpointError::Environment {
        what: what.to_owned(),
        saved: saved.to_owned(),
        here: here.to_owned(),
        allow: "allow_environment_change",
    })
}

fn layout(variable: &Tensor) -> String {
    let channels_first: &[i64] = match variable.dim() {
        4 => &[0, 2, 3, 1],
        5 => &[0, 2, 3, 4, 1],
        _ => &[],
    };
    if variable.is_contiguous() {
        "contiguous".to_owned()
    } else if !channels_first.is_empty()
        && variable.f_permute(channels_first).is_ok_and(|permuted| permuted.is_contiguous())
    {
        "channels-last".to_owned()
    } else {
        format!("{:?}", variable.stride())
    }
}
