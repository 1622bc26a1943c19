//! From a configuration to what it describes: model, loaders, optimizer.
use crate::config::{Config, DataloaderConfig, DatasetConfig, ModelConfig};
use crate::data::{Dataset, Loader, LoaderOptions, Pipeline};
use crate::model::{Detector, load_resnet};
use crate::report::Log;
use amp_runtime::checkpoint::load_weights;
use amp_runtime::config::TrainingConfig;
use amp_runtime::{Adam, AdamW, OptimWrapper, OptimizerConfig, Precision, Sgd};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;
use tch::Device;
use tch::nn::VarStore;

/// A model and its variables.
///
/// # Errors
/// libtorch's own.
pub fn model(config: &ModelConfig, classes: usize, device: Device) -> Result<(VarStore, Detector)> {
    let store = VarStore::new(device);
    let model = Detector::new(&store.root(), config, classes);
    Detector::prepare(&store, config)?;
    Ok((store, model))
}

/// The weights that training starts from: of the whole model, or of its backbone; random ones where none are named.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn initial_weights(config: &Config, store: &mut VarStore, log: &Log) -> Result<()> {
    let backbone = &config.sections.model.backbone;
    if let Some(file) = &backbone.checkpoint {
        let unused = load_resnet(file, store)?;
        log.info(format_args!("backbone weights from `{}`, without {}", file.display(), unused.join(", ")));
    } else if backbone.norm_eval || backbone.frozen_stages >= 0 {
        log.warning(
            "`model.backbone` is frozen or keeps its batch norms' statistics, and starts from random weights\n\
             help: name torchvision's weights in `model.backbone.checkpoint`, or set `norm_eval = false, frozen_stages = -1`",
        );
    }
    if let Some(file) = &config.sections.load_from {
        weights(file, store)?;
        log.info(format_args!("weights from `{}`", file.display()));
    }
    Ok(())
}

/// Puts the weights of a checkpoint into the model.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn weights(file: &Path, store: &mut VarStore) -> Result<()> {
    load_weights(file, store).with_context(|| format!("cannot use the weights in `{}`", file.display()))
}

/// The images of a loader; what is wrong with them is logged.
///
/// # Errors
/// Data that cannot be read, is refused, or is not there.
pub fn dataset(config: &DataloaderConfig, log: &Log) -> Result<Dataset> {
    let (mut dataset, report) = Dataset::load(&config.dataset)?;
    if !report.is_empty() {
        let text = format!("{} problems in the data\n{report}", report.problems.len());
        if report.is_serious() { log.warning(text) } else { log.info(text) }
    }
    if config.dataset.filter_empty_gt {
        dataset.retain_with_objects();
        if dataset.is_empty() {
            bail!("no image has an object, and `filter_empty_gt` leaves the others out");
        }
    }
    Ok(dataset)
}

/// The names of the classes of a data set.
///
/// # Errors
/// Data that cannot be read.
pub fn classes(config: &DatasetConfig) -> Result<Vec<String>> {
    match &config.metainfo.classes {
        Some(classes) => Ok(classes.clone()),
        None => Ok(Dataset::load(config)?.0.classes),
    }
}

/// A loader; with a seed it shuffles.
///
/// # Errors
/// A pipeline without a size, or no batch at all.
pub fn loader(
    config: &DataloaderConfig,
    dataset: Dataset,
    model: &ModelConfig,
    seed: Option<u64>,
) -> Result<Loader> {
    let options = LoaderOptions {
        batch_size: config.batch_size,
        num_workers: config.num_workers,
        drop_last: config.drop_last,
        shuffle: seed.is_some(),
        seed: seed.unwrap_or(0),
        pad_size_divisor: model.data_preprocessor.pad_size_divisor,
        on_bad_data: config.dataset.on_bad_data,
    };
    let pipeline = Pipeline::new(&config.dataset.pipeline)?;
    let images = dataset.len();
    let loader = Loader::new(Arc::new(dataset), pipeline, options);
    if loader.batches_per_epoch() == 0 {
        bail!(
            "{images} images do not fill a batch of {}, and `drop_last` leaves them out",
            config.batch_size
        );
    }
    Ok(loader)
}

/// The optimizer of a training, its learning rate scaled by `lr_factor`; `updates_per_epoch` is for schedules in epochs.
///
/// # Errors
/// Numbers out of range.
pub fn optimizer(
    training: &TrainingConfig,
    store: &VarStore,
    precision: Precision,
    lr_factor: f64,
    updates_per_epoch: u64,
) -> Result<OptimWrapper> {
    let mut wrapper = training.optim_wrapper.clone();
    wrapper.optimizer = match wrapper.optimizer {
        OptimizerConfig::Sgd(sgd) => OptimizerConfig::Sgd(Sgd { lr: sgd.lr * lr_factor, ..sgd }),
        OptimizerConfig::Adam(adam) => OptimizerConfig::Adam(Adam { lr: adam.lr * lr_factor, ..adam }),
        OptimizerConfig::AdamW(adam) => OptimizerConfig::AdamW(AdamW { lr: adam.lr * lr_factor, ..adam }),
    };
    let schedule = training.schedule(Some(updates_per_epoch))?;
    Ok(wrapper.builder().precision(precision).schedule(schedule).build(store)?)
}

/// The precision that a configuration trains in on this device.
pub fn precision(config: &Config, device: Device) -> Precision {
    config.precision().unwrap_or_else(|| Precision::current(device))
}
