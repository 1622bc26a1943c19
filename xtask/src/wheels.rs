//! The pinned wheels, and what an install for each purpose takes.
use std::fmt;

/// tch 0.24 is made for this release.
pub(crate) const TORCH: &str = "2.11.0";

/// The Pythons that torch 2.11.0 has wheels for: 3.10 to 3.14.
pub(crate) const PYTHONS: std::ops::RangeInclusive<(u32, u32)> = (3, 10)..=(3, 14);

/// What an install is good for; a later one does all that an earlier one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Cpu,
    Gpu,
    Python,
}

/// Bytes, measured for Python 3.11 on Linux x86-64.
pub(crate) struct Size {
    pub(crate) download: u64,
    pub(crate) disk: u64,
}

impl Size {
    /// pip keeps the wheels beside the unpacked files until it is done.
    pub(crate) fn peak(&self) -> u64 {
        self.download + self.disk
    }
}

const MB: u64 = 1_000_000;

/// The CUDA libraries that `libtorch_cpu.so` itself is linked to; the versions are those of `cuda-toolkit` 13.0.2.
const CPU: [&str; 2] = ["nvidia-cuda-runtime==13.0.96.*", "nvidia-cuda-cupti==13.0.85.*"];

/// The others that `libtorch_cuda.so` needs: torch 2.11.0's own requirements, less those that only python needs.
const GPU: [&str; 13] = [
    "nvidia-cublas==13.1.0.3.*",
    "nvidia-cuda-nvrtc==13.0.88.*",
    "nvidia-cufft==12.0.0.61.*",
    "nvidia-cufile==1.15.1.6.*",
    "nvidia-curand==10.4.0.35.*",
    "nvidia-cusolver==12.0.4.66.*",
    "nvidia-cusparse==12.6.3.3.*",
    "nvidia-nvjitlink==13.0.88.*",
    "nvidia-nvtx==13.0.85.*",
    "nvidia-cudnn-cu13==9.19.0.56",
    "nvidia-cusparselt-cu13==0.8.0",
    "nvidia-nccl-cu13==2.28.9",
    "nvidia-nvshmem-cu13==3.4.5",
];

/// What the scripts of `tests/goldens` import besides torch.
const REFERENCES: [&str; 2] = ["numpy", "safetensors"];

impl Kind {
    /// What pip is asked for.
    pub(crate) fn requirements(self) -> Vec<String> {
        let cuda: &[&[&str]] = match self {
            _ if self != Self::Python && !cfg!(target_os = "linux") => &[],
            Self::Cpu => &[&CPU],
            Self::Gpu => &[&CPU, &GPU],
            Self::Python => &[&REFERENCES], // pip finds the CUDA libraries itself
        };
        let torch = format!("torch=={TORCH}");
        std::iter::once(torch).chain(cuda.concat().into_iter().map(String::from)).collect()
    }

    /// Does pip look for the requirements of the requirements?
    pub(crate) fn with_dependencies(self) -> bool {
        self == Self::Python
    }

    pub(crate) fn size(self) -> Size {
        let (download, disk) = match self {
            Self::Cpu | Self::Gpu if !cfg!(target_os = "linux") => (81, 400),
            Self::Python if !cfg!(target_os = "linux") => (90, 500),
            Self::Cpu => (544, 1245),
            Self::Gpu => (2512, 4030),
            Self::Python => (2725, 4850),
        };
        Size { download: download * MB, disk: disk * MB }
    }

    /// The library that shows whether all of it loads.
    pub(crate) fn top_library(self) -> &'static str {
        match self {
            _ if cfg!(target_os = "macos") => "libtorch_cpu.dylib",
            _ if cfg!(windows) => "torch_cpu.dll",
            Self::Cpu => "libtorch_cpu.so",
            Self::Gpu | Self::Python => "libtorch.so", // wants libtorch_cuda.so too
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Cpu, Self::Gpu, Self::Python].into_iter().find(|kind| kind.to_string() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Python => "python",
        })
    }
}

/// Bytes as a person reads them.
pub(crate) fn human(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // one digit is shown
    let gigabytes = bytes as f64 / 1e9;
    if bytes < 1000 * MB { format!("{} MB", bytes / MB) } else { format!("{gigabytes:.1} GB") }
}
