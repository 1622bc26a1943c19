//! Which prior is to find which object: on the host, in f32, while the device computes.
use super::priors::Priors;
use crate::bbox::BBox;

/// What a prior is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// That there is nothing.
    Background,
    /// It does not matter.
    Ignored,
    /// The object with this index.
    Object(usize),
}

/// The two ways to assign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assigner {
    /// By overlap: MMDetection's `MaxIoUAssigner`.
    MaxIou {
        /// From this overlap on a prior belongs to the object.
        positive: f32,
        /// Below this overlap it is background.
        negative: f32,
    },
    /// By place and size: MMDetection's `FCOSHead.get_targets`, with center sampling.
    Center {
        /// How far from an object's middle, in strides, points belong to it.
        radius: f32,
    },
}

/// Largest distance to an edge that each level of `FCOS` is for, in pixels.
const REGRESS_RANGES: [(f32, f32); 5] =
    [(-1., 64.), (64., 128.), (128., 256.), (256., 512.), (512., f32::INFINITY)];

impl Assigner {
    /// What each prior is to say about an image with these objects.
    pub fn assign(self, priors: &Priors, objects: &[BBox]) -> Vec<Assigned> {
        match self {
            Self::MaxIou { positive, negative } => max_iou(&priors.boxes, objects, positive, negative),
            Self::Center { radius } => center(priors, objects, radius),
        }
    }
}

/// Every object gets the priors that overlap it most, however little, so that none is left out; the later object wins.
fn max_iou(priors: &[BBox], objects: &[BBox], positive: f32, negative: f32) -> Vec<Assigned> {
    let mut best = vec![(0f32, 0usize); priors.len()];
    let mut best_of_object = vec![0f32; objects.len()];
    let mut rows = Vec::with_capacity(objects.len());
    for (index, object) in objects.iter().enumerate() {
        let row: Vec<f32> = priors.iter().map(|prior| prior.iou(object)).collect();
        for (best, &iou) in best.iter_mut().zip(&row) {
            if iou > best.0 {
                *best = (iou, index);
            }
            best_of_object[index] = best_of_object[index].max(iou);
        }
        rows.push(row);
    }
    let by_threshold = best.iter().map(|&(iou, object)| match iou {
        iou if iou >= positive => Assigned::Object(object),
        iou if iou < negative => Assigned::Background,
        _ => Assigned::Ignored,
    });
    let mut assigned: Vec<Assigned> = by_threshold.collect();
    for (object, (row, &most)) in rows.iter().zip(&best_of_object).enumerate() {
        for (assigned, &iou) in assigned.iter_mut().zip(row) {
            // Not so if nothing overlaps the object: MMDetection then gives it everything.
            if iou == most && most > 0. {
                *assigned = Assigned::Object(object);
            }
        }
    }
    assigned
}

/// A point belongs to the smallest object that it is near the middle of, if its level is for objects of that size.
fn center(priors: &Priors, objects: &[BBox], radius: f32) -> Vec<Assigned> {
    let mut assigned = vec![Assigned::Background; priors.boxes.len()];
    for (level, &(above, up_to)) in priors.levels.iter().zip(&REGRESS_RANGES) {
        for index in level.clone() {
            let cell = priors.boxes[index];
            let [x, y] = cell.middle();
            let reach = radius * cell.width();
            let mut smallest = f32::INFINITY;
            for (object, bbox) in objects.iter().enumerate() {
                let [cx, cy] = bbox.middle();
                let sampled = BBox::new(cx - reach, cy - reach, cx + reach, cy + reach).clipped_to(bbox);
                let inside = x > sampled.x1 && x < sampled.x2 && y > sampled.y1 && y < sampled.y2;
                let farthest = (x - bbox.x1).max(bbox.x2 - x).max(y - bbox.y1).max(bbox.y2 - y);
                let of_this_level = farthest >= above && farthest <= up_to;
                if inside && of_this_level && bbox.area() < smallest {
                    smallest = bbox.area();
                    assigned[index] = Assigned::Object(object);
                }
            }
        }
    }
    assigned
}
