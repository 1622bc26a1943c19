//! Which boxes are good.
use super::problem::{Fault, ProblemReport};
use crate::bbox::{BBox, Object};

/// The names of classes, by which objects find their number.
pub(super) struct Classes {
    /// In the order of the model's outputs.
    pub(super) names: Vec<String>,
}

impl Classes {
    /// The number of a class, or what to say about an unknown one.
    pub(super) fn number(&self, name: &str) -> Result<usize, Fault> {
        self.names.iter().position(|known| known == name).ok_or_else(|| {
            let likeness =
                |known: &&String| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
            let nearest = self.names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let nearest = nearest.filter(|known| likeness(known) > 0.8).cloned();
            Fault::UnknownClass { name: name.to_owned(), nearest }
        })
    }
}

/// The object, clipped to its image of `size` pixels; nothing if it is of no use. What is wrong is reported.
pub(super) fn checked(
    object: Object,
    size: [u32; 2],
    report: &mut ProblemReport,
    at: (&str, i64),
) -> Option<Object> {
    let mut note = |fault| report.add(at.0, Some(at.1), fault);
    let bbox = object.bbox;
    #[allow(clippy::cast_precision_loss)] // pixels of an image
    let frame = BBox::new(0., 0., size[0] as f32, size[1] as f32);
    let clipped = bbox.clipped_to(&frame);
    if ![bbox.x1, bbox.y1, bbox.x2, bbox.y2].iter().all(|corner| corner.is_finite()) {
        note(Fault::UnreadableBox(format!("[{}, {}, {}, {}]", bbox.x1, bbox.y1, bbox.x2, bbox.y2)));
        None
    } else if bbox.width() < 0. || bbox.height() < 0. {
        note(Fault::InvertedBox(bbox));
        None
    } else if bbox.area() <= 0. {
        note(Fault::EmptyBox(bbox));
        None
    } else if clipped.width() <= 0. || clipped.height() <= 0. {
        note(Fault::OutsideBox { bbox, size });
        None
    } else {
        // VOC counts pixels from 1, and a box of MMDetection's reading may begin at -1: no more than a rounding.
        let moved = [bbox.x1 - clipped.x1, bbox.y1 - clipped.y1, bbox.x2 - clipped.x2, bbox.y2 - clipped.y2];
        if moved.iter().any(|moved| moved.abs() > 1.) {
            note(Fault::ClippedBox { bbox, size });
        }
        Some(Object { bbox: clipped, ..object })
    }
}
