//! What was measured, as it stands in the JSON file.
use crate::entrant::{Entrant, Numbers, System};
use crate::machine::Machine;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// A model at a batch size, measured by everyone in turns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) model: String,
    pub(crate) batch: i64,
    /// What is counted per second, and how many of it a step has.
    pub(crate) unit: String,
    pub(crate) per_step: i64,
    pub(crate) parameters: i64,
    pub(crate) measured: Vec<Measured>,
    pub(crate) absent: Vec<Absent>,
    /// What whoever put the row here has to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remark: Option<String>,
}

/// What one entrant needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) entrant: Entrant,
    /// A step: the median, and the quartiles on both sides of it.
    pub(crate) seconds: f64,
    pub(crate) quartiles: [f64; 2],
    pub(crate) steps: usize,
    /// On a CPU how much the process grew, on CUDA what tensors held, for graphs what was taken from the driver.
    pub(crate) peak_bytes: Option<u64>,
    /// `aten::_to_copy` in a step, on CUDA in its forward; none where operators are fused away.
    pub(crate) casts: Option<u64>,
    /// Of the weights that all begin with.
    pub(crate) loss: f64,
}

/// An entrant that could not take part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Absent {
    #[serde(flatten)]
    pub(crate) entrant: Entrant,
    pub(crate) reason: String,
}

impl Row {
    pub(crate) fn find(&self, system: System, numbers: Numbers, channels_last: bool) -> Option<&Measured> {
        let wanted = Entrant { system, numbers, channels_last };
        self.measured.iter().find(|one| one.entrant == wanted)
    }

    /// What one trains in without mixed precision: f32, on a GPU with products in TF32.
    pub(crate) fn full(&self) -> Numbers {
        let has_tf32 = self.measured.iter().any(|one| one.entrant.numbers == Numbers::Tf32);
        if has_tf32 { Numbers::Tf32 } else { Numbers::F32 }
    }

    /// Plain PyTorch in the same numbers and layout, also for `torch.compile` and `tch::autocast`; for graphs its own.
    pub(crate) fn pytorch_of(&self, one: &Measured) -> Option<&Measured> {
        let system = if one.entrant.is_graph() { System::PytorchGraph } else { System::Pytorch };
        self.find(system, one.entrant.numbers, one.entrant.channels_last)
    }

    /// The same system's f32 in the same layout.
    pub(crate) fn full_of(&self, one: &Measured) -> Option<&Measured> {
        let system = if one.entrant.is_python() { System::Pytorch } else { System::Amp };
        self.find(system, Numbers::F32, one.entrant.channels_last)
    }
}

impl Measured {
    #[allow(clippy::cast_precision_loss)] // items in a batch
    pub(crate) fn per_second(&self, row: &Row) -> f64 {
        row.per_step as f64 / self.seconds
    }

    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        self.seconds / other.seconds
    }
}
