//! The most memory in use at once: it is seen, and can be counted anew.
use amp_runtime::prelude::*;
use amp_runtime::{
    MemoryError, OptimWrapperError, empty_cache, peak_memory, peak_reserved_memory, reset_peak_memory,
};
use std::io::Write;
use std::sync::Mutex;
use tch::{Cuda, Device, Kind, Tensor, nn};

const MIB: u64 = 1 << 20;

/// The memory of the process is that of all its threads.
static ALONE: Mutex<()> = Mutex::new(());

/// Memory that is really there, for a moment.
fn touch(mebibytes: i64, device: Device) {
    drop(Tensor::ones([mebibytes * 256, 1024], (Kind::Float, device)));
}

#[cfg(target_os = "linux")]
#[test]
fn the_peak_of_the_process_is_seen_and_reset() {
    let _alone = ALONE.lock();
    touch(1, Device::Cpu);
    reset_peak_memory(Device::Cpu).unwrap();
    let before = peak_memory(Device::Cpu).unwrap();
    touch(256, Device::Cpu);
    let peak = peak_memory(Device::Cpu).unwrap();
    assert!(peak > before + 200 * MIB, "{before} before, {peak} after 256 MiB");
    reset_peak_memory(Device::Cpu).unwrap();
    let after = peak_memory(Device::Cpu).unwrap();
    assert!(after < peak - 200 * MIB, "{peak} before, {after} after the reset");
}

/// What of the process is in memory now.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// How much more there is after the backward than before the forward.
#[cfg(target_os = "linux")]
#[amp(train_step)]
fn grown_by_a_step(
    layers: &[nn::Linear; 2],
    optim: &mut OptimWrapper,
    xs: &Tensor,
) -> Result<u64, OptimWrapperError> {
    let before = resident();
    let loss = xs.apply(&layers[0]).apply(&layers[1]).square().mean(Kind::Float);
    loss.backward();
    let after = resident();
    let _ = optim.step()?;
    Ok(after - before)
}

#[cfg(target_os = "linux")]
#[test]
fn casts_of_weights_are_gone_after_the_backward() {
    let _alone = ALONE.lock();
    // Of the first step libtorch's code is in memory too, and what oneDNN compiles.
    let _ = growth_and_weights(8);
    // Casts larger than what glibc ever keeps by itself, 32 MiB.
    let (grown, weights) = growth_and_weights(4224);
    assert!(grown > weights * 9 / 10, "{grown} bytes hold no gradients of {weights}");
    assert!(grown < weights * 5 / 4, "{grown} bytes hold more than gradients of {weights}");
}

/// Bytes, of a step with two layers of this width.
#[cfg(target_os = "linux")]
fn growth_and_weights(width: i64) -> (u64, u64) {
    let vs = nn::VarStore::new(Device::Cpu);
    let layer = |name| nn::linear(vs.root() / name, width, width, nn::LinearConfig::default());
    let layers = [layer("a"), layer("b")];
    let mut optim = OptimWrapper::builder(Sgd::default())
        .loss_scale(LossScale::Off)
        .precision(Precision::Bf16)
        .build(&vs);
    let optim = optim.as_mut().unwrap();
    let xs = Tensor::randn([1, width], (Kind::Float, Device::Cpu));
    let step = || grown_by_a_step(&layers, optim, &xs).unwrap();
    let weights = vs.trainable_variables().iter().map(|weight| 4 * weight.numel() as u64).sum();
    (with_precision(Precision::Bf16, step), weights)
}

#[test]
fn devices_without_statistics_say_so() {
    let _alone = ALONE.lock();
    for device in [Device::Mps, Device::Vulkan] {
        assert!(matches!(peak_memory(device), Err(MemoryError::Unsupported(found)) if found == device));
        assert!(matches!(peak_reserved_memory(device), Err(MemoryError::Unsupported(_))));
        assert!(matches!(reset_peak_memory(device), Err(MemoryError::Unsupported(_))));
        assert!(matches!(empty_cache(device), Err(MemoryError::Unsupported(_))));
    }
    if Cuda::is_available() {
        let device = Device::Cuda(0);
        reset_peak_memory(device).unwrap();
        touch(64, device);
        assert!(peak_memory(device).unwrap() >= 64 * MIB);
        // What was freed is kept, and counts until it is given back.
        reset_peak_memory(device).unwrap();
        assert!(peak_memory(device).unwrap() + 64 * MIB <= peak_reserved_memory(device).unwrap());
        empty_cache(device).unwrap();
        reset_peak_memory(device).unwrap();
        assert!(peak_reserved_memory(device).unwrap() < 64 * MIB);
    } else {
        // Not `println!`, which a passing test keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: no CUDA device to measure");
        assert!(peak_memory(Device::Cuda(0)).is_err());
        assert!(empty_cache(Device::Cuda(0)).is_err());
    }
}
