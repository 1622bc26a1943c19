//! An image as one looks at it: turned the way its camera notes (EXIF), as MMDetection's `LoadImageFromFile` turns it.
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits, RgbImage};
use std::io::{BufRead, Cursor, Seek};

/// A JPEG or PNG.
///
/// # Errors
/// Bytes that are none, or break off.
pub fn decode(bytes: &[u8]) -> ImageResult<RgbImage> {
    let (mut decoder, orientation) = open(Cursor::new(bytes))?;
    // A damaged header may ask for any number of pixels.
    let mut limits = Limits::default();
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Width and height, by the header alone.
pub(super) fn dimensions(file: impl BufRead + Seek) -> ImageResult<[u32; 2]> {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let (decoder, orientation) = open(file)?;
    let (width, height) = decoder.dimensions();
    let lies = matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH);
    Ok(if lies { [height, width] } else { [width, height] })
}

fn open<'a>(file: impl BufRead + Seek + 'a) -> ImageResult<(impl ImageDecoder + 'a, Orientation)> {
    let mut decoder = ImageReader::new(file).with_guessed_format()?.into_decoder()?;
    // A note that cannot be read is none.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}
