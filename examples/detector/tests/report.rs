//! Report: lines and tables read like MMDetection's and pycocotools', scalars survive a kill, pictures show what they should.
#[path = "report/events.rs"]
#[cfg(feature = "tensorboard")]
mod events;
#[path = "report/images.rs"]
mod images;
#[path = "report/lines.rs"]
mod lines;
#[path = "report/plots.rs"]
mod plots;
#[path = "report/scalars.rs"]
mod scalars;

use image::RgbImage;

/// The first two colours of the palette: classes and runs.
const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];

fn count(image: &RgbImage, colour: [u8; 3]) -> usize {
    image.pixels().filter(|pixel| pixel.0 == colour).count()
}
