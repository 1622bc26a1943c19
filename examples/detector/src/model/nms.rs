//! Of detections of the same thing, the one with the highest score.
use crate::bbox::Detection;

/// Drops each detection that overlaps a better one of its class by more than `iou_threshold`; the rest come by falling
/// score (`torchvision.ops.batched_nms`). Doubles are looked for in f32.
pub fn nms(mut detections: Vec<Detection>, iou_threshold: f32) -> Vec<Detection> {
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in detections {
        let double = |other: &Detection| {
            other.class == detection.class && other.bbox.iou(&detection.bbox) > iou_threshold
        };
        if !kept.iter().any(double) {
            kept.push(detection);
        }
    }
    kept
}
