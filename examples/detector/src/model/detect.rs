//! Outputs to detections: the best candidates of each level, decoded, without doubles, in the image's own pixels.
use super::corners::tensor_of;
use super::detector::Detector;
use super::head::Outputs;
use super::nms::nms;
use crate::bbox::{BBox, Detection};
use tch::{Kind, TchError, Tensor};

/// How an image lies in its batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Its width and height in pixels, without the padding.
    pub size: [u32; 2],
    /// Factors from the original to this size, horizontally and vertically.
    pub scale: [f32; 2],
}

impl Detector {
    /// The detections in each image of `[N, 3, H, W]`, best first, in pixels of the original images; `views` are theirs.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn detect(&self, images: &Tensor, views: &[View]) -> Result<Vec<Vec<Detection>>, TchError> {
        tch::no_grad(|| {
            let (_, _, height, width) = images.size4()?;
            let side = |side: i64| u32::try_from(side).unwrap_or(0);
            let priors = self.priors(side(height), side(width));
            let boxes = tensor_of(&priors.boxes, images.device());
            let Outputs { logits, codes, centerness } = self.forward(images, false);
            // As MMDetection: the centerness makes a score worse, and takes part in the choice of candidates only then.
            let scores = logits.sigmoid();
            let centerness = centerness.map(|centerness| centerness.sigmoid());
            (0..)
                .zip(views)
                .map(|(image, view)| {
                    let scores = scores.get(image);
                    let centerness = centerness.as_ref().map(|centerness| centerness.get(image));
                    let mut found = Vec::new();
                    for level in &priors.levels {
                        let part = |tensor: &Tensor| slice(tensor, level);
                        let (scores, centerness) = (part(&scores), centerness.as_ref().map(part));
                        found.extend(self.candidates(
                            &scores,
                            centerness.as_ref(),
                            &part(&codes.get(image)),
                            &part(&boxes),
                        )?);
                    }
                    let [width, height] = view.size.map(pixels);
                    let frame = BBox::new(0., 0., width, height);
                    for detection in &mut found {
                        let [x, y] = view.scale;
                        detection.bbox = detection.bbox.clipped_to(&frame).scaled(1. / x, 1. / y);
                    }
                    found.retain(|detection| detection.bbox.area() > 0.);
                    let mut found = nms(found, self.test_cfg.nms.iou_threshold);
                    found.truncate(self.test_cfg.max_per_img);
                    Ok(found)
                })
                .collect()
        })
    }

    /// The best candidates of a level, on the host: `scores` `[P, classes]`, `centerness` `[P]`, `codes` and `priors` `[P, 4]`.
    fn candidates(
        &self,
        scores: &Tensor,
        centerness: Option<&Tensor>,
        codes: &Tensor,
        priors: &Tensor,
    ) -> Result<Vec<Detection>, TchError> {
        let classes = scores.size()[1];
        let flat = scores.reshape([-1]);
        let (best, places) = flat.topk(self.test_cfg.nms_pre.min(flat.size()[0]), 0, true, true);
        // by hand: tch's `floor_divide` goes through f64
        let rows = places.divide_scalar_mode(classes, "floor").to_kind(Kind::Int64);
        let decoded = self.coder.decode(&priors.index_select(0, &rows), &codes.index_select(0, &rows));
        let best = match centerness {
            Some(centerness) => best * centerness.index_select(0, &rows),
            None => best,
        };
        let best: Vec<f32> = best.try_into()?;
        let places: Vec<i64> = places.try_into()?;
        let corners: Vec<f32> = decoded.reshape([-1]).try_into()?;
        #[allow(clippy::cast_possible_truncation)] // of f32
        let threshold = self.test_cfg.score_thr as f32;
        let found = best.into_iter().zip(places).zip(corners.chunks_exact(4)).filter_map(
            |((score, place), corners)| {
                let class = usize::try_from(place % classes).ok()?;
                let bbox = BBox::new(corners[0], corners[1], corners[2], corners[3]);
                (score > threshold).then_some(Detection { bbox, class, score })
            },
        );
        Ok(found.collect())
    }
}

#[allow(clippy::cast_possible_wrap)] // indices of things in memory
fn slice(tensor: &Tensor, rows: &std::ops::Range<usize>) -> Tensor {
    tensor.narrow(0, rows.start as i64, rows.len() as i64)
}

#[allow(clippy::cast_precision_loss)] // pixels of an image
fn pixels(side: u32) -> f32 {
    side as f32
}
