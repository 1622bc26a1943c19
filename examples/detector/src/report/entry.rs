//! The numbers of a stretch of training, or of an evaluation: as a line that reads like MMDetection's, and as JSON.
use serde_json::{Map, Value};
use std::fmt;

/// Training between two log lines.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainEntry {
    /// From 1.
    pub epoch: u64,
    /// Steps of the epoch so far.
    pub iter: u64,
    /// Steps of an epoch.
    pub iters_per_epoch: u64,
    /// Steps of the training so far.
    pub step: u64,
    /// Learning rate of the last update.
    pub lr: f64,
    /// Seconds to the end of the training.
    pub eta: f64,
    /// Mean seconds per step.
    pub time: f64,
    /// Of these, seconds of waiting for data.
    pub data_time: f64,
    /// Peak memory in MB (2^20 bytes), where the device tells.
    pub memory: Option<u64>,
    /// Mean norm of the gradients, unscaled and before clipping, of the updates that were not skipped.
    pub grad_norm: Option<f64>,
    /// Mean losses, `loss` first.
    pub losses: Vec<(String, f64)>,
    /// The loss scale, where there is one, and the updates skipped in the whole training.
    pub scaling: Option<(f64, u64)>,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct ValEntry {
    /// The epoch that it came after.
    pub epoch: u64,
    /// Steps of the training so far.
    pub step: u64,
    /// Batches that were evaluated.
    pub batches: u64,
    /// The numbers, by their names.
    pub metrics: Vec<(String, f64)>,
    /// Mean seconds per batch.
    pub time: f64,
    /// Of these, seconds of waiting for data.
    pub data_time: f64,
}

impl fmt::Display for TrainEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.iters_per_epoch.to_string().len();
        write!(f, "Epoch(train)  [{}][{:>width$}/{}]", self.epoch, self.iter, self.iters_per_epoch)?;
        write!(f, "  lr: {}  eta: {}", scientific(self.lr), duration(self.eta))?;
        write!(f, "  time: {}  data_time: {}", fixed(self.time), fixed(self.data_time))?;
        if let Some(memory) = self.memory {
            write!(f, "  memory: {memory}")?;
        }
        if let Some(norm) = self.grad_norm {
            write!(f, "  grad_norm: {}", fixed(norm))?;
        }
        for (name, loss) in &self.losses {
            write!(f, "  {name}: {}", fixed(*loss))?;
        }
        if let Some((scale, skipped)) = self.scaling {
            write!(f, "  loss_scale: {scale}  skipped: {skipped}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ValEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch(val)  [{0}][{1}/{1}]", self.epoch, self.batches)?;
        for (name, value) in &self.metrics {
            write!(f, "  {name}: {}", fixed(*value))?;
        }
        write!(f, "  data_time: {}  time: {}", fixed(self.data_time), fixed(self.time))
    }
}

impl TrainEntry {
    /// MMEngine's keys; what is not finite is `null`.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("lr".into(), self.lr.into());
        object.insert("data_time".into(), self.data_time.into());
        for (name, loss) in &self.losses {
            object.insert(name.clone(), (*loss).into());
        }
        object.insert("time".into(), self.time.into());
        object.insert("epoch".into(), self.epoch.into());
        object.insert("iter".into(), self.step.into());
        object.extend(self.memory.map(|memory| ("memory".into(), memory.into())));
        object.extend(self.grad_norm.map(|norm| ("grad_norm".into(), norm.into())));
        if let Some((scale, skipped)) = self.scaling {
            object.insert("loss_scale".into(), scale.into());
            object.insert("skipped".into(), skipped.into());
        }
        object.insert("step".into(), self.step.into());
        Value::Object(object)
    }
}

impl ValEntry {
    /// MMEngine's keys; `step` is the epoch there, and the step here, so that both kinds of line share an axis.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.metrics {
            object.insert(name.clone(), (*value).into());
        }
        object.insert("data_time".into(), self.data_time.into());
        object.insert("time".into(), self.time.into());
        object.insert("epoch".into(), self.epoch.into());
        object.insert("step".into(), self.step.into());
        Value::Object(object)
    }
}

/// Python's `%.4f`, which writes `nan` where Rust writes `NaN`.
fn fixed(number: f64) -> String {
    if number.is_nan() { "nan".to_owned() } else { format!("{number:.4}") }
}

/// Python's `%.4e`.
fn scientific(number: f64) -> String {
    let text = format!("{number:.4e}");
    match text.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) => {
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        _ => text,
    }
}

/// Python's `str(timedelta)`, in seconds that are over.
fn duration(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // an `as` of what is not finite is 0 or the end
    let total = seconds.max(0.) as u64;
    let (days, rest) = (total / 86_400, total % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}
