//! Changes of brightness, contrast, saturation and hue, after SSD's (Liu et al., 2016) and MMDetection's.
//!
//! Hue is turned around the grey axis of RGB rather than that of HSV, which is one product for each pixel, and channels are
//! not swapped: a stain's colour means something.
use image::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The largest changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Photometric {
    /// Of 255.
    pub(super) brightness_delta: f32,
    pub(super) contrast_range: [f32; 2],
    pub(super) saturation_range: [f32; 2],
    /// In degrees.
    pub(super) hue_delta: f32,
}

impl Photometric {
    /// Each change happens half the time; contrast comes before or after the changes of colour.
    pub(super) fn apply(self, image: &mut RgbImage, rng: &mut ChaCha8Rng) {
        let mut sometimes = |from: f32, to: f32| {
            let happens = rng.random::<bool>();
            let value = from + (to - from) * rng.random::<f32>();
            happens.then_some(value)
        };
        let brightness = sometimes(-self.brightness_delta, self.brightness_delta).unwrap_or(0.);
        let contrast = sometimes(self.contrast_range[0], self.contrast_range[1]).unwrap_or(1.);
        let saturation = sometimes(self.saturation_range[0], self.saturation_range[1]).unwrap_or(1.);
        let hue = sometimes(-self.hue_delta, self.hue_delta).unwrap_or(0.);
        let contrast_first = rng.random::<bool>();
        let colours = Colours::new(saturation, hue);
        for pixel in image.pixels_mut() {
            let mut rgb = pixel.0.map(|channel| f32::from(channel) + brightness);
            if contrast_first {
                rgb = rgb.map(|channel| channel * contrast);
            }
            rgb = colours.apply(rgb);
            if !contrast_first {
                rgb = rgb.map(|channel| channel * contrast);
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
            let bytes = rgb.map(|channel| channel.round().clamp(0., 255.) as u8);
            pixel.0 = bytes;
        }
    }
}

/// Saturation and hue in one linear map: stretched and turned around the grey axis.
struct Colours([[f32; 3]; 3]);

impl Colours {
    fn new(saturation: f32, hue: f32) -> Self {
        let (sin, cos) = hue.to_radians().sin_cos();
        // Rodrigues' rotation around (1, 1, 1), whose own part stays as it is while the rest is stretched.
        let (third, root) = (1. / 3., (1f32 / 3.).sqrt());
        let row = |diagonal: usize| {
            [0, 1, 2].map(|column: usize| {
                let identity = if diagonal == column { 1. } else { 0. };
                let cross = match (column + 3 - diagonal) % 3 {
                    1 => -root,
                    2 => root,
                    _ => 0.,
                };
                third + saturation * (cos * (identity - third) + sin * cross)
            })
        };
        Self([row(0), row(1), row(2)])
    }

    fn apply(&self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        self.0.map(|[x, y, z]| x * r + y * g + z * b)
    }
}
