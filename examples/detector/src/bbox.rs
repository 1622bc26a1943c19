//! A box in an image, an object in a box, and what a detector says about one.

/// A box in pixels of its image, as corners; the right and lower edges are outside, so that width is `x2 - x1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BBox {
    /// Left edge.
    pub x1: f32,
    /// Upper edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Lower edge.
    pub y2: f32,
}

impl BBox {
    /// A box from its corners: left, upper, right, lower.
    pub fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Width in pixels; negative where the box is inverted.
    pub fn width(&self) -> f32 {
        self.x2 - self.x1
    }

    /// Height in pixels; negative where the box is inverted.
    pub fn height(&self) -> f32 {
        self.y2 - self.y1
    }

    /// Area in square pixels, 0 for an inverted box.
    pub fn area(&self) -> f32 {
        self.width().max(0.) * self.height().max(0.)
    }

    /// The point in its middle, as x and y.
    pub fn middle(&self) -> [f32; 2] {
        [f32::midpoint(self.x1, self.x2), f32::midpoint(self.y1, self.y2)]
    }

    /// Intersection over union with another box; 0 where both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let both = self.clipped_to(other).area();
        let union = self.area() + other.area() - both;
        if union > 0. { both / union } else { 0. }
    }

    /// The part of the box inside another one, inverted where there is none.
    #[must_use]
    pub fn clipped_to(&self, other: &Self) -> Self {
        Self {
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
            x2: self.x2.min(other.x2),
            y2: self.y2.min(other.y2),
        }
    }

    /// The box in an image that is `x` times as wide and `y` times as high.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self::new(self.x1 * x, self.y1 * y, self.x2 * x, self.y2 * y)
    }
}

/// An annotated object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object {
    /// Where it is.
    pub bbox: BBox,
    /// Index into the data set's classes.
    pub class: usize,
    /// VOC's `difficult`, COCO's `iscrowd`: not trained on, and neither hit nor miss in evaluation.
    pub ignored: bool,
}

/// A detected object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where it is, in pixels of the original image.
    pub bbox: BBox,
    /// Index into the data set's classes.
    pub class: usize,
    /// Confidence, from 0 to 1.
    pub score: f32,
}
