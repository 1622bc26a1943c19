//! How a box is written relative to its prior, in f32.
use super::corners::columns;
use tch::Tensor;

/// The two codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coder {
    /// Shift of the middle in prior sizes, logarithm of the ratio of sizes: R-CNN's, MMDetection's `DeltaXYWHBBoxCoder`
    /// with means 0 and deviations 1.
    Delta,
    /// Distances of the four edges from the prior's middle in prior widths: MMDetection's `DistancePointBBoxCoder` of targets
    /// that are divided by the stride (`norm_on_bbox`).
    Distance,
}

/// Sizes grow to at most `1000 / 16` of their prior's (`wh_ratio_clip` of MMDetection), so that `exp` stays finite.
const LARGEST_LOG_RATIO: f64 = 4.135_166_556_742_356;

impl Coder {
    /// Codes `[K, 4]` of boxes relative to priors, each `[K, 4]` corners. The priors must not be empty.
    pub fn encode(self, priors: &Tensor, boxes: &Tensor) -> Tensor {
        let [px, py, pw, ph] = middle_and_size(priors);
        match self {
            Self::Delta => {
                let [x, y, w, h] = middle_and_size(boxes);
                Tensor::stack(&[(x - px) / &pw, (y - py) / &ph, (w / pw).log(), (h / ph).log()], 1)
            }
            Self::Distance => {
                let [x1, y1, x2, y2] = columns(boxes);
                Tensor::stack(&[(&px - x1) / &pw, (&py - y1) / &ph, (x2 - px) / pw, (y2 - py) / ph], 1)
            }
        }
    }

    /// Corners `[K, 4]` of boxes from codes and priors, each `[K, 4]`.
    pub fn decode(self, priors: &Tensor, codes: &Tensor) -> Tensor {
        let [px, py, pw, ph] = middle_and_size(priors);
        match self {
            Self::Delta => {
                let [dx, dy, dw, dh] = columns(codes);
                let (x, y) = (px + dx * &pw, py + dy * &ph);
                let half = |log_ratio: Tensor, size: Tensor| {
                    log_ratio.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp() * size * 0.5
                };
                let (w, h) = (half(dw, pw), half(dh, ph));
                Tensor::stack(&[&x - &w, &y - &h, x + w, y + h], 1)
            }
            Self::Distance => {
                let [left, top, right, bottom] = columns(codes);
                Tensor::stack(&[&px - left * &pw, &py - top * &ph, px + right * pw, py + bottom * ph], 1)
            }
        }
    }
}

fn middle_and_size(boxes: &Tensor) -> [Tensor; 4] {
    let [x1, y1, x2, y2] = columns(boxes);
    [(&x1 + &x2) * 0.5, (&y1 + &y2) * 0.5, x2 - x1, y2 - y1]
}
