//! How a box is written relative to its prior, in f32.
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
        let (middle, size) = middle_and_size(priors);
        match self {
            Self::Delta => {
                let (box_middle, box_size) = middle_and_size(boxes);
                Tensor::cat(&[(box_middle - middle) / &size, (box_size / size).log()], 1)
            }
            Self::Distance => {
                let [first, last] = pairs(boxes);
                Tensor::cat(&[(&middle - first) / &size, (last - middle) / size], 1)
            }
        }
    }

    /// Corners `[K, 4]` of boxes from codes and priors, each `[K, 4]`.
    pub fn decode(self, priors: &Tensor, codes: &Tensor) -> Tensor {
        let (middle, size) = middle_and_size(priors);
        let [first, last] = pairs(codes);
        match self {
            Self::Delta => {
                let middle = middle + first * &size;
                let half = last.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp() * size * 0.5;
                Tensor::cat(&[&middle - &half, middle + half], 1)
            }
            Self::Distance => Tensor::cat(&[&middle - first * &size, middle + last * size], 1),
        }
    }
}

/// Middles and sizes of boxes, each `[K, 2]`.
fn middle_and_size(boxes: &Tensor) -> (Tensor, Tensor) {
    let [first, last] = pairs(boxes);
    ((&first + &last) * 0.5, last - first)
}

/// The first two columns of `[K, 4]`, and the other two.
fn pairs(boxes: &Tensor) -> [Tensor; 2] {
    [0, 2].map(|column| boxes.narrow(1, column, 2))
}
