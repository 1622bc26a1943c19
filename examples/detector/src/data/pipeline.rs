//! What happens to an image and its boxes before the model sees them.
use super::photometric::Photometric;
use super::problem::DataError;
use crate::bbox::{BBox, Object};
use crate::config::{Direction, Transform};
use fast_image_resize::{IntoImageView, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image::imageops::{crop_imm, flip_horizontal_in_place, flip_vertical_in_place};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The transforms of a data set, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    transforms: Vec<Transform>,
}

/// An image as the model gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which image of the data set it is.
    pub index: usize,
    /// Its pixels.
    pub image: RgbImage,
    /// Its objects, in these pixels.
    pub objects: Vec<Object>,
    /// Factors from the original to this image, horizontally and vertically.
    pub scale: [f32; 2],
}

impl Pipeline {
    /// The pipeline of these transforms.
    ///
    /// # Errors
    /// No transform makes images the size that batches are to have.
    pub fn new(transforms: &[Transform]) -> Result<Self, DataError> {
        let sized = |transform: &Transform| {
            matches!(transform, Transform::Resize { .. } | Transform::RandomResize { .. })
        };
        if transforms.iter().any(sized) {
            Ok(Self { transforms: transforms.to_vec() })
        } else {
            let help = "add `{ type = \"Resize\", scale = [320, 240], keep_ratio = true }`";
            Err(DataError::Config(format!("`pipeline` has no `Resize`\nhelp: {help}")))
        }
    }

    /// The image and its objects after all transforms; what is random comes from `rng`.
    ///
    /// Objects that are then less than a pixel wide or high are left out, as by MMDetection's `FilterAnnotations`.
    pub fn apply(&self, index: usize, image: RgbImage, objects: &[Object], rng: &mut ChaCha8Rng) -> Sample {
        let mut sample = Sample { index, image, objects: objects.to_vec(), scale: [1., 1.] };
        for transform in &self.transforms {
            match transform {
                Transform::Resize { scale, keep_ratio } => {
                    sample.resize(fit(&sample.image, *scale, *keep_ratio));
                }
                Transform::RandomResize { scale, ratio_range: [least, most], keep_ratio } => {
                    let ratio = least + (most - least) * rng.random::<f32>();
                    let target = scale.map(|side| rounded(pixel(side) * ratio));
                    sample.resize(fit(&sample.image, target, *keep_ratio));
                    let places = [rng.random::<f32>(), rng.random::<f32>()];
                    sample.crop(*scale, places);
                }
                Transform::RandomFlip { prob, direction } => {
                    for direction in direction {
                        if rng.random::<f32>() < *prob {
                            sample.flip(*direction);
                        }
                    }
                }
                &Transform::PhotoMetricDistortion {
                    brightness_delta,
                    contrast_range,
                    saturation_range,
                    hue_delta,
                } => {
                    let changes =
                        Photometric { brightness_delta, contrast_range, saturation_range, hue_delta };
                    changes.apply(&mut sample.image, rng);
                }
            }
        }
        sample.objects.retain(|object| object.bbox.width() >= 1. && object.bbox.height() >= 1.);
        sample
    }
}

/// The size that an image is resized to: `scale`, or the largest one with its proportions that fits into it.
fn fit(image: &RgbImage, scale: [u32; 2], keep_ratio: bool) -> [u32; 2] {
    if !keep_ratio {
        return scale;
    }
    let (width, height) = (pixel(image.width()), pixel(image.height()));
    let factor = (pixel(scale[0]) / width).min(pixel(scale[1]) / height);
    [rounded(width * factor), rounded(height * factor)]
}

impl Sample {
    /// Bilinear, over all pixels that go into one where the image becomes smaller.
    fn resize(&mut self, [width, height]: [u32; 2]) {
        if (width, height) == self.image.dimensions() {
            return;
        }
        let mut resized = RgbImage::new(width, height);
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(fast_image_resize::FilterType::Bilinear));
        let source = image::DynamicImage::ImageRgb8(std::mem::take(&mut self.image));
        debug_assert!(source.pixel_type().is_some());
        let mut destination = image::DynamicImage::ImageRgb8(std::mem::take(&mut resized));
        // Both are 8-bit RGB of at least a pixel, which it cannot refuse.
        let done = Resizer::new().resize(&source, &mut destination, &options);
        let (x, y) = (pixel(width) / pixel(source.width()), pixel(height) / pixel(source.height()));
        if done.is_err() {
            self.image = source.into_rgb8();
            return;
        }
        self.image = destination.into_rgb8();
        for object in &mut self.objects {
            object.bbox = object.bbox.scaled(x, y);
        }
        self.scale = [self.scale[0] * x, self.scale[1] * y];
    }

    /// The part of at most `size` at a random place; objects whose middle is outside go with the rest.
    fn crop(&mut self, size: [u32; 2], places: [f32; 2]) {
        let (width, height) = self.image.dimensions();
        let (kept_width, kept_height) = (width.min(size[0]), height.min(size[1]));
        if (kept_width, kept_height) == (width, height) {
            return;
        }
        let x = rounded_down(pixel(width - kept_width + 1) * places[0]).min(width - kept_width);
        let y = rounded_down(pixel(height - kept_height + 1) * places[1]).min(height - kept_height);
        self.image = crop_imm(&self.image, x, y, kept_width, kept_height).to_image();
        let frame = BBox::new(0., 0., pixel(kept_width), pixel(kept_height));
        for object in &mut self.objects {
            let bbox = &mut object.bbox;
            (bbox.x1, bbox.x2) = (bbox.x1 - pixel(x), bbox.x2 - pixel(x));
            (bbox.y1, bbox.y2) = (bbox.y1 - pixel(y), bbox.y2 - pixel(y));
        }
        self.objects.retain(|Object { bbox, .. }| {
            let [x, y] = bbox.middle();
            x >= 0. && x < frame.x2 && y >= 0. && y < frame.y2
        });
        for object in &mut self.objects {
            object.bbox = object.bbox.clipped_to(&frame);
        }
    }

    fn flip(&mut self, direction: Direction) {
        let (width, height) = (pixel(self.image.width()), pixel(self.image.height()));
        match direction {
            Direction::Horizontal => flip_horizontal_in_place(&mut self.image),
            Direction::Vertical => flip_vertical_in_place(&mut self.image),
        }
        for Object { bbox, .. } in &mut self.objects {
            match direction {
                Direction::Horizontal => (bbox.x1, bbox.x2) = (width - bbox.x2, width - bbox.x1),
                Direction::Vertical => (bbox.y1, bbox.y2) = (height - bbox.y2, height - bbox.y1),
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // pixels of an image
fn pixel(side: u32) -> f32 {
    side as f32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // pixels of an image
fn rounded(side: f32) -> u32 {
    (side.round() as u32).max(1)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // pixels of an image
fn rounded_down(side: f32) -> u32 {
    side as u32
}
