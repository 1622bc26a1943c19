//! What can be measured, and what not.
use crate::bbox::{Detection, Object};

/// What cannot be measured. Images are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Truth and detections of different images.
    #[error(
        "there are detections of {found} images, and objects of {truth}\n\
         help: give every image its list of detections, an empty one where nothing was found"
    )]
    Images {
        /// Images with detections.
        found: usize,
        /// Images with objects.
        truth: usize,
    },
    /// A class without a name.
    #[error(
        "image {image}: {what} is of class {class}, and there are {classes} classes, counted from 0\n\
         help: detect and measure with the classes that the model was trained on"
    )]
    Class {
        /// Which image.
        image: usize,
        /// An object or a detection.
        what: &'static str,
        /// Its class.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A box or a score that is no number.
    #[error(
        "image {image}: {what} has a box or a score that is no number: {numbers:?}\n\
         help: look for the step at which the loss became NaN, and go on from a checkpoint before it"
    )]
    NotFinite {
        /// Which image.
        image: usize,
        /// An object or a detection.
        what: &'static str,
        /// Left, upper, right and lower edge, and the score of a detection.
        numbers: Vec<f32>,
    },
    /// hotcoco's own.
    #[error(transparent)]
    Coco(#[from] hotcoco::Error),
}

/// Whether all of it can be measured.
pub(super) fn validate(
    classes: &[String],
    truth: &[Vec<Object>],
    found: &[Vec<Detection>],
) -> Result<(), EvaluateError> {
    if truth.len() != found.len() {
        return Err(EvaluateError::Images { found: found.len(), truth: truth.len() });
    }
    let check = |image, what, class, numbers: &[f32]| {
        if class >= classes.len() {
            return Err(EvaluateError::Class { image, what, class, classes: classes.len() });
        }
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(EvaluateError::NotFinite { image, what, numbers: numbers.to_vec() });
        }
        Ok(())
    };
    for (image, (objects, detections)) in truth.iter().zip(found).enumerate() {
        for Object { bbox, class, .. } in objects {
            check(image, "an object", *class, &[bbox.x1, bbox.y1, bbox.x2, bbox.y2])?;
        }
        for Detection { bbox, class, score } in detections {
            check(image, "a detection", *class, &[bbox.x1, bbox.y1, bbox.x2, bbox.y2, *score])?;
        }
    }
    Ok(())
}
