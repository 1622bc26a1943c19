//! Boxes as tensors: a row each, left, upper, right, lower.
use crate::bbox::BBox;
use tch::{Device, Tensor};

/// `[P, 4]` corners of boxes.
pub(super) fn tensor_of(boxes: &[BBox], device: Device) -> Tensor {
    let values: Vec<f32> = boxes.iter().flat_map(corners).collect();
    Tensor::from_slice(&values).reshape([-1, 4]).to_device(device)
}

/// The four columns of `[K, 4]`.
pub(super) fn columns(boxes: &Tensor) -> [Tensor; 4] {
    [0, 1, 2, 3].map(|column| boxes.select(1, column))
}

/// Left, upper, right, lower.
pub(super) fn corners(bbox: &BBox) -> [f32; 4] {
    [bbox.x1, bbox.y1, bbox.x2, bbox.y2]
}
