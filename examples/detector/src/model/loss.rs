//! The losses, in f32.
use super::corners::columns;
use amp_runtime::amp;
use tch::{Kind, Reduction, Tensor};

/// Focal loss of each prior and class (Lin et al., 2017): cross entropy that what is already certain hardly counts in.
///
/// `logits` `[M, classes]`, `labels` `[M]`: a class, `classes` for background, -1 for 0. `[M, classes]` with `alpha` 0.25 and
/// `gamma` 2; MMDetection's `py_sigmoid_focal_loss`.
#[amp]
pub fn sigmoid_focal(logits: &Tensor, labels: &Tensor) -> Tensor {
    let (alpha, gamma) = (0.25, 2.);
    let classes = Tensor::arange(logits.size()[1], (Kind::Int64, labels.device()));
    let labels = labels.unsqueeze(1);
    let is = labels.eq_tensor(&classes).to_kind(Kind::Float);
    let no: Option<Tensor> = None;
    let entropy = logits.binary_cross_entropy_with_logits(&is, no.as_ref(), no.as_ref(), Reduction::None);
    let wrong = (&is - logits.sigmoid()).abs();
    let weight: Tensor = (&is * (2. * alpha - 1.) + (1. - alpha)) * labels.ge(0);
    entropy * weight * wrong.pow_tensor_scalar(gamma)
}

/// Smooth L1 (Girshick, 2015) of each number, quadratic below `beta`.
#[amp]
pub fn smooth_l1(found: &Tensor, wanted: &Tensor, beta: f64) -> Tensor {
    found.smooth_l1_loss(wanted, Reduction::None, beta)
}

/// One minus the generalized intersection over union (Rezatofighi et al., 2019) of boxes `[K, 4]`; `[K]`.
pub fn giou(found: &Tensor, wanted: &Tensor) -> Tensor {
    let [ax1, ay1, ax2, ay2] = columns(found);
    let [bx1, by1, bx2, by2] = columns(wanted);
    // MMDetection's `eps`, for boxes without an area
    let eps = 1e-6;
    let both = (ax2.minimum(&bx2) - ax1.maximum(&bx1)).clamp_min(0.)
        * (ay2.minimum(&by2) - ay1.maximum(&by1)).clamp_min(0.);
    let hull = (ax2.maximum(&bx2) - ax1.minimum(&bx1)) * (ay2.maximum(&by2) - ay1.minimum(&by1));
    let union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - &both;
    let union = union.clamp_min(eps);
    let hull = hull.clamp_min(eps);
    1. - both / &union + (&hull - &union) / &hull
}
