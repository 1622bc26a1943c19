//! Which precision a computation runs in, and who decides: the call, the thread, the process, the device.
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};
use tch::{Device, Kind};

/// The compute precision of a region. Parameters, gradients and optimizer state keep their own dtype in all of them, f32 as a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32 throughout: a region does nothing.
    Full,
    /// IEEE half precision: 10 bits of mantissa, largest value 65504. Needs a loss scale.
    F16,
    /// bfloat16: f32's range with 7 bits of mantissa. Needs no loss scale.
    Bf16,
}

impl Precision {
    /// The dtype that operations are lowered to; none in full precision.
    #[must_use]
    pub fn low_kind(self) -> Option<Kind> {
        match self {
            Self::Full => None,
            Self::F16 => Some(Kind::Half),
            Self::Bf16 => Some(Kind::BFloat16),
        }
    }

    /// What holds on this thread for `device`: the innermost [`with_precision`], else [`set_default_precision`], else
    /// the device's own: f16 on CUDA and MPS, bf16 on the CPU (whose f16 convolutions are hundreds of times slower
    /// backward), as `torch.autocast` has it.
    #[must_use]
    pub fn current(device: Device) -> Self {
        Self::chosen().unwrap_or(match device {
            Device::Cuda(_) | Device::Mps => Self::F16,
            _ => Self::Bf16,
        })
    }

    /// What the thread or the process chose, whatever the device.
    pub(crate) fn chosen() -> Option<Self> {
        THREAD.get().or_else(process_default)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// A word that names no precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown precision `{0}`\nhelp: write `off` (or `full`, `fp32`, `float32`), `fp16` (`f16`, `float16`) or `bf16` (`bfloat16`)"
)]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(word: &str) -> Result<Self, UnknownPrecision> {
        match word.to_ascii_lowercase().as_str() {
            "off" | "full" | "fp32" | "float32" => Ok(Self::Full),
            "fp16" | "f16" | "float16" => Ok(Self::F16),
            "bf16" | "bfloat16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision(word.to_owned())),
        }
    }
}

thread_local! {
    static THREAD: Cell<Option<Precision>> = const { Cell::new(None) };
}

/// Runs `f` with `precision` as this thread's choice, whatever the device. Nests; a panic in `f` leaves the choice as it was.
pub fn with_precision<R>(precision: Precision, f: impl FnOnce() -> R) -> R {
    with_choice(Some(precision), f)
}

/// The same with a choice that was made elsewhere, or none.
pub(crate) fn with_choice<R>(choice: Option<Precision>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Precision>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD.set(self.0);
        }
    }
    let _restore = Restore(THREAD.replace(choice));
    f()
}

const BY_DEVICE: u8 = 0;
static PROCESS: AtomicU8 = AtomicU8::new(BY_DEVICE);

/// Sets the choice for every thread of the process that has none of its own; `None` leaves it to the device.
pub fn set_default_precision(precision: Option<Precision>) {
    let code = match precision {
        None => BY_DEVICE,
        Some(Precision::Full) => 1,
        Some(Precision::F16) => 2,
        Some(Precision::Bf16) => 3,
    };
    PROCESS.store(code, Ordering::Relaxed);
}

fn process_default() -> Option<Precision> {
    match PROCESS.load(Ordering::Relaxed) {
        1 => Some(Precision::Full),
        2 => Some(Precision::F16),
        3 => Some(Precision::Bf16),
        _ => None,
    }
}
