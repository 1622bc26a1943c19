//! Who takes part in a row: here or in PyTorch, in which precision, in which memory layout.
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// In what a step is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Numbers {
    /// True f32.
    F32,
    /// f32 whose matrix products and convolutions may round to TF32, on GPUs.
    Tf32,
    Bf16,
    F16,
}

/// By whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum System {
    /// `#[amp]`; in full precision plain tch.
    Amp,
    /// The same with forward and backward in a CUDA graph: `OptimWrapper::capture`.
    AmpGraph,
    /// `tch::autocast` around the forward of the same model.
    TchAutocast,
    /// `torch.autocast`, `GradScaler` in f16, fused optimizer.
    Pytorch,
    /// The same with forward and backward in a CUDA graph: `torch.cuda.graph`.
    PytorchGraph,
    /// The same below `torch.compile`.
    TorchCompile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entrant {
    pub(crate) system: System,
    pub(crate) numbers: Numbers,
    pub(crate) channels_last: bool,
}

/// What one process of an entrant is to do: its only argument, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) entrant: Entrant,
    pub(crate) model: String,
    /// Weights as `weights/NAME`, the batch as `inputs/NAME`.
    pub(crate) file: PathBuf,
    /// `cpu` or `cuda`.
    pub(crate) device: Hardware,
    pub(crate) threads: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hardware {
    Cpu,
    Cuda,
}

impl Numbers {
    pub(crate) fn is_full(self) -> bool {
        matches!(self, Self::F32 | Self::Tf32)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

impl Entrant {
    /// All that make sense for a model on this hardware; the first is what others are compared with.
    pub(crate) fn all(hardware: Hardware, convolutional: bool) -> Vec<Self> {
        use {Numbers as N, System as S};
        let gpu = hardware == Hardware::Cuda;
        let mut pairs = vec![(S::Amp, N::F32), (S::Pytorch, N::F32)];
        if gpu {
            pairs.extend([(S::Amp, N::Tf32), (S::Pytorch, N::Tf32)]);
        }
        pairs.extend([(S::Amp, N::Bf16), (S::Pytorch, N::Bf16), (S::Amp, N::F16), (S::Pytorch, N::F16)]);
        if gpu {
            pairs.push((S::TchAutocast, N::F16));
            let graphed = [S::AmpGraph, S::PytorchGraph];
            pairs.extend(
                [N::Tf32, N::F16].into_iter().flat_map(|numbers| graphed.map(|system| (system, numbers))),
            );
        }
        pairs.push((S::TorchCompile, if gpu { N::F16 } else { N::Bf16 }));
        let layouts: &[bool] = match (convolutional, gpu) {
            (false, _) => &[false],
            (true, false) => &[true],
            (true, true) => &[true, false],
        };
        let entrants = layouts.iter().flat_map(|&channels_last| {
            pairs.iter().map(move |&(system, numbers)| Self { system, numbers, channels_last })
        });
        // Two numbers are enough to show what the other layout costs.
        let shown =
            |one: &Self| matches!(one.system, S::Amp | S::Pytorch) && matches!(one.numbers, N::Tf32 | N::F16);
        entrants.filter(|one| one.channels_last == layouts[0] || shown(one)).collect()
    }

    pub(crate) fn is_python(self) -> bool {
        matches!(self.system, System::Pytorch | System::PytorchGraph | System::TorchCompile)
    }

    /// Its forward and backward are one launch.
    pub(crate) fn is_graph(self) -> bool {
        matches!(self.system, System::AmpGraph | System::PytorchGraph)
    }

    /// Its operators are fused away, and its first step takes a minute.
    pub(crate) fn is_compiled(self) -> bool {
        self.system == System::TorchCompile
    }

    /// `#[amp] bf16`, `PyTorch f32`.
    pub(crate) fn label(self) -> String {
        let system = match self.system {
            System::Amp if self.numbers.is_full() => "tch",
            System::Amp => "#[amp]",
            System::AmpGraph if self.numbers.is_full() => "tch, graph,",
            System::AmpGraph => "#[amp], graph,",
            System::TchAutocast => "tch::autocast",
            System::Pytorch => "PyTorch",
            System::PytorchGraph => "PyTorch, graph,",
            System::TorchCompile => "torch.compile",
        };
        format!("{system} {}", self.numbers.word())
    }

    /// The environment that makes f32 what it is called, here and in Python.
    pub(crate) fn environment(self) -> Option<(&'static str, &'static str)> {
        match self.numbers {
            Numbers::F32 => Some(("NVIDIA_TF32_OVERRIDE", "0")),
            Numbers::Tf32 => Some(("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1")),
            Numbers::Bf16 | Numbers::F16 => None,
        }
    }
}
