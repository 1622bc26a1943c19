//! How good detections are.
mod coco;
mod measurable;
mod voc;

pub use coco::{ClassAp, CocoMetrics, coco};
pub use measurable::EvaluateError;
pub use voc::{VocClass, VocMetrics, voc};
