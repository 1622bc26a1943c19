//! Running the program, and a training that several tests look at.
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

/// What a run of the program left.
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Done {
    #[track_caller]
    pub(super) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.output, self.errors);
        self
    }

    /// It ends with exit status 1 and this message.
    #[track_caller]
    pub(super) fn fails(self, message: &str) {
        assert_eq!(self.code, Some(1), "{}{}", self.output, self.errors);
        assert!(self.errors.starts_with("error: ") && self.errors.contains(message), "{}", self.errors);
        assert!(!self.errors.contains("panicked"), "{}", self.errors);
    }
}

/// Runs the program to its end.
pub(super) fn detector<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_detector")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
}

/// `cells`, made small: two epochs of three steps.
pub(super) const SMALL: [&str; 13] = [
    "train_dataloader.dataset.num_images=6",
    "train_dataloader.batch_size=2",
    "train_dataloader.dataset.image_size=[128, 96]",
    "train_dataloader.dataset.pipeline.0.scale=[128, 96]",
    "val_dataloader.dataset.num_images=4",
    "val_dataloader.dataset.image_size=[128, 96]",
    "val_dataloader.dataset.pipeline.0.scale=[128, 96]",
    "train_cfg.max_epochs=2",
    "train_cfg.val_interval=1",
    "param_scheduler.0.end=2",
    "default_hooks.logger.interval=2",
    "default_hooks.checkpoint.interval=1",
    "default_hooks.checkpoint.max_keep_ckpts=1",
];

/// The work folder of a small training in bf16, made once.
pub(super) fn trained() -> &'static Path {
    static FOLDER: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("small");
        let arguments =
            ["train", "cells", "--amp", "bf16", "--work-dir", work.to_str().unwrap(), "--cfg-options"];
        detector(arguments.into_iter().chain(SMALL)).succeeds();
        (folder, work)
    });
    &FOLDER.1
}
