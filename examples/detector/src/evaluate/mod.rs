//! How good detections are.
mod coco;
mod voc;

pub use coco::{ClassAp, CocoMetrics, coco};
pub use voc::{VocClass, VocMetrics, voc};

use crate::bbox::{Detection, Object};

/// What cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Truth and detections of different images.
    #[error("there are detections of {found} images, and objects of {truth}")]
    Images {
        /// Images with detections.
        found: usize,
        /// Images with objects.
        truth: usize,
    },
    /// A class without a name, a box or a score that is no number.
    #[error("image {image}: {what}")]
    Invalid {
        /// Which image.
        image: usize,
        /// What is wrong in it.
        what: String,
    },
    /// hotcoco's own.
    #[error(transparent)]
    Coco(#[from] hotcoco::Error),
}

/// Whether all of it can be measured.
fn validate(
    classes: &[String],
    truth: &[Vec<Object>],
    found: &[Vec<Detection>],
) -> Result<(), EvaluateError> {
    if truth.len() != found.len() {
        return Err(EvaluateError::Images { found: found.len(), truth: truth.len() });
    }
    for (image, (objects, detections)) in truth.iter().zip(found).enumerate() {
        let boxes = objects.iter().map(|object| (object.bbox, object.class, 1.));
        for (bbox, class, score) in
            boxes.chain(detections.iter().map(|found| (found.bbox, found.class, found.score)))
        {
            if class >= classes.len() {
                let what = format!("there is no class {class} among {}", classes.len());
                return Err(EvaluateError::Invalid { image, what });
            }
            if ![bbox.x1, bbox.y1, bbox.x2, bbox.y2, score].iter().all(|number| number.is_finite()) {
                return Err(EvaluateError::Invalid { image, what: format!("{bbox:?} with score {score}") });
            }
        }
    }
    Ok(())
}
