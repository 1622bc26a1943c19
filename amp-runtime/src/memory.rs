//! The most memory that was in use at once, and what is kept of it for later.
use crate::native::{self, NativeError};
use tch::Device;

/// Errors of the memory statistics.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// No statistics for this device.
    #[error(
        "libtorch tells nothing of the memory of {0:?} on this system\nhelp: it does for CUDA, and Linux for the CPU"
    )]
    Unsupported(Device),
    /// CUDA is absent although the machine has it.
    #[error("CUDA could not be loaded: {0}")]
    CudaNotLoaded(String),
    /// The system's own.
    #[error("the system did not say how much memory is in use")]
    Io(#[from] std::io::Error),
    /// libtorch's own.
    #[error(transparent)]
    Native(#[from] NativeError),
}

/// The most bytes in use at once since the process began or [`reset_peak_memory`] was called: on CUDA what tensors held
/// (`torch.cuda.max_memory_allocated`, as MMDetection's `memory`), on the CPU the resident memory of the whole process.
///
/// # Errors
/// A device without statistics.
pub fn peak_memory(device: Device) -> Result<u64, MemoryError> {
    match device {
        Device::Cuda(index) => native::peak_bytes(index).map_err(cuda_error),
        Device::Cpu => resident_peak()?.ok_or(MemoryError::Unsupported(device)),
        other => Err(MemoryError::Unsupported(other)),
    }
}

/// The most bytes taken from the system at once, counted as [`peak_memory`] is: on CUDA what tensors held, what is kept for later,
/// and the memory of graphs, which is theirs between replays too (`torch.cuda.max_memory_reserved`); on the CPU the same figure.
///
/// # Errors
/// A device without statistics.
pub fn peak_reserved_memory(device: Device) -> Result<u64, MemoryError> {
    match device {
        Device::Cuda(index) => native::peak_reserved_bytes(index).map_err(cuda_error),
        other => peak_memory(other),
    }
}

/// Starts the counts of [`peak_memory`] and [`peak_reserved_memory`] anew (`torch.cuda.reset_peak_memory_stats`).
///
/// # Errors
/// A device without statistics.
pub fn reset_peak_memory(device: Device) -> Result<(), MemoryError> {
    match device {
        Device::Cuda(index) => native::reset_peak(index).map_err(cuda_error),
        // Linux: 5 resets the high-water mark (proc_pid_clear_refs(5)).
        Device::Cpu if cfg!(target_os = "linux") => Ok(std::fs::write("/proc/self/clear_refs", "5")?),
        other => Err(MemoryError::Unsupported(other)),
    }
}

/// Gives unused memory that libtorch's allocator keeps for later back to the GPU, where other processes can have it; to each GPU, if
/// there are several (`torch.cuda.empty_cache`, `MMEngine`'s `EmptyCacheHook`). The next step has to ask for it again. The CPU
/// keeps none.
///
/// # Errors
/// A device whose memory is not libtorch's to keep, or no CUDA.
pub fn empty_cache(device: Device) -> Result<(), MemoryError> {
    match device {
        Device::Cpu => Ok(()),
        Device::Cuda(index) => native::empty_cache(index).map_err(cuda_error),
        other => Err(MemoryError::Unsupported(other)),
    }
}

/// Keeps freed CPU memory in the process, for the next step, instead of giving it back to the system. Call it once, first in `main`,
/// and train on the main thread: only its heap can grow without limit.
///
/// libtorch takes tensors from the C library's `malloc`, and glibc unmaps large blocks when they are freed. Each step then asks for
/// the same blocks again and faults all of their pages in anew: a seventh of forward and backward of ResNet-18 at batch 1 (59 ms and
/// 51 with memory kept; PyTorch's tuning guide has its users preload jemalloc or tcmalloc against that). From here on the heap does
/// not shrink: the process holds on to the most that it has needed so far, and what lies in gaps. `mallopt(3)`: `M_TRIM_THRESHOLD`, `M_MMAP_MAX`, and `M_MXFAST`, as each large block that is
/// freed has glibc merge the small ones that wait in fast bins. Without glibc nothing happens; on a GPU libtorch's own allocator
/// keeps its memory anyway, see [`empty_cache`].
pub fn keep_freed_memory() {
    native::keep_freed_memory();
}

fn cuda_error(error: NativeError) -> MemoryError {
    native::cuda_load_error().map_or(MemoryError::Native(error), MemoryError::CudaNotLoaded)
}

/// `VmHWM`, the resident high-water mark, which Linux gives in KiB.
fn resident_peak() -> Result<Option<u64>, MemoryError> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map(|kib| kib * 1024))
}
