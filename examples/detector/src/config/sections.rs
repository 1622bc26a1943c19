//! The keys of a whole configuration.
use super::data::{DataloaderConfig, EvaluatorConfig};
use super::model::ModelConfig;
use super::run::{AutoScaleLr, CustomHook, DefaultHooks, Randomness, TrainCfg};
use serde::Deserialize;
use std::path::PathBuf;

/// The keys of a configuration, but for `optim_wrapper` and `param_scheduler`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sections {
    /// `model`.
    pub model: ModelConfig,
    /// `train_dataloader`.
    pub train_dataloader: DataloaderConfig,
    /// `val_dataloader`: what is evaluated while training; nothing by default.
    pub val_dataloader: Option<DataloaderConfig>,
    /// `test_dataloader`: what `test` evaluates; the validation set by default.
    pub test_dataloader: Option<DataloaderConfig>,
    /// `val_evaluator`, which has to be there where `val_dataloader` is.
    #[serde(default)]
    pub val_evaluator: EvaluatorConfig,
    /// `test_evaluator`; that of validation by default.
    pub test_evaluator: Option<EvaluatorConfig>,
    /// `train_cfg`.
    pub train_cfg: TrainCfg,
    /// `default_hooks`.
    #[serde(default)]
    pub default_hooks: DefaultHooks,
    /// `custom_hooks`.
    #[serde(default)]
    pub custom_hooks: Vec<CustomHook>,
    /// `randomness`.
    #[serde(default)]
    pub randomness: Randomness,
    /// `auto_scale_lr`.
    #[serde(default)]
    pub auto_scale_lr: AutoScaleLr,
    /// `work_dir`.
    pub work_dir: Option<PathBuf>,
    /// `resume`: go on from the last checkpoint of the work folder, as `--resume`.
    #[serde(default)]
    pub resume: bool,
    /// `load_from`: weights to start from.
    pub load_from: Option<PathBuf>,
}
