//! What a model finds in a data set, and how good that is.
use crate::bbox::{Detection, Object};
use crate::config::EvaluatorConfig;
use crate::data::{Batch, Loader};
use crate::evaluate::{coco, voc};
use crate::model::{Detector, View};
use crate::report::{coco_lines, table};
use amp_runtime::{Precision, with_precision};
use anyhow::Result;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Detections of each image of a data set.
#[derive(Debug)]
pub struct Found {
    /// By the data set's order; nothing for an image that could not be decoded.
    pub detections: Vec<Vec<Detection>>,
    /// Batches.
    pub batches: u64,
    /// In all.
    pub time: Duration,
    /// Of it, waiting for data.
    pub data_time: Duration,
}

/// Finds objects in every image of the loader; `each` is called after every batch.
///
/// # Errors
/// libtorch's own, and data that is refused.
pub fn detect_all(
    model: &Detector,
    loader: &Loader,
    precision: Precision,
    mut each: impl FnMut(),
) -> Result<Found> {
    let mut found: HashMap<usize, Vec<Detection>> = HashMap::new();
    let (mut data_time, mut batches) = (Duration::ZERO, 0);
    let begin = Instant::now();
    let mut before = begin;
    for batch in loader.epoch(0, 0) {
        let batch = batch?;
        data_time += before.elapsed();
        found.extend(batch.samples.iter().map(|sample| sample.index).zip(detect(model, &batch, precision)?));
        batches += 1;
        each();
        before = Instant::now();
    }
    let detections =
        (0..loader.dataset().len()).map(|index| found.remove(&index).unwrap_or_default()).collect();
    Ok(Found { detections, batches, time: begin.elapsed(), data_time })
}

/// Finds objects in the images of a batch.
///
/// # Errors
/// libtorch's own.
pub fn detect(model: &Detector, batch: &Batch, precision: Precision) -> Result<Vec<Vec<Detection>>> {
    if batch.samples.is_empty() {
        return Ok(Vec::new());
    }
    let views: Vec<View> =
        batch.samples.iter().map(|sample| View { size: sample.size, scale: sample.scale }).collect();
    let images = model.images(&batch.pixels, batch.height, batch.width);
    Ok(with_precision(precision, || model.detect(&images, &views))?)
}

/// Numbers of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The number that decides which model is best; 0 where there is nothing to measure.
    pub deciding: f64,
    /// All numbers by MMDetection's names.
    pub metrics: Vec<(String, f64)>,
    /// All of it as tables.
    pub text: String,
}

/// Measures detections by the configured evaluator.
///
/// # Errors
/// Detections that cannot be measured.
pub fn measure(
    evaluator: EvaluatorConfig,
    classes: &[String],
    truth: &[Vec<Object>],
    found: &[Vec<Detection>],
) -> Result<Measured> {
    let cell = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.3}"));
    match evaluator {
        EvaluatorConfig::VocMetric => {
            let voc = voc(classes, truth, found, 0.5)?;
            let deciding = voc.mean.unwrap_or(0.);
            let mut metrics = vec![(evaluator.deciding().to_owned(), deciding)];
            let mut rows = Vec::new();
            for class in &voc.per_class {
                metrics.extend(class.ap.map(|ap| (format!("pascal_voc/AP50_{}", class.name), ap)));
                let counts = [class.name.clone(), class.truths.to_string(), class.found.to_string()];
                rows.push(counts.into_iter().chain([cell(class.recall), cell(class.ap)]).collect());
            }
            rows.push(
                ["mAP@0.5", "", "", ""].map(str::to_owned).into_iter().chain([cell(voc.mean)]).collect(),
            );
            let text = table(&["class", "gts", "dets", "recall", "ap"], &rows);
            Ok(Measured { deciding, metrics, text })
        }
        EvaluatorConfig::CocoMetric => {
            let coco = coco(classes, truth, found)?;
            let deciding = coco.numbers[0].unwrap_or(0.);
            let metrics = ["", "_50", "_75", "_s", "_m", "_l"]
                .iter()
                .zip(coco.numbers)
                .map(|(of, number)| (format!("{}{of}", evaluator.deciding()), number.unwrap_or(-1.)))
                .collect();
            let rows: Vec<Vec<String>> = coco
                .per_class
                .iter()
                .map(|class| vec![class.name.clone(), cell(class.ap), cell(class.ap50)])
                .collect();
            let text = format!("{}\n{}", coco_lines(&coco.numbers), table(&["class", "AP", "AP50"], &rows));
            Ok(Measured { deciding, metrics, text })
        }
    }
}
