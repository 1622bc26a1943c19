//! Data: what is bad is said and left out, boxes stay with their pixels, epochs are repeatable, cells are in their boxes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small images

#[path = "data/augment.rs"]
mod augment;
#[path = "data/bad_coco.rs"]
mod bad_coco;
#[path = "data/bad_voc.rs"]
mod bad_voc;
#[path = "data/cells.rs"]
mod cells;
#[path = "data/epochs.rs"]
mod epochs;
#[path = "data/real.rs"]
mod real;
#[path = "data/reference.rs"]
mod reference;
#[path = "data/upright.rs"]
mod upright;

use detector::config::DatasetConfig;
use detector::data::{Dataset, ProblemReport};
use image::RgbImage;
use serde_json::{Value, json};
use std::path::Path;

/// A data set's configuration, with what `more` says.
fn config(kind: &str, root: &Path, more: &Value) -> DatasetConfig {
    let mut document = json!({
        "type": kind, "data_root": root, "pipeline": [{ "type": "Resize", "scale": [64, 48] }],
    });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    serde_json::from_value(document).unwrap()
}

fn loaded(config: &DatasetConfig) -> (Dataset, ProblemReport) {
    Dataset::load(config).unwrap_or_else(|error| panic!("{error}"))
}

fn save_jpeg(path: &Path, width: u32, height: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[allow(clippy::cast_possible_truncation)] // small images
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 128])).save(path).unwrap();
}
