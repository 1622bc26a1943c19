//! A trained model, from its work folder.
use super::place::device;
use crate::build;
use crate::cli::ModelArgs;
use crate::config::{Config, DataloaderConfig, Overrides};
use crate::data::Loader;
use crate::model::Detector;
use crate::report::Log;
use crate::train::Checkpoints;
use amp_runtime::Precision;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A trained model, and what it was trained with.
pub(super) struct Trained {
    pub(super) config: Config,
    pub(super) model: Detector,
    pub(super) precision: Precision,
    pub(super) checkpoint: PathBuf,
}

/// The configuration of `path`, which is a work folder or a configuration itself.
pub(super) fn config(path: &Path, args: &ModelArgs) -> Result<Config> {
    let file = if path.is_dir() { path.join("config.toml") } else { path.to_owned() };
    let use_in = args.amp.map(Precision::from);
    Ok(Config::load(&file, Overrides { options: &args.cfg_options, use_in, ..Overrides::default() })?)
}

/// The model of `path`, for images of `classes`.
pub(super) fn load(path: &Path, args: &ModelArgs, config: Config, classes: usize) -> Result<Trained> {
    let device = device(&args.compute)?;
    let checkpoint = if let Some(checkpoint) = &args.checkpoint {
        checkpoint.clone()
    } else {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        Checkpoints::new(folder, None).best_or_last().context("name one with `--checkpoint`")?
    };
    let (mut store, model) = build::model(&config.sections.model, classes, device)?;
    build::weights(&checkpoint, &mut store)?;
    let precision = build::precision(&config, device);
    Ok(Trained { config, model, precision, checkpoint })
}

/// The images that a configuration tests on.
pub(super) fn test_loader(config: &Config, log: &Log) -> Result<Loader> {
    let sections = &config.sections;
    let dataloader: &DataloaderConfig = sections
        .test_dataloader
        .as_ref()
        .or(sections.val_dataloader.as_ref())
        .context("the configuration has neither `test_dataloader` nor `val_dataloader`")?;
    build::loader(dataloader, build::dataset(dataloader, log)?, &sections.model, None)
}
