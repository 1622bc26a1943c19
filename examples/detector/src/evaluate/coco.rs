//! COCO's twelve numbers, by hotcoco.
use super::measurable::{EvaluateError, validate};
use crate::bbox::{BBox, Detection, Object};
use hotcoco::detection::COCOeval;
use hotcoco::{Annotation, COCO, Category, Dataset, Image, IouType};

/// COCO's numbers; nothing where there is nothing to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct CocoMetrics {
    /// In pycocotools' order: AP, AP50, AP75, of small, medium and large objects, then AR with 1, 10 and 100 detections, and
    /// of small, medium and large objects.
    pub numbers: [Option<f64>; 12],
    /// AP of each class.
    pub per_class: Vec<ClassAp>,
}

/// AP of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassAp {
    /// Its name.
    pub name: String,
    /// Over IoU from 0.50 to 0.95.
    pub ap: Option<f64>,
    /// At IoU 0.50.
    pub ap50: Option<f64>,
}

/// Measures detections against objects, image by image, as pycocotools does; ignored objects are crowds.
///
/// # Errors
/// See [`EvaluateError`].
pub fn coco(
    classes: &[String],
    truth: &[Vec<Object>],
    found: &[Vec<Detection>],
) -> Result<CocoMetrics, EvaluateError> {
    validate(classes, truth, found)?;
    let truth = COCO::from_dataset(dataset(classes, truth));
    let detections = (1..).zip(found).flat_map(|(image, found)| {
        found.iter().map(move |found| Annotation {
            score: Some(f64::from(found.score)),
            ..annotation(image, found.class, &found.bbox)
        })
    });
    let found = truth.load_res_anns(detections.collect())?;
    let mut eval = COCOeval::new(truth, found, IouType::Bbox);
    eval.evaluate()?;
    eval.accumulate();
    // fills `stats`; the lines themselves are the caller's to write
    let _ = eval.summarize_lines();
    let mut numbers = [None; 12];
    for (number, &measured) in numbers.iter_mut().zip(eval.stats().unwrap_or_default()) {
        *number = (measured >= 0.).then_some(measured);
    }
    let per_class = classes.iter().enumerate().map(|(class, name)| {
        let mean = |ious: std::ops::Range<usize>| {
            let eval = eval.accumulated()?;
            let place = eval.cat_ids.iter().position(|id| *id == class as u64 + 1)?;
            let shape = &eval.shape;
            let precisions = ious.flat_map(|iou| (0..shape.r).map(move |recall| (iou, recall)));
            let precisions: Vec<f64> = precisions
                .filter_map(|(iou, recall)| {
                    let at = eval.precision_idx(iou, recall, place, 0, shape.m - 1);
                    eval.precision.get(at).copied().filter(|precision| *precision >= 0.)
                })
                .collect();
            #[allow(clippy::cast_precision_loss)] // at most 10 IoUs times 101 recalls
            let count = precisions.len() as f64;
            (count > 0.).then(|| precisions.iter().sum::<f64>() / count)
        };
        let ious = eval.accumulated().map_or(0, |eval| eval.shape.t);
        ClassAp { name: name.clone(), ap: mean(0..ious), ap50: mean(0..1) }
    });
    let per_class = per_class.collect();
    Ok(CocoMetrics { numbers, per_class })
}

fn dataset(classes: &[String], truth: &[Vec<Object>]) -> Dataset {
    let images = (1..).zip(truth).map(|(id, _)| Image { id, ..Image::default() });
    let objects =
        (1..).zip(truth).flat_map(|(image, objects)| objects.iter().map(move |object| (image, object)));
    let annotations = (1..).zip(objects).map(|(id, (image, object))| Annotation {
        id,
        iscrowd: object.ignored,
        ..annotation(image, object.class, &object.bbox)
    });
    let categories =
        (1..).zip(classes).map(|(id, name)| Category { id, name: name.clone(), ..Category::default() });
    Dataset {
        images: images.collect(),
        annotations: annotations.collect(),
        categories: categories.collect(),
        ..Dataset::default()
    }
}

fn annotation(image: u64, class: usize, bbox: &BBox) -> Annotation {
    let [x1, y1, x2, y2] = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(f64::from);
    let (width, height) = (x2 - x1, y2 - y1);
    Annotation {
        image_id: image,
        category_id: class as u64 + 1,
        bbox: Some([x1, y1, width, height]),
        area: Some(width * height),
        ..Annotation::default()
    }
}
