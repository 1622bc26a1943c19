//! What the model should have said about a batch, as tensors.
use super::assign::{Assigned, Assigner};
use super::coder::Coder;
use super::corners::{columns, corners};
use super::priors::Priors;
use crate::bbox::{BBox, Object};
use tch::{Device, Tensor};

/// The targets of a batch of `N` images with `P` priors each, of which `K` are to find an object; f32 and i64.
#[derive(Debug)]
pub struct Targets {
    /// `[N, P]`: a class, or the number of classes for background, or -1 where it does not matter.
    pub labels: Tensor,
    /// `[K]`: which of the `N * P` priors find an object.
    pub positives: Tensor,
    /// `[K, 4]`: the priors.
    pub priors: Tensor,
    /// `[K, 4]`: the objects' boxes.
    pub boxes: Tensor,
    /// `K`.
    pub count: usize,
}

impl Targets {
    /// Assigns the objects of each image; ignored ones are left out.
    pub fn new(
        assigner: Assigner,
        priors: &Priors,
        images: &[&[Object]],
        classes: i64,
        device: Device,
    ) -> Self {
        let total = images.len() * priors.boxes.len();
        let mut labels = Vec::with_capacity(total);
        let (mut positives, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for objects in images {
            let objects: Vec<&Object> = objects.iter().filter(|object| !object.ignored).collect();
            let boxes: Vec<BBox> = objects.iter().map(|object| object.bbox).collect();
            for (assigned, prior) in assigner.assign(priors, &boxes).into_iter().zip(&priors.boxes) {
                let label = match assigned {
                    Assigned::Background => classes,
                    Assigned::Ignored => -1,
                    Assigned::Object(index) => {
                        positives.push(index_i64(labels.len()));
                        starts.extend(corners(prior));
                        ends.extend(corners(&boxes[index]));
                        index_i64(objects[index].class)
                    }
                };
                labels.push(label);
            }
        }
        let to = |tensor: Tensor| tensor.to_device(device);
        Self {
            labels: to(Tensor::from_slice(&labels).reshape([index_i64(images.len()), -1])),
            count: positives.len(),
            positives: to(Tensor::from_slice(&positives)),
            priors: to(Tensor::from_slice(&starts).reshape([-1, 4])),
            boxes: to(Tensor::from_slice(&ends).reshape([-1, 4])),
        }
    }

    /// How central each positive prior is in its box, `[K]`: the root of the product of the ratios of opposite distances
    /// (Tian et al., 2019, equation 3).
    pub fn centerness(&self) -> Tensor {
        let [left, top, right, bottom] = columns(&Coder::Distance.encode(&self.priors, &self.boxes));
        let ratio = |a: Tensor, b: Tensor| a.minimum(&b) / a.maximum(&b);
        (ratio(left, right) * ratio(top, bottom)).clamp_min(0.).sqrt()
    }
}

#[allow(clippy::cast_possible_wrap)] // indices of things in memory
fn index_i64(index: usize) -> i64 {
    index as i64
}
