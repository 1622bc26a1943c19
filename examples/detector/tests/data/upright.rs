//! Photos as their cameras note that they were taken.
use super::{config, loaded};
use detector::data::decode;
use image::{DynamicImage, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder, metadata::Orientation};
use serde_json::json;

/// Forty pixels wide, twenty high; red above, blue below.
fn flag() -> RgbImage {
    RgbImage::from_fn(40, 20, |_, y| if y < 10 { [255, 0, 0] } else { [0, 0, 255] }.into())
}

/// As a camera writes it: the pixels as they lie on the sensor, and a note of how to turn them.
fn photo(note: u8) -> Vec<u8> {
    // Little-endian TIFF, one entry: tag 0x0112, one 16-bit number.
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([note, 0, 0, 0, 0, 0, 0, 0]);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&flag()).unwrap();
    bytes
}

#[test]
fn they_are_turned_upright() {
    for note in 1..=8 {
        let seen = decode(&photo(note)).unwrap();
        let mut wanted = DynamicImage::ImageRgb8(flag());
        wanted.apply_orientation(Orientation::from_exif(note).unwrap());
        let wanted = wanted.into_rgb8();
        assert_eq!(seen.dimensions(), wanted.dimensions(), "note {note}");
        let off = seen.iter().zip(wanted.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off < Some(8), "note {note}: {off:?} off");
    }
    assert_eq!(decode(&photo(99)).unwrap().dimensions(), (40, 20), "a note that means nothing");
}

#[test]
fn a_data_set_has_their_size_as_they_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("train")).unwrap();
    std::fs::write(folder.path().join("train/a.jpg"), photo(6)).unwrap();
    let annotations = json!({
        "images": [{ "id": 1, "file_name": "a.jpg", "width": 20, "height": 40 }],
        "categories": [{ "id": 1, "name": "flag" }],
        "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 21, 18, 18], "area": 324, "iscrowd": 0 }],
    });
    std::fs::write(folder.path().join("a.json"), annotations.to_string()).unwrap();
    let more = json!({ "ann_file": "a.json", "data_prefix": { "img": "train/" } });
    let (dataset, report) = loaded(&config("CocoDataset", folder.path(), &more));
    assert!(report.is_empty(), "{report}");
    assert_eq!((dataset.images[0].width, dataset.images[0].height), (20, 40));
    assert_eq!(dataset.decode(0).unwrap().dimensions(), (20, 40));
}

#[test]
fn a_header_that_asks_for_everything_is_refused() {
    let mut bytes = photo(1);
    // Height and width stand five bytes behind the marker of the frame.
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].fill(0xff);
    let error = decode(&bytes).unwrap_err();
    assert!(matches!(error, image::ImageError::Limits(_)), "{error}");
}
