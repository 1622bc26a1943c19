//! What a checkpoint says besides its tensors, and whether a file is one at all.
use super::checksum;
use super::container::{Read, Tensors, Unwritten, Words, unsavable};
use super::environment::Environment;
use super::error::{CheckpointError, Result};
use crate::optim::OptimizerNumbers;
use crate::optim_wrapper::WrapperNumbers;
use crate::scaler::ScalerState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The caller's own data: epoch, iteration, best result. Any JSON.
pub type Extra = serde_json::Value;

/// Goes up whenever an older version could not read what a newer one writes, or would read it wrongly.
const SCHEMA: u64 = 1;
const KIND: &str = "amp checkpoint";

/// All that is not tensors.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) environment: Environment,
    /// By name; a single wrapper's is empty.
    pub(super) wrappers: BTreeMap<String, Wrapper>,
    pub(super) extra: Extra,
}

/// The numbers of one wrapper.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wrapper {
    pub(super) precision: String,
    pub(super) numbers: WrapperNumbers,
    pub(super) optimizer: OptimizerNumbers,
    /// Null where scaling is off.
    pub(super) scaler: Option<ScalerState>,
}

impl Header {
    /// The file that holds this and the tensors.
    pub(super) fn file<'a>(&self, tensors: &'a Tensors) -> Result<Unwritten<'a>> {
        let state = serde_json::to_string(self).map_err(|error| unsavable("state", &error.to_string()))?;
        // JSON has no infinity, and readers limit its depth: better now than after the training.
        match serde_json::from_str::<Self>(&state) {
            Ok(read) if read == *self => {}
            Ok(_) => return Err(unsavable("state", "read back, it is something else")),
            Err(error) => return Err(unsavable("state", &format!("it could not be read back: {error}"))),
        }
        let mut words = Words::from([
            ("kind".to_owned(), KIND.to_owned()),
            ("schema".to_owned(), SCHEMA.to_string()),
            ("state".to_owned(), state),
        ]);
        checksum::prepare(tensors, &mut words)?;
        let mut file = Unwritten::new(tensors, &words)?;
        checksum::seal(&mut file.head);
        Ok(file)
    }

    /// Checks kind, schema and every byte, in this order: what another version wrote is not damaged.
    pub(super) fn read(path: &Path, file: &Read<'_>) -> Result<Self> {
        let path = path.to_owned();
        if !is_checkpoint(file) {
            let what = "it is a safetensors file of weights alone, or of another program\nhelp: `load_weights` reads weights".to_owned();
            return Err(CheckpointError::NotACheckpoint { path, what });
        }
        let Some(found) = file.word("schema").and_then(|schema| schema.parse().ok()) else {
            return Err(CheckpointError::Corrupt { path, what: "its header has no schema".to_owned() });
        };
        if found != SCHEMA {
            return Err(CheckpointError::UnsupportedSchema { path, found, supported: SCHEMA });
        }
        checksum::verify(&path, file)?;
        let state = file.word("state").ok_or_else(|| CheckpointError::Missing { key: "state".to_owned() })?;
        serde_json::from_str(state).map_err(|error| {
            let what = format!("its state makes no sense: {error}");
            CheckpointError::Corrupt { path, what }
        })
    }
}

/// Whether the file says so.
pub(super) fn is_checkpoint(file: &Read<'_>) -> bool {
    file.word("kind") == Some(KIND)
}
