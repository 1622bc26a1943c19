//! Generated images: scenes like a blood smear under a microscope, with exact boxes.
use super::found::ImageInfo;
use super::problem::DataError;
use crate::bbox::{BBox, Object};
use crate::config::DatasetConfig;
use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generated data set. The same seed, place and size make the same image, up to the last bit of `sin` and `cos`.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    size: [u32; 2],
    seed: u64,
    /// Which images of the seed are in it.
    indices: Vec<usize>,
}

/// A cell: where its middle is, how large it is, and what it looks like.
struct Cell {
    class: usize,
    middle: [f32; 2],
    radii: [f32; 2],
    turn: f32,
    tint: [f32; 3],
    /// Of a white cell: middles and radius of the lobes of its nucleus, in radii of the cell.
    lobes: Vec<[f32; 3]>,
}

impl Cells {
    pub(super) const CLASSES: [&'static str; 3] = ["RBC", "WBC", "Platelets"];

    pub(super) fn new(config: &DatasetConfig) -> Result<Self, DataError> {
        let size = config.image_size;
        if size.iter().any(|side| !(32..=8192).contains(side)) {
            let [width, height] = size;
            let message = format!("`image_size` is {width} x {height}\nhelp: 32 to 8192 pixels a side");
            return Err(DataError::Config(message));
        }
        Ok(Self { size, seed: config.seed, indices: (0..config.num_images).collect() })
    }

    pub(super) fn retain(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.indices.retain(|_| kept.next() == Some(&true));
    }

    /// What is in an image.
    pub(super) fn info(&self, index: usize) -> ImageInfo {
        let [width, height] = self.size;
        let number = self.indices[index];
        let id = i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1);
        let objects = self.scene(number).1.iter().filter_map(|cell| cell.object(self.size)).collect();
        ImageInfo { id, name: format!("cells_{:03}_{id:05}.png", self.seed), width, height, objects }
    }

    /// An image and its cells.
    pub(super) fn draw(&self, index: usize) -> (RgbImage, Vec<Object>) {
        let [width, height] = self.size;
        let (mut rng, cells) = self.scene(self.indices[index]);
        let pale =
            [rng.random_range(215f32..240.), rng.random_range(205f32..230.), rng.random_range(205f32..235.)];
        let slope = [rng.random_range(-18f32..18.), rng.random_range(-18f32..18.)];
        let mut canvas: Vec<[f32; 3]> = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let light =
                    slope[0] * (pixel(x) / pixel(width) - 0.5) + slope[1] * (pixel(y) / pixel(height) - 0.5);
                canvas.push(pale.map(|channel| channel + light));
            }
        }
        for cell in &cells {
            cell.paint(&mut canvas, self.size);
        }
        let mut image = RgbImage::new(width, height);
        for (pixel, colour) in image.pixels_mut().zip(canvas) {
            let noise = rng.random_range(-5f32..5.);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
            let byte = |channel: f32| (channel + noise + rng.random_range(-3f32..3.)).clamp(0., 255.) as u8;
            *pixel = Rgb(colour.map(byte));
        }
        let objects = cells.iter().filter_map(|cell| cell.object(self.size)).collect();
        (image, objects)
    }

    /// The cells of an image, the upper ones last, and the generator that goes on with the pixels.
    fn scene(&self, number: usize) -> (ChaCha8Rng, Vec<Cell>) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::try_from(number).unwrap_or(u64::MAX));
        let [width, height] = self.size.map(pixel);
        let unit = height.min(width) / 240.;
        let crowd = (width * height / (240. * 240. * unit * unit)).max(0.5);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // tens
        let count = |rng: &mut ChaCha8Rng, from: f32, to: f32| (rng.random_range(from..to) * crowd) as usize;
        let mut cells: Vec<Cell> = Vec::new();
        // The large ones first, while there is room.
        let wanted =
            [(1, count(&mut rng, 0.4, 1.6)), (0, count(&mut rng, 4., 11.)), (2, count(&mut rng, 1.5, 4.5))];
        for (class, count) in wanted {
            for _ in 0..count {
                let cell = Cell::random(&mut rng, class, [width, height], unit);
                // Cells may touch and overlap a little, as in a smear, but none hides another.
                let free = cells.iter().all(|other| {
                    let apart = (cell.middle[0] - other.middle[0]).hypot(cell.middle[1] - other.middle[1]);
                    apart > 0.85 * (cell.radii[0].max(cell.radii[1]) + other.radii[0].max(other.radii[1]))
                });
                if free {
                    cells.push(cell);
                }
            }
        }
        (rng, cells)
    }
}

impl Cell {
    fn random(rng: &mut ChaCha8Rng, class: usize, size: [f32; 2], unit: f32) -> Self {
        let radius = unit * [22f32..29., 36f32..52., 8f32..12.].map(|radii| rng.random_range(radii))[class];
        let flat = rng.random_range(if class == 2 { 0.7f32..1. } else { 0.86f32..1. });
        let tints = [[206., 128., 138.], [186., 150., 205.], [126., 84., 160.]];
        let tint = tints[class].map(|channel: f32| channel + rng.random_range(-16f32..16.));
        // Some are cut by the edge, but a third of each is there to be seen; of platelets nothing would be left.
        let inside = radius * if class == 2 { 1.2 } else { 0.3 };
        let middle = size.map(|side| rng.random_range(inside..side - inside));
        let lobes = if class == 1 { rng.random_range(2..5) } else { 0 };
        let mut lobe = |_| {
            [
                rng.random_range(-0.32f32..0.32),
                rng.random_range(-0.32f32..0.32),
                rng.random_range(0.3f32..0.45),
            ]
        };
        let lobes = (0..lobes).map(&mut lobe).collect();
        Self {
            class,
            middle,
            radii: [radius, radius * flat],
            turn: rng.random_range(0f32..std::f32::consts::PI),
            tint,
            lobes,
        }
    }

    /// The box around what is seen of the cell: that of a turned ellipse, cut to the image.
    fn object(&self, size: [u32; 2]) -> Option<Object> {
        let (sin, cos) = self.turn.sin_cos();
        let [a, b] = self.radii;
        let (half_width, half_height) = ((a * cos).hypot(b * sin), (a * sin).hypot(b * cos));
        let [x, y] = self.middle;
        let whole = BBox::new(x - half_width, y - half_height, x + half_width, y + half_height);
        let seen = whole.clipped_to(&BBox::new(0., 0., pixel(size[0]), pixel(size[1])));
        (seen.width() >= 2. && seen.height() >= 2.).then_some(Object {
            bbox: seen,
            class: self.class,
            ignored: false,
        })
    }

    fn paint(&self, canvas: &mut [[f32; 3]], size: [u32; 2]) {
        let Some(Object { bbox, .. }) = self.object(size) else { return };
        let (sin, cos) = self.turn.sin_cos();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // inside the image
        let (columns, rows) = (
            bbox.x1 as u32..(bbox.x2.ceil() as u32).min(size[0]),
            bbox.y1 as u32..(bbox.y2.ceil() as u32).min(size[1]),
        );
        for y in rows {
            for x in columns.clone() {
                let (dx, dy) = (pixel(x) + 0.5 - self.middle[0], pixel(y) + 0.5 - self.middle[1]);
                let (u, v) = ((dx * cos + dy * sin) / self.radii[0], (dy * cos - dx * sin) / self.radii[1]);
                let from_middle = u.hypot(v);
                // a soft edge of about a pixel and a half
                let edge = 0.75 / self.radii[1];
                let opacity = 1. - smooth(from_middle, 1. - edge, 1. + edge);
                if opacity <= 0. {
                    continue;
                }
                let mut colour = self.tint;
                match self.class {
                    // the pale middle of a disc that is thinner there, and a rim
                    0 => {
                        let pale = 1. - smooth(from_middle, 0.1, 0.62);
                        colour = mix(colour, [232., 196., 200.], 0.75 * pale);
                        colour = mix(colour, [178., 96., 112.], 0.5 * smooth(from_middle, 0.8, 1.));
                    }
                    1 => {
                        let nucleus = self.lobes.iter().map(|&[lx, ly, radius]| {
                            1. - smooth((u - lx).hypot(v - ly), radius - 0.06, radius + 0.06)
                        });
                        colour = mix(colour, [92., 52., 140.], nucleus.fold(0., f32::max));
                    }
                    _ => colour = mix(colour, [88., 48., 128.], 1. - smooth(from_middle, 0.2, 0.9)),
                }
                let at = y as usize * size[0] as usize + x as usize;
                if let Some(behind) = canvas.get_mut(at) {
                    *behind = mix(*behind, colour, opacity * 0.94);
                }
            }
        }
    }
}

/// 0 below `from`, 1 above `to`, smooth between them.
fn smooth(x: f32, from: f32, to: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0., 1.);
    t * t * (3. - 2. * t)
}

fn mix(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

#[allow(clippy::cast_precision_loss)] // pixels of an image
fn pixel(side: u32) -> f32 {
    side as f32
}
