//! VOC's average precision: the area under the curve of each class (from 2010 on).
use super::measurable::{EvaluateError, validate};
use crate::bbox::{BBox, Detection, Object};
use hotcoco::metrics::counts::average_precision_all_points;

/// AP of every class, and their mean.
#[derive(Debug, Clone, PartialEq)]
pub struct VocMetrics {
    /// Over the classes that there are objects of; nothing where there are none at all.
    pub mean: Option<f64>,
    /// In the order of the classes.
    pub per_class: Vec<VocClass>,
}

/// AP of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct VocClass {
    /// Its name.
    pub name: String,
    /// Objects, but for the difficult ones.
    pub truths: usize,
    /// Detections.
    pub found: usize,
    /// The share of the objects that was found, with whatever score.
    pub recall: Option<f64>,
    /// The area; nothing where there are no objects.
    pub ap: Option<f64>,
}

/// Measures detections against objects, image by image, as MMDetection's `eval_map` (`mode='area'`): each detection counts for
/// the object that it overlaps most, from `iou_threshold` on, once. Ignored objects are neither hit nor missed. Of detections
/// with the same score the first one counts first, where numpy's sorting would leave it to chance.
///
/// A box is as wide as `x2 - x1`, which is `eval_map`'s default. MMDetection's `VOCMetric` adds a pixel to widths and heights
/// (`use_legacy_coordinate`), so that a box at the very threshold may fall on its other side.
///
/// # Errors
/// See [`EvaluateError`].
pub fn voc(
    classes: &[String],
    truth: &[Vec<Object>],
    found: &[Vec<Detection>],
    iou_threshold: f64,
) -> Result<VocMetrics, EvaluateError> {
    validate(classes, truth, found)?;
    let per_class: Vec<VocClass> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let mut hits: Vec<(f32, Hit)> = Vec::new();
            for (objects, detections) in truth.iter().zip(found) {
                let objects = objects.iter().filter(|object| object.class == class);
                // of objects in one place the ignored ones are the last to be hit
                let (ignored, counted): (Vec<&Object>, Vec<&Object>) =
                    objects.partition(|object| object.ignored);
                let objects = [counted, ignored].concat();
                let detections: Vec<&Detection> =
                    detections.iter().filter(|detection| detection.class == class).collect();
                hits.extend(matched(&objects, detections, iou_threshold));
            }
            let truths =
                truth.iter().flatten().filter(|object| object.class == class && !object.ignored).count();
            let (recall, ap) = area(&mut hits, truths);
            VocClass { name: name.clone(), truths, found: hits.len(), recall, ap }
        })
        .collect();
    let aps: Vec<f64> = per_class.iter().filter_map(|class| class.ap).collect();
    #[allow(clippy::cast_precision_loss)] // classes
    let mean = (!aps.is_empty()).then(|| aps.iter().sum::<f64>() / aps.len() as f64);
    Ok(VocMetrics { mean, per_class })
}

/// What a detection is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    True,
    False,
    Ignored,
}

/// The detections of one class in one image, best first (`tpfp_default`).
fn matched(objects: &[&Object], mut detections: Vec<&Detection>, iou_threshold: f64) -> Vec<(f32, Hit)> {
    // as exact as what it is compared with: 7 of 10 pixels are 0.7, whose nearest `f32` is less than its nearest `f64`
    #[allow(clippy::cast_possible_truncation)]
    let iou_threshold = iou_threshold as f32;
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut taken = vec![false; objects.len()];
    let judged = detections.into_iter().map(|detection| {
        let overlaps = objects.iter().map(|object| iou(&detection.bbox, &object.bbox)).enumerate();
        // the first of equals, as numpy's argmax
        let best = overlaps.fold(None, |best: Option<(usize, f32)>, (index, iou)| match best {
            Some((_, most)) if most >= iou => best,
            _ => Some((index, iou)),
        });
        let hit = match best {
            Some((index, iou)) if iou >= iou_threshold => {
                if objects[index].ignored {
                    Hit::Ignored
                } else if std::mem::replace(&mut taken[index], true) {
                    Hit::False
                } else {
                    Hit::True
                }
            }
            _ => Hit::False,
        };
        (detection.score, hit)
    });
    judged.collect()
}

/// MMDetection's `bbox_overlaps`, whose union has a floor.
fn iou(a: &BBox, b: &BBox) -> f32 {
    let both = a.clipped_to(b).area();
    both / (a.area() + b.area() - both).max(1e-6)
}

/// Recall, and the area under the precision that each recall can be had with (`average_precision`, `mode='area'`).
fn area(hits: &mut [(f32, Hit)], truths: usize) -> (Option<f64>, Option<f64>) {
    if truths == 0 {
        return (None, None);
    }
    hits.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let up_to = |wanted: Hit| -> Vec<f64> {
        let count = |sum: &mut f64, (_, hit): &(f32, Hit)| {
            *sum += f64::from(*hit == wanted);
            Some(*sum)
        };
        hits.iter().scan(0., count).collect()
    };
    let (trues, falses) = (up_to(Hit::True), up_to(Hit::False));
    #[allow(clippy::cast_precision_loss)] // objects
    let recall = trues.last().copied().unwrap_or(0.) / truths as f64;
    (Some(recall), Some(average_precision_all_points(&trues, &falses, truths)))
}
