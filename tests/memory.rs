//! The most memory in use at once: it is seen, and can be counted anew.
use amp_runtime::{MemoryError, empty_cache, peak_memory, reset_peak_memory};
use std::io::Write;
use std::sync::Mutex;
use tch::{Cuda, Device, Kind, Tensor};

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

#[test]
fn devices_without_statistics_say_so() {
    let _alone = ALONE.lock();
    for device in [Device::Mps, Device::Vulkan] {
        assert!(matches!(peak_memory(device), Err(MemoryError::Unsupported(found)) if found == device));
        assert!(matches!(reset_peak_memory(device), Err(MemoryError::Unsupported(_))));
        assert!(matches!(empty_cache(device), Err(MemoryError::Unsupported(_))));
    }
    if Cuda::is_available() {
        let device = Device::Cuda(0);
        reset_peak_memory(device).unwrap();
        touch(64, device);
        assert!(peak_memory(device).unwrap() >= 64 * MIB);
        empty_cache(device).unwrap();
    } else {
        // Not `println!`, which a passing test keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: no CUDA device to measure");
        assert!(peak_memory(Device::Cuda(0)).is_err());
        assert!(empty_cache(Device::Cuda(0)).is_err());
    }
}
