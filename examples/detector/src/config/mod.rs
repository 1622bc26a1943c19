//! A training configuration: MMDetection's words, in TOML, JSON or YAML, several files deep.
mod builtin;
mod check;
mod data;
mod error;
mod layers;
mod mmdetection;
mod model;
mod options;
mod precision;
mod run;
mod sections;

pub use data::{
    DataPrefix, DataloaderConfig, DatasetConfig, DatasetType, Direction, EvaluatorConfig, MetaInfo,
    OnBadData, Transform,
};
pub use error::ConfigError;
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
use serde_json::Value;
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
    /// All of it as it was read, to be written down.
    document: Value,
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
        let mut document = layers::read(name)?;
        for option in overrides.options {
            options::set(&mut document, option)?;
        }
        if let Some(precision) = overrides.amp {
            precision::set(&mut document, precision)?;
        }
        if let Some(precision) = overrides.use_in {
            precision::replace(&mut document, precision);
        }
        if let Some(seed) = overrides.seed {
            options::set(&mut document, &format!("randomness.seed={seed}"))?;
        }
        if overrides.auto_scale_lr {
            options::set(&mut document, "auto_scale_lr.enable=true")?;
        }
        Self::of_document(document)
    }

    fn of_document(document: Value) -> Result<Self, ConfigError> {
        let mut rest = document.clone();
        let ignored = mmdetection::drop_implied(&mut rest);
        let Value::Object(table) = &mut rest else {
            return Err(ConfigError::value("configuration", "it is no table of keys"));
        };
        let root = table.remove("data_root");
        for loader in ["train_dataloader", "val_dataloader", "test_dataloader"] {
            let dataset = table.get_mut(loader).and_then(|loader| loader.get_mut("dataset"));
            if let (Some(root), Some(dataset)) = (&root, dataset.and_then(Value::as_object_mut)) {
                dataset.insert("data_root".to_owned(), root.clone());
            }
        }
        let mut training = serde_json::Map::new();
        for key in ["optim_wrapper", "param_scheduler"] {
            training.extend(table.remove_entry(key));
        }
        let training = TrainingConfig::from_json(&Value::Object(training).to_string())
            .map_err(|error| ConfigError::Training(error.to_string()))?;
        let sections: Sections = serde_path_to_error::deserialize(rest).map_err(|error| described(&error))?;
        let config = Self { sections, training, ignored, document };
        check::check(&config.sections)?;
        Ok(config)
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

    /// All of it as TOML, which reads back as the same configuration.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.document).unwrap_or_default()
    }
}

/// A reader's error in our words.
fn described(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let message = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." { "" } else { &path };
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
        let unknown = quoted.next().unwrap_or_default();
        let known: Vec<String> = quoted.collect();
        let likeness = |known: &&String| strsim::jaro_winkler(known, &unknown);
        let meant = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let meant = meant.filter(|known| likeness(known) > 0.8).cloned();
        // The reader's path ends with the key itself where it knows it.
        let above = path.strip_suffix(&unknown).unwrap_or(path).trim_end_matches('.');
        let key = if above.is_empty() { unknown } else { format!("{above}.{unknown}") };
        let known = if meant.is_some() { Vec::new() } else { known };
        return ConfigError::UnknownKey { key, meant, known };
    }
    ConfigError::value(if path.is_empty() { "configuration" } else { path }, message)
}
