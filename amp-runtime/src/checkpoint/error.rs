//! Why a checkpoint cannot be written or read.
use crate::native::{NativeError, from_tch};
use crate::optim_wrapper::OptimWrapperError;
use std::path::PathBuf;
use tch::TchError;

/// Errors of checkpoints. After an error of [`save`](super::save) the file is the previous one; after an error of
/// [`load`](super::load) model, optimizer, scaler and random generators are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system refused.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `sync`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the file system said.
        cause: std::io::Error,
    },
    /// Another program's file.
    #[error("`{}` is no checkpoint: {what}", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What it is instead, as far as one can tell.
        what: String,
    },
    /// The end of the file is missing.
    #[error(
        "`{}` is truncated: it has {found} of {wanted} bytes\nhelp: it was copied incompletely; take an earlier checkpoint", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that are there.
        found: u64,
        /// Bytes that its header announces.
        wanted: u64,
    },
    /// The bytes are not those that were written.
    #[error("`{}` is damaged: {what}\nhelp: take an earlier checkpoint", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the damage is.
        what: String,
    },
    /// Written by a version of this crate that puts other things into a checkpoint.
    #[error(
        "`{}` has schema {found}, this version reads {supported}\nhelp: {}", path.display(),
        if found < supported { "load and save it with the version that wrote it, or use `load_weights`" } else { "it is newer: update `amp-runtime`" }
    )]
    UnsupportedSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// The schema of this version.
        supported: u64,
    },
    /// The file lacks an entry that the model or the training needs.
    #[error(
        "the checkpoint has no `{key}`\nhelp: was it saved from another model or another set of wrappers"
    )]
    Missing {
        /// The entry.
        key: String,
    },
    /// The file has an entry that nothing here corresponds to.
    #[error(
        "the checkpoint has `{key}`, this training has not\nhelp: was it saved from another model or another set of wrappers"
    )]
    Unexpected {
        /// The entry.
        key: String,
    },
    /// An entry of another shape or dtype.
    #[error("`{key}` is {found} in the checkpoint, wanted {wanted}")]
    Mismatch {
        /// The entry.
        key: String,
        /// Dtype and shape in the file.
        found: String,
        /// Dtype and shape here.
        wanted: String,
    },
    /// Training could go on, but not to the bit.
    #[error(
        "saved with {what} {saved}, here it is {here}\nnote: the training that goes on would not be the one that was saved, to the bit\nhelp: if that is what you want, set `{allow}`"
    )]
    Environment {
        /// What is different.
        what: String,
        /// At the time of saving.
        saved: String,
        /// Now.
        here: String,
        /// The field of [`LoadOptions`](super::LoadOptions) that allows it.
        allow: &'static str,
    },
    /// Something that the format cannot hold.
    #[error("`{key}` cannot be saved: {problem}")]
    Unsavable {
        /// The entry.
        key: String,
        /// Why.
        problem: String,
    },
    /// A wrapper over another store than the one that is saved or loaded.
    #[error(
        "the wrapper trains `{parameter}`, which is not a variable of this store\nhelp: give the store that the wrapper was built over; of several stores, `VarStore::merge` makes one"
    )]
    AnotherStore {
        /// A parameter of the wrapper.
        parameter: String,
    },
    /// The optimizer, the scaler or an open accumulation window does not fit.
    #[error(transparent)]
    Wrapper(#[from] OptimWrapperError),
    /// libtorch failed.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// tch failed.
    #[error(transparent)]
    Tch(TchError),
}

from_tch!(CheckpointError);

pub(super) type Result<T> = std::result::Result<T, CheckpointError>;
