//! Where images come from, and what happens to them on the way.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// `train_dataloader`, `val_dataloader`, `test_dataloader`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataloaderConfig {
    /// Images per batch.
    pub batch_size: usize,
    /// Threads that decode and augment.
    #[serde(default = "two")]
    pub num_workers: usize,
    /// Whether the last images of an epoch that do not fill a batch are left out.
    #[serde(default)]
    pub drop_last: bool,
    /// The images.
    pub dataset: DatasetConfig,
}

fn two() -> usize {
    2
}

/// `dataset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetConfig {
    /// `VOCDataset`, `CocoDataset` or `CellsDataset`.
    #[serde(rename = "type")]
    pub kind: DatasetType,
    /// Folder that the other paths start at.
    #[serde(default)]
    pub data_root: PathBuf,
    /// VOC: the split, a list of names (`ImageSets/Main/train.txt`). COCO: the annotations' JSON.
    #[serde(default)]
    pub ann_file: PathBuf,
    /// Folders of images and annotations.
    #[serde(default)]
    pub data_prefix: DataPrefix,
    /// The classes and their order.
    #[serde(default)]
    pub metainfo: MetaInfo,
    /// What happens to each image, in order; a last `Resize` is required.
    #[serde(default)]
    pub pipeline: Vec<Transform>,
    /// Bad files and boxes: `skip` and say so, or `refuse`.
    #[serde(default)]
    pub on_bad_data: OnBadData,
    /// Whether images without boxes take part in training.
    #[serde(default)]
    pub filter_empty_gt: bool,
    /// Generated images: how many.
    #[serde(default = "cells")]
    pub num_images: usize,
    /// Generated images: width and height in pixels.
    #[serde(default = "cells_size")]
    pub image_size: [u32; 2],
    /// Generated images: which ones; two data sets with different seeds share no image.
    #[serde(default)]
    pub seed: u64,
}

fn cells() -> usize {
    64
}

fn cells_size() -> [u32; 2] {
    [320, 240]
}

/// `dataset.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatasetType {
    /// `JPEGImages`, `Annotations` and `ImageSets/Main`.
    #[serde(rename = "VOCDataset", alias = "XMLDataset")]
    Voc,
    /// One JSON file.
    #[serde(rename = "CocoDataset")]
    Coco,
    /// Drawn by the program: scenes like a blood smear, with exact boxes.
    #[serde(rename = "CellsDataset")]
    Cells,
}

/// `dataset.data_prefix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataPrefix {
    /// Folder of the images, below `data_root`; VOC: `JPEGImages`.
    pub img: Option<PathBuf>,
    /// Folder of VOC's annotations, below `data_root`: `Annotations`.
    pub ann: PathBuf,
}

impl Default for DataPrefix {
    fn default() -> Self {
        Self { img: None, ann: "Annotations".into() }
    }
}

/// `dataset.metainfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaInfo {
    /// Names in the order of the model's outputs; without it those that the data has, by name (COCO: by id).
    pub classes: Option<Vec<String>>,
}

/// `dataset.on_bad_data`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBadData {
    /// Leave them out and say which.
    #[default]
    Skip,
    /// Stop before training.
    Refuse,
}

/// One entry of `dataset.pipeline`, under MMDetection's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Transform {
    /// Scales to `scale` (width, height); with `keep_ratio` to the largest size that fits into it.
    Resize {
        /// Width and height in pixels.
        scale: [u32; 2],
        /// Whether the image keeps its proportions.
        #[serde(default)]
        keep_ratio: bool,
    },
    /// `Resize` by a random factor of `scale` (scale jitter); what is larger than `scale` is cropped at a random place, so
    /// that a batch keeps its size.
    RandomResize {
        /// Width and height in pixels.
        scale: [u32; 2],
        /// Smallest and largest factor.
        ratio_range: [f32; 2],
        /// Whether the image keeps its proportions.
        #[serde(default)]
        keep_ratio: bool,
    },
    /// Mirrors the image.
    RandomFlip {
        /// How often, per direction.
        prob: f32,
        /// Directions, drawn one after the other; one of them may stand alone.
        #[serde(default = "horizontal", deserialize_with = "one_or_more")]
        direction: Vec<Direction>,
    },
    /// Brightness, contrast, saturation and hue, as `PhotoMetricDistortion` of SSD.
    PhotoMetricDistortion {
        /// Largest change of brightness, of 255.
        #[serde(default = "brightness_delta")]
        brightness_delta: f32,
        /// Factors of contrast.
        #[serde(default = "half_to_one_and_a_half")]
        contrast_range: [f32; 2],
        /// Factors of saturation.
        #[serde(default = "half_to_one_and_a_half")]
        saturation_range: [f32; 2],
        /// Largest turn of the hue, in degrees.
        #[serde(default = "hue_delta")]
        hue_delta: f32,
    },
}

/// A direction of `RandomFlip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Left becomes right.
    Horizontal,
    /// Up becomes down.
    Vertical,
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Direction>, D::Error> {
    let directions = match Value::deserialize(from)? {
        Value::Array(directions) => directions,
        one => vec![one],
    };
    let read = |direction| Direction::deserialize(direction).map_err(serde::de::Error::custom);
    directions.into_iter().map(read).collect()
}

fn horizontal() -> Vec<Direction> {
    vec![Direction::Horizontal]
}

fn brightness_delta() -> f32 {
    32.
}

fn half_to_one_and_a_half() -> [f32; 2] {
    [0.5, 1.5]
}

fn hue_delta() -> f32 {
    18.
}

/// `val_evaluator`, `test_evaluator`: what is measured, and which number decides what is best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Evaluator", into = "Evaluator")]
pub enum EvaluatorConfig {
    /// `CocoMetric`: `bbox_mAP` decides.
    CocoMetric,
    /// `VOCMetric`: `mAP@0.5` by area decides.
    #[default]
    VocMetric,
}

impl EvaluatorConfig {
    /// The name of the number that decides, as MMDetection writes it.
    pub fn deciding(self) -> &'static str {
        match self {
            Self::CocoMetric => "coco/bbox_mAP",
            Self::VocMetric => "pascal_voc/mAP",
        }
    }
}

/// The table that says it, which lets no other key pass.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluator {
    #[serde(rename = "type")]
    kind: Metric,
}

#[derive(Serialize, Deserialize)]
enum Metric {
    CocoMetric,
    #[serde(rename = "VOCMetric")]
    VocMetric,
}

impl From<Evaluator> for EvaluatorConfig {
    fn from(Evaluator { kind }: Evaluator) -> Self {
        match kind {
            Metric::CocoMetric => Self::CocoMetric,
            Metric::VocMetric => Self::VocMetric,
        }
    }
}

impl From<EvaluatorConfig> for Evaluator {
    fn from(evaluator: EvaluatorConfig) -> Self {
        let kind = match evaluator {
            EvaluatorConfig::CocoMetric => Metric::CocoMetric,
            EvaluatorConfig::VocMetric => Metric::VocMetric,
        };
        Self { kind }
    }
}
