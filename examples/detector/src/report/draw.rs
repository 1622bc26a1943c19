//! Boxes and names on images.
use crate::bbox::{BBox, Detection};
use ab_glyph::FontRef;
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_rect_mut, draw_text_mut, text_size};
use imageproc::rect::Rect;

/// `DejaVu Sans`, Latin letters only; its licence stands beside it.
pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");

/// Okabe and Ito's colours, which nearly everybody can tell apart, the darker ones first.
pub(super) const COLOURS: [[u8; 3]; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [90, 90, 90],
];

/// A box to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    /// Where.
    pub bbox: BBox,
    /// Index of its class, which has a colour and a name.
    pub class: usize,
    /// Found, with a score, or annotated.
    pub style: Style,
}

/// How a box is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Style {
    /// A solid box with name and score.
    Found(f32),
    /// A solid box with its name.
    Annotated,
    /// A thin dark box.
    Truth,
}

impl Label {
    /// A detection's.
    pub fn of(found: &Detection) -> Self {
        Self { bbox: found.bbox, class: found.class, style: Style::Found(found.score) }
    }
}

/// Draws boxes and their names; lines and letters grow with the image.
pub fn annotate(image: &mut RgbImage, labels: &[Label], classes: &[String]) {
    let unit = (image.width().min(image.height()) / 300).max(1);
    for label in labels {
        let colour = Rgb(COLOURS[label.class % COLOURS.len()]);
        let name = classes.get(label.class).map_or("?", String::as_str);
        match label.style {
            Style::Truth => frame(image, &label.bbox, unit, Rgb([20, 20, 20])),
            Style::Annotated => {
                frame(image, &label.bbox, 2 * unit, colour);
                tag(image, &label.bbox, name, unit, colour);
            }
            Style::Found(score) => {
                frame(image, &label.bbox, 2 * unit, colour);
                tag(image, &label.bbox, &format!("{name} {score:.2}"), unit, colour);
            }
        }
    }
}

/// Images in rows of `columns`, each below its caption, on white.
pub fn grid(cells: &[(String, RgbImage)], columns: usize) -> RgbImage {
    let width = cells.iter().map(|(_, image)| image.width()).max().unwrap_or(1);
    let height = cells.iter().map(|(_, image)| image.height()).max().unwrap_or(1);
    let (gap, caption) = (8, 20);
    let columns = u32::try_from(columns.min(cells.len()).max(1)).unwrap_or(1);
    let rows = u32::try_from(cells.len()).unwrap_or(1).div_ceil(columns).max(1);
    let white = Rgb([255, 255, 255]);
    let mut sheet =
        RgbImage::from_pixel(columns * (width + gap) + gap, rows * (height + caption + gap) + gap, white);
    for (index, (text, image)) in (0..).zip(cells) {
        let (x, y) =
            (gap + index % columns * (width + gap), gap + index / columns * (height + caption + gap));
        write(&mut sheet, text, [x, y], 15., Rgb([30, 30, 30]));
        image::imageops::overlay(&mut sheet, image, i64::from(x), i64::from(y + caption));
    }
    sheet
}

/// The edges of a box, drawn to its inside.
fn frame(image: &mut RgbImage, bbox: &BBox, thickness: u32, colour: Rgb<u8>) {
    let [left, top, right, bottom] = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(pixel);
    let size = |from: i32, to: i32| u32::try_from(to - from).unwrap_or(0).max(1);
    let (width, height) = (size(left, right), size(top, bottom));
    let line = i32::try_from(thickness).unwrap_or(1);
    for (x, y, width, height) in [
        (left, top, width, thickness),
        (left, bottom - line, width, thickness),
        (left, top, thickness, height),
        (right - line, top, thickness, height),
    ] {
        draw_filled_rect_mut(image, Rect::at(x, y).of_size(width, height), colour);
    }
}

/// A name on a ground of its colour, above its box where there is room, else inside.
fn tag(image: &mut RgbImage, bbox: &BBox, text: &str, unit: u32, colour: Rgb<u8>) {
    let Ok(font) = FontRef::try_from_slice(FONT) else { return };
    #[allow(clippy::cast_precision_loss)] // a few pixels
    let size = 11. * unit as f32;
    let (width, height) = text_size(size, &font, text);
    let (width, height) = (width + 4 * unit, height + 3 * unit);
    let most = i32::try_from(image.width().saturating_sub(width)).unwrap_or(0);
    let left = pixel(bbox.x1).clamp(0, most.max(0));
    let above = pixel(bbox.y1) - i32::try_from(height).unwrap_or(0);
    let top = if above >= 0 { above } else { pixel(bbox.y1).max(0) };
    draw_filled_rect_mut(image, Rect::at(left, top).of_size(width, height), colour);
    let margin = i32::try_from(unit).unwrap_or(1);
    draw_text_mut(image, Rgb([255, 255, 255]), left + 2 * margin, top + margin, size, &font, text);
}

fn write(image: &mut RgbImage, text: &str, at: [u32; 2], size: f32, colour: Rgb<u8>) {
    if let Ok(font) = FontRef::try_from_slice(FONT) {
        let [x, y] = at.map(|place| i32::try_from(place).unwrap_or(i32::MAX));
        draw_text_mut(image, colour, x, y, size, &font, text);
    }
}

#[allow(clippy::cast_possible_truncation)] // pixels of an image
fn pixel(place: f32) -> i32 {
    place.round() as i32
}
