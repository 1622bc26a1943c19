//! The random number generators: the CPU's, and the device's if the store is on CUDA.
use super::container::Tensors;
use super::error::{CheckpointError, Result};
use super::variables::require_alike;
use crate::native;
use tch::{Device, Tensor};

const CUDA: &str = "cuda";

/// Recorded states that were checked as far as that goes without setting them.
pub(super) struct Fitted(Vec<(Device, Tensor)>);

fn used_with(device: Device) -> Vec<(&'static str, Device)> {
    let mut used = vec![("cpu", Device::Cpu)];
    if let Device::Cuda(_) = device {
        used.push((CUDA, device));
    }
    used
}

pub(super) fn states(device: Device) -> Result<Tensors> {
    let state = |(name, device): (&str, Device)| Ok((name.to_owned(), native::generator_state(device)?));
    used_with(device).into_iter().map(state).collect()
}

/// With `another_device`, the CUDA generator's state may be missing, or one too many. Changes nothing.
pub(super) fn fit(device: Device, mut states: Tensors, prefix: &str, another_device: bool) -> Result<Fitted> {
    let mut fitted = Vec::new();
    for (name, device) in used_with(device) {
        let key = format!("{prefix}{name}");
        match states.remove(name) {
            Some(state) => {
                require_alike(key, &state, &native::generator_state(device)?)?;
                fitted.push((device, state));
            }
            None if name == CUDA && another_device => {}
            None => return Err(CheckpointError::Missing { key }),
        }
    }
    if another_device {
        states.remove(CUDA);
    }
    match states.pop_first() {
        Some((name, _)) => Err(CheckpointError::Unexpected { key: format!("{prefix}{name}") }),
        None => Ok(Fitted(fitted)),
    }
}

/// Only libtorch can tell whether the bytes are a state: if it refuses one, all are put back as they were.
pub(super) fn install(fitted: &Fitted) -> Result<()> {
    let mut previous = Vec::new();
    for (device, state) in &fitted.0 {
        previous.push((*device, native::generator_state(*device)?));
        if let Err(refused) = native::set_generator_state(*device, state) {
            for (device, state) in &previous {
                native::set_generator_state(*device, state)?;
            }
            return Err(refused.into());
        }
    }
    Ok(())
}
