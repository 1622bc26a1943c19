//! `TensorBoard`'s event files: scalars only.
//!
//! A file is a row of records: length and its checksum, an `Event` message and its checksum (`tensorflow/core/lib/io`).
use prost::Message;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// `tensorflow.Event`, of which only these fields are written.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// Steps of the training.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// `brain.Event:2`, in the first event.
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    /// The scalars.
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// The scalars.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Scalar>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Scalar {
    /// The name.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// The number.
    #[prost(float, optional, tag = "2")]
    pub simple_value: Option<f32>,
}

/// Writes an event file.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
}

impl EventWriter {
    /// Begins `events.out.tfevents.<seconds>.detector.<process>` in a folder: a resumed training has another file than the one
    /// that it goes on from.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // seconds since 1970
        let name = format!("events.out.tfevents.{}.detector.{}", now() as u64, std::process::id());
        let mut writer = Self { file: File::create(folder.join(name))? };
        writer.record(&Event {
            wall_time: now(),
            file_version: Some("brain.Event:2".to_owned()),
            ..Event::default()
        })?;
        Ok(writer)
    }

    /// Writes scalars of a step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write<'a>(&mut self, step: u64, scalars: impl Iterator<Item = (&'a str, f64)>) -> io::Result<()> {
        #[allow(clippy::cast_possible_truncation)] // TensorBoard has f32
        let value = scalars
            .map(|(tag, value)| Scalar { tag: tag.to_owned(), simple_value: Some(value as f32) })
            .collect();
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.record(&Event { wall_time: now(), step, file_version: None, summary: Some(Summary { value }) })
    }

    fn record(&mut self, event: &Event) -> io::Result<()> {
        let event = event.encode_to_vec();
        let length = (event.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked(&length).to_le_bytes());
        record.extend(&event);
        record.extend(masked(&event).to_le_bytes());
        self.file.write_all(&record)
    }
}

/// `crc32c::Mask` of tensorflow: a checksum that may itself lie in what is summed.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0., |since| since.as_secs_f64())
}
