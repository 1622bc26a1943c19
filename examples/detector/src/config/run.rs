//! How long training goes on, what it writes down, and what it starts from.
use serde::{Deserialize, Serialize};

/// `train_cfg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainCfg {
    /// Epochs.
    pub max_epochs: u64,
    /// Epochs between evaluations.
    #[serde(default = "one")]
    pub val_interval: u64,
    /// The first epoch that is evaluated after.
    #[serde(default = "one")]
    pub val_begin: u64,
}

fn one() -> u64 {
    1
}

/// `default_hooks`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultHooks {
    /// Log lines.
    pub logger: LoggerHook,
    /// Checkpoints.
    pub checkpoint: CheckpointHook,
    /// Drawn predictions.
    pub visualization: VisualizationHook,
}

/// `default_hooks.logger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggerHook {
    /// Steps between log lines; each line has the means of the steps since the last one.
    pub interval: u64,
}

impl Default for LoggerHook {
    fn default() -> Self {
        Self { interval: 10 }
    }
}

/// `default_hooks.checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointHook {
    /// Epochs between checkpoints; the last epoch and an interruption always write one.
    pub interval: u64,
    /// How many `epoch_N.safetensors` are kept; -1 keeps all.
    pub max_keep_ckpts: i64,
    /// Whether the best model so far is kept too.
    pub save_best: SaveBest,
}

impl Default for CheckpointHook {
    fn default() -> Self {
        Self { interval: 1, max_keep_ckpts: 3, save_best: SaveBest::Auto }
    }
}

/// `default_hooks.checkpoint.save_best`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SaveBest {
    /// By the evaluator's deciding number.
    Auto,
    /// Never.
    Off,
    /// By the number of this name, which has to be the evaluator's deciding one.
    By(String),
}

impl From<String> for SaveBest {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "off" => Self::Off,
            _ => Self::By(text),
        }
    }
}

impl From<SaveBest> for String {
    fn from(save_best: SaveBest) -> Self {
        match save_best {
            SaveBest::Auto => "auto".to_owned(),
            SaveBest::Off => "off".to_owned(),
            SaveBest::By(metric) => metric,
        }
    }
}

/// `default_hooks.visualization`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisualizationHook {
    /// How many images of the validation set are drawn after the last epoch.
    pub num_images: usize,
    /// Detections below this score are not drawn.
    pub score_thr: f32,
}

impl Default for VisualizationHook {
    fn default() -> Self {
        Self { num_images: 8, score_thr: 0.3 }
    }
}

/// One entry of `custom_hooks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum CustomHook {
    /// Evaluates and saves a moving average of the weights (f32).
    #[serde(rename = "EMAHook")]
    Ema {
        /// Share of the new weights in each update.
        #[serde(default = "ema_momentum")]
        momentum: f64,
    },
    /// Stops when the deciding number no longer rises.
    #[serde(rename = "EarlyStoppingHook")]
    EarlyStopping(EarlyStopping),
}

fn ema_momentum() -> f64 {
    0.0002
}

/// The options of `EarlyStoppingHook`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// The number that has to rise: the evaluator's deciding one, which it is where nothing is said.
    pub monitor: Option<String>,
    /// Evaluations without a rise.
    pub patience: u64,
    /// What counts as a rise.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { monitor: None, patience: 5, min_delta: 0.1 }
    }
}

/// `randomness`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Randomness {
    /// Of weights, order and augmentation.
    pub seed: u64,
}

/// `auto_scale_lr`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoScaleLr {
    /// Whether the learning rate is scaled.
    pub enable: bool,
    /// The batch size that the configured learning rate is for.
    pub base_batch_size: Option<usize>,
}
