//! The boxes that predictions start from: anchors, or the cells of the pyramid.
use crate::bbox::BBox;
use crate::config::AnchorGenerator;
use std::ops::Range;

/// How many pixels of the image a cell of each level is wide.
pub const STRIDES: [u32; 5] = [8, 16, 32, 64, 128];

/// The priors of an image size, level by level, row by row, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Priors {
    /// All of them.
    pub boxes: Vec<BBox>,
    /// Which of them belong to each level.
    pub levels: Vec<Range<usize>>,
}

/// What stands in each cell.
#[derive(Debug, Clone, PartialEq)]
pub enum PriorShape {
    /// Anchors around the cell's upper left corner, as MMDetection's `AnchorGenerator` (`center_offset` 0).
    Anchors(AnchorGenerator),
    /// The cell itself: its middle is `FCOS`'s point, and its width the unit of the distances.
    Cells,
}

impl PriorShape {
    /// Priors in each cell.
    pub fn per_cell(&self) -> usize {
        match self {
            Self::Anchors(anchors) => anchors.ratios.len() * anchors.scales_per_octave as usize,
            Self::Cells => 1,
        }
    }

    /// The priors of images of `width` x `height` pixels, which a level has `ceil(size / stride)` cells for.
    pub fn priors(&self, width: u32, height: u32) -> Priors {
        let mut priors = Priors { boxes: Vec::new(), levels: Vec::new() };
        for stride in STRIDES {
            let begin = priors.boxes.len();
            let shapes = self.in_cell(stride);
            for row in 0..height.div_ceil(stride) {
                for column in 0..width.div_ceil(stride) {
                    #[allow(clippy::cast_precision_loss)] // pixels of an image
                    let (x, y) = ((column * stride) as f32, (row * stride) as f32);
                    priors.boxes.extend(
                        shapes
                            .iter()
                            .map(|shape| BBox::new(shape.x1 + x, shape.y1 + y, shape.x2 + x, shape.y2 + y)),
                    );
                }
            }
            priors.levels.push(begin..priors.boxes.len());
        }
        priors
    }

    /// The priors of the cell at 0, 0: by ratio, then by scale.
    #[allow(clippy::cast_possible_truncation)] // f32 is what MMDetection computes in, too
    fn in_cell(&self, stride: u32) -> Vec<BBox> {
        let stride = f64::from(stride);
        match self {
            Self::Cells => vec![BBox::new(0., 0., stride as f32, stride as f32)],
            Self::Anchors(anchors) => {
                let octaves = 0..anchors.scales_per_octave;
                let scales = octaves.map(|octave| {
                    anchors.octave_base_scale
                        * 2f64.powf(f64::from(octave) / f64::from(anchors.scales_per_octave))
                });
                let scales: Vec<f64> = scales.collect();
                let shapes = anchors.ratios.iter().flat_map(|ratio| {
                    scales.iter().map(|scale| {
                        let (width, height) =
                            (stride * scale / ratio.sqrt() / 2., stride * scale * ratio.sqrt() / 2.);
                        BBox::new(-width as f32, -height as f32, width as f32, height as f32)
                    })
                });
                shapes.collect()
            }
        }
    }
}
