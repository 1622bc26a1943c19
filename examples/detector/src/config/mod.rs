//! A training configuration: MMDetection's words, in TOML, JSON or YAML, several files deep.
mod builtin;
mod check;
mod data;
mod document;
mod error;
mod layers;
mod mmdetection;
mod model;
mod options;
mod precision;
mod reader;
mod run;
mod sections;

pub use builtin::builtin_names;
pub use data::{
    DataPrefix, DataloaderConfig, DatasetConfig, DatasetType, Direction, EvaluatorConfig, MetaInfo,
    OnBadData, Transform,
};
pub use error::{ConfigError, Problem};
pub use model::{
    AnchorGenerator, BackboneConfig, BboxHead, BoxLoss, DataPreprocessor, LossBbox, ModelConfig, ModelType,
    NeckConfig, Nms, NormCfg, NormType, TestCfg,
};
pub use run::{
    AutoScaleLr, CheckpointHook, CustomHook, DefaultHooks, EarlyStopping, LoggerHook, Randomness, SaveBest,
    TrainCfg, VisualizationHook,
};
pub use sections::Sections;

use amp_runtime::Precision;
use amp_runtime::config::TrainingConfig;
use document::{at, take};
use layers::{LOADERS, Layers};
use serde_json::{Value, json};
use std::path::Path;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Everything but the optimizer.
    pub sections: Sections,
    /// `optim_wrapper` and `param_scheduler`.
    pub training: TrainingConfig,
    /// Keys of MMDetection that mean nothing here.
    pub ignored: Vec<String>,
    /// All of it, to be written down.
    toml: String,
}

/// What the command line says on top of the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides<'a> {
    /// `--cfg-options`: `a.b=value`, later ones win.
    pub options: &'a [String],
    /// `--amp` of a training, which may not contradict the configuration.
    pub amp: Option<Precision>,
    /// `--amp` of what uses a trained model, whose weights serve every precision.
    pub use_in: Option<Precision>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--auto-scale-lr`.
    pub auto_scale_lr: bool,
}

impl Config {
    /// Reads a file, or a built-in configuration where there is no file of that name, all that it is based on, and what the
    /// command line says.
    ///
    /// # Errors
    /// See [`ConfigError`]: each names file, option or key.
    pub fn load(name: &Path, overrides: Overrides) -> Result<Self, ConfigError> {
        let mut layers = Layers::read(name)?;
        for option in overrides.options {
            layers.set(option)?;
        }
        if let Some(precision) = overrides.amp {
            precision::set(&mut layers, precision)?;
        }
        if let Some(precision) = overrides.use_in {
            precision::replace(&mut layers, precision);
        }
        if let Some(seed) = overrides.seed {
            layers.lay(format!("--seed {seed}"), json!({ "randomness": { "seed": seed } }));
        }
        if overrides.auto_scale_lr {
            layers.lay("--auto-scale-lr".to_owned(), json!({ "auto_scale_lr": { "enable": true } }));
        }
        let document = layers.document();
        Self::of_document(document.clone()).map_err(|mut problems| {
            // what is missing comes from nowhere
            for problem in problems.iter_mut().filter(|problem| at(&document, &problem.key).is_some()) {
                problem.from = layers.origin(&problem.key).map(str::to_owned);
            }
            ConfigError::Invalid { problems }
        })
    }

    fn of_document(mut document: Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let ignored = mmdetection::drop_implied(&mut document, &mut problems);
        share_root(&mut document);
        let toml = toml::to_string(&document);
        let mut training = json!({});
        for key in ["optim_wrapper", "param_scheduler"] {
            if let Some(section) = take(&mut document, key) {
                training[key] = section;
            }
        }
        let training = TrainingConfig::from_json(&training.to_string());
        let missing = check::evaluators(&document);
        let sections = reader::read(document);
        problems.extend(missing);
        match (sections, training, toml) {
            (Ok(sections), Ok(training), Ok(toml)) => {
                problems.extend(check::values(&sections));
                if problems.is_empty() {
                    return Ok(Self { sections, training, ignored, toml });
                }
            }
            (sections, training, toml) => {
                problems.extend(sections.err().unwrap_or_default());
                problems.extend(training.err().map(of_training).unwrap_or_default());
                if problems.is_empty() {
                    problems.extend(toml.err().map(|error| Problem::new("", error.to_string())));
                }
            }
        }
        Err(problems)
    }

    /// The precision of training; none says: by device.
    pub fn precision(&self) -> Option<Precision> {
        self.training.optim_wrapper.precision
    }

    /// The factor of the learning rate by `auto_scale_lr`: the batch size over the one that the rate is for. As in MMEngine,
    /// accumulated batches do not count.
    pub fn lr_factor(&self) -> f64 {
        match self.sections.auto_scale_lr {
            AutoScaleLr { enable: true, base_batch_size: Some(base) } => {
                #[allow(clippy::cast_precision_loss)] // images of a batch
                let factor = self.sections.train_dataloader.batch_size as f64 / base as f64;
                factor
            }
            _ => 1.,
        }
    }

    /// All of it as TOML, which reads back as the same configuration: layers together, without the keys of
    /// [`ignored`](Self::ignored).
    pub fn to_toml(&self) -> &str {
        &self.toml
    }
}

/// Gives the data sets that have none the common `data_root`.
fn share_root(document: &mut Value) {
    let Some(root) = take(document, "data_root") else { return };
    for loader in LOADERS {
        let dataset = document.get_mut(loader).and_then(|loader| loader.get_mut("dataset"));
        if let Some(dataset) = dataset.and_then(Value::as_object_mut) {
            dataset.entry("data_root").or_insert_with(|| root.clone());
        }
    }
}

/// The optimizer's problems, each with the key that it names first.
fn of_training(error: amp_runtime::config::ConfigError) -> Vec<Problem> {
    let amp_runtime::config::ConfigError::Invalid { problems, .. } = error else {
        return vec![Problem::new("", error.to_string())];
    };
    let named =
        |message: String| Problem::new(message.split('`').nth(1).unwrap_or_default(), message.clone());
    problems.iter().map(|problem| named(problem.to_string())).collect()
}
