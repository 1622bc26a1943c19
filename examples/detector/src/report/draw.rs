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
    let colour = |label: &Label| COLOURS[label.class % COLOURS.len()];
    let seen: Vec<(&Label, Edges)> =
        labels.iter().filter_map(|label| Some((label, Edges::of(&label.bbox, image)?))).collect();
    for (label, edges) in &seen {
        match label.style {
            Style::Truth => frame(image, *edges, unit, Rgb([20, 20, 20])),
            Style::Annotated | Style::Found(_) => frame(image, *edges, 2 * unit, Rgb(colour(label))),
        }
    }
    // Names come last: no box lies over one.
    for (label, edges) in &seen {
        let name = classes.get(label.class).map_or("?", String::as_str);
        match label.style {
            Style::Truth => {}
            Style::Annotated => tag(image, *edges, name, unit, colour(label)),
            Style::Found(score) => tag(image, *edges, &format!("{name} {score:.2}"), unit, colour(label)),
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
        caption_at(&mut sheet, text, [x, y], width);
        image::imageops::overlay(&mut sheet, image, i64::from(x), i64::from(y + caption));
    }
    sheet
}

/// The edges of a box in pixels, inside the image.
#[derive(Debug, Clone, Copy)]
struct Edges {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Edges {
    /// None where the image shows nothing of the box, or the box is nowhere.
    fn of(bbox: &BBox, image: &RgbImage) -> Option<Self> {
        #[allow(clippy::cast_precision_loss)] // pixels of an image
        let (width, height) = (image.width() as f32, image.height() as f32);
        let meets = bbox.x2 >= 0. && bbox.y2 >= 0. && bbox.x1 <= width && bbox.y1 <= height;
        #[allow(clippy::cast_possible_truncation)] // pixels of an image
        let pixel = |place: f32, most: f32| place.clamp(0., most).round() as i32;
        meets.then(|| Self {
            left: pixel(bbox.x1, width),
            top: pixel(bbox.y1, height),
            right: pixel(bbox.x2, width),
            bottom: pixel(bbox.y2, height),
        })
    }
}

/// A box's lines, drawn to its inside.
fn frame(image: &mut RgbImage, edges: Edges, thickness: u32, colour: Rgb<u8>) {
    let Edges { left, top, right, bottom } = edges;
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
fn tag(image: &mut RgbImage, edges: Edges, text: &str, unit: u32, colour: [u8; 3]) {
    let Ok(font) = FontRef::try_from_slice(FONT) else { return };
    #[allow(clippy::cast_precision_loss)] // a few pixels
    let size = 11. * unit as f32;
    let (width, height) = text_size(size, &font, text);
    let (width, height) = (width + 4 * unit, height + 3 * unit);
    let most = i32::try_from(image.width().saturating_sub(width)).unwrap_or(0);
    let left = edges.left.min(most);
    let above = edges.top - i32::try_from(height).unwrap_or(0);
    let top = if above >= 0 { above } else { edges.top };
    draw_filled_rect_mut(image, Rect::at(left, top).of_size(width, height), Rgb(colour));
    let margin = i32::try_from(unit).unwrap_or(1);
    draw_text_mut(image, ink(colour), left + 2 * margin, top + margin, size, &font, text);
}

/// Letters that can be read on a ground: white, or black on a bright one (ITU-R BT.601's luma).
fn ink([r, g, b]: [u8; 3]) -> Rgb<u8> {
    let luma = (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000;
    Rgb(if luma < 145 { [255; 3] } else { [0; 3] })
}

/// A text as wide as its cell at most; a longer one ends in dots.
fn caption_at(sheet: &mut RgbImage, text: &str, [x, y]: [u32; 2], room: u32) {
    let Ok(font) = FontRef::try_from_slice(FONT) else { return };
    let fits = |text: &str| text_size(15., &font, text).0 <= room;
    let mut shown = text.to_owned();
    let mut kept = text.chars().count();
    while !fits(&shown) && kept > 0 {
        kept -= 1;
        shown = text.chars().take(kept).chain("...".chars()).collect();
    }
    let [x, y] = [x, y].map(|place| i32::try_from(place).unwrap_or(i32::MAX));
    draw_text_mut(sheet, Rgb([30, 30, 30]), x, y, 15., &font, &shown);
}
