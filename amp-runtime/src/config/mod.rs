//! Configuration files: `MMEngine`'s keys and meanings, in TOML, JSON or YAML.
//!
//! A dump of an `MMEngine` or `MMDetection` configuration reads as it is. Every problem of a document is reported at once,
//! with the path of its key.
//!
//! ```
//! use amp_runtime::config::TrainingConfig;
//!
//! let config = TrainingConfig::from_toml(r#"
//!     [optim_wrapper]
//!     type = "AmpOptimWrapper"
//!     dtype = "float16"
//!     loss_scale = { init_scale = 1024, growth_interval = 500 }
//!     optimizer = { type = "SGD", lr = 0.02, momentum = 0.9, weight_decay = 1e-4 }
//!     clip_grad = { max_norm = 35 }
//!
//!     [[param_scheduler]]
//!     type = "LinearLR"
//!     start_factor = 0.001
//!     by_epoch = false
//!     end = 500
//! "#)?;
//! let schedule = config.schedule(None)?;
//! assert_eq!(schedule.lr(0.02, 500), 0.02);
//!
//! let error = TrainingConfig::from_json(r#"{"optim_wrapper": {"optimizer": {"type": "SGD", "momentun": 0.9}}}"#);
//! assert!(error.unwrap_err().to_string().starts_with("unknown key `optim_wrapper.optimizer.momentun`\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod error;
mod format;
mod node;
mod optim_wrapper;
mod optimizer;
mod param_scheduler;
mod problem;
mod reader;

pub use error::ConfigError;
pub use format::Format;
pub use problem::Problem;

use crate::optim::{ClipGrad, OptimizerConfig, Paramwise};
use crate::precision::Precision;
use crate::scaler::LossScale;
use crate::schedule::{Piece, Schedule, ScheduleError};
use node::Node;
use reader::Field;
use serde::{Deserialize, Deserializer, de};
use std::path::Path;

/// `MMEngine`'s `optim_wrapper`: the optimizer and how its updates are made.
///
/// `type: OptimWrapper` (the default) is full precision without a loss scale; `type: AmpOptimWrapper` is mixed precision.
/// What `MMEngine` lacks: an integer `loss_scale`; in the table of a dynamic one also `min_scale`, `max_scale`,
/// `hysteresis`, `consecutive_hysteresis` and `on_floor` (`"clamp"`, `"warn"` or `{ error_after: n }`).
#[derive(Debug, Clone, PartialEq)]
pub struct OptimWrapperConfig {
    /// `dtype`; none: by device.
    pub precision: Option<Precision>,
    /// `loss_scale`; none: by precision, dynamic for f16 and off otherwise.
    pub loss_scale: Option<LossScale>,
    /// `optimizer`.
    pub optimizer: OptimizerConfig,
    /// `clip_grad`.
    pub clip_grad: Option<ClipGrad>,
    /// `accumulative_counts`: micro-batches in an update, 1 or more.
    pub accumulative_counts: u32,
    /// `paramwise_cfg`.
    pub paramwise: Paramwise,
}

/// The two keys of a training configuration that are about optimization; all others are left to whoever knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingConfig {
    /// `optim_wrapper`.
    pub optim_wrapper: OptimWrapperConfig,
    /// `param_scheduler`: one table or a list of them; empty where there is none.
    pub param_scheduler: Vec<Piece>,
}

impl TrainingConfig {
    /// The schedule of the learning rate; `updates_per_epoch` as in [`Schedule::from_config`].
    ///
    /// # Errors
    /// A piece counts epochs, and `updates_per_epoch` is none or 0.
    pub fn schedule(&self, updates_per_epoch: Option<u64>) -> Result<Schedule, ScheduleError> {
        Schedule::from_config(self.param_scheduler.iter().cloned(), updates_per_epoch)
    }
}

impl Section for TrainingConfig {
    fn read(field: &Field) -> Option<Self> {
        field.table(|table| {
            let optim_wrapper = table.required("optim_wrapper").and_then(|field| Section::read(&field));
            let param_scheduler = table.optional("param_scheduler");
            let param_scheduler =
                param_scheduler.map_or(Some(Vec::new()), |field| param_scheduler::read(&field));
            table.ignore_rest();
            Some(Self { optim_wrapper: optim_wrapper?, param_scheduler: param_scheduler? })
        })
    }
}

/// What a document, or a part of one, is read into.
trait Section: Sized {
    /// None where a problem was noted.
    fn read(field: &Field) -> Option<Self>;

    fn from_text(text: &str, format: Format, file: Option<&Path>) -> Result<Self, ConfigError> {
        let document = format.parse(text).map_err(|error| error.in_file(file))?;
        Self::from_node(&document)
            .map_err(|problems| ConfigError::Invalid { file: file.map(Path::to_owned), problems })
    }

    fn from_node(document: &Node) -> Result<Self, Vec<Problem>> {
        reader::read(document, Self::read)
    }
}

macro_rules! doors {
    ($section:ident) => {
        impl $section {
            /// Reads TOML.
            ///
            /// # Errors
            /// What is not TOML, or every problem of the document.
            pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
                Self::from_text(text, Format::Toml, None)
            }

            /// Reads JSON.
            ///
            /// # Errors
            /// What is not JSON, or every problem of the document.
            pub fn from_json(text: &str) -> Result<Self, ConfigError> {
                Self::from_text(text, Format::Json, None)
            }

            /// Reads YAML (1.2: `yes` and `off` are words).
            ///
            /// # Errors
            /// What is not YAML, or every problem of the document.
            pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
                Self::from_text(text, Format::Yaml, None)
            }

            /// Reads a file whose extension is `toml`, `json`, `yaml` or `yml`.
            ///
            /// # Errors
            /// Another extension, a file that cannot be read, or as the other readers, with the file's name.
            pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
                let path = path.as_ref();
                let format = Format::of(path)?;
                let text = std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::Read { file: path.to_owned(), source })?;
                Self::from_text(&text, format, Some(path))
            }
        }

        /// As part of a configuration of your own; key paths in errors start at this part.
        impl<'de> Deserialize<'de> for $section {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_node(&Node::deserialize(deserializer)?)
                    .map_err(|problems| de::Error::custom(ConfigError::Invalid { file: None, problems }))
            }
        }
    };
}

doors!(OptimWrapperConfig);
doors!(TrainingConfig);
