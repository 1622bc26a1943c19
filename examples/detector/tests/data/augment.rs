//! Boxes go where their pixels go.
use detector::bbox::{BBox, Object};
use detector::config::Transform;
use detector::data::{Pipeline, Sample};
use image::{Rgb, RgbImage};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

fn transform(document: serde_json::Value) -> Transform {
    serde_json::from_value(document).unwrap()
}

fn apply(transforms: &[Transform], image: RgbImage, bbox: BBox, seed: u64) -> Sample {
    let pipeline = Pipeline::new(transforms).unwrap();
    let object = Object { bbox, class: 0, ignored: false };
    pipeline.apply(0, image, &[object], &mut ChaCha8Rng::seed_from_u64(seed))
}

/// White, with a red rectangle.
fn drawn(width: u32, height: u32, [x1, y1, x2, y2]: [u32; 4]) -> (RgbImage, BBox) {
    let inside = |x, y| x >= x1 && x < x2 && y >= y1 && y < y2;
    let image =
        RgbImage::from_fn(width, height, |x, y| if inside(x, y) { Rgb([255, 0, 0]) } else { Rgb([255; 3]) });
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(|side| side as f32);
    (image, BBox::new(x1, y1, x2, y2))
}

/// The box around what is rather red than white.
fn red(image: &RgbImage) -> Option<BBox> {
    let red = image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[1] < 128);
    let boxes = red.map(|(x, y, _)| BBox::new(x as f32, y as f32, x as f32 + 1., y as f32 + 1.));
    boxes.reduce(|a, b| BBox::new(a.x1.min(b.x1), a.y1.min(b.y1), a.x2.max(b.x2), a.y2.max(b.y2)))
}

fn close(a: &BBox, b: &BBox, by: f32) -> bool {
    [a.x1 - b.x1, a.y1 - b.y1, a.x2 - b.x2, a.y2 - b.y2].iter().all(|apart| apart.abs() <= by)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn boxes_follow_their_pixels(
        size in (40u32..120, 40u32..120),
        corner in (0u32..20, 0u32..20),
        extent in (12u32..20, 12u32..20),
        target in (40u32..130, 40u32..130),
        keep_ratio: bool,
        jitter: bool,
        seed: u64,
    ) {
        let [x2, y2] = [corner.0 + extent.0, corner.1 + extent.1];
        let (image, bbox) = drawn(size.0, size.1, [corner.0, corner.1, x2, y2]);
        let scale = [target.0, target.1];
        let resize = if jitter {
            transform(json!({ "type": "RandomResize", "scale": scale, "ratio_range": [0.7, 1.5], "keep_ratio": keep_ratio }))
        } else {
            transform(json!({ "type": "Resize", "scale": scale, "keep_ratio": keep_ratio }))
        };
        let flip = transform(json!({ "type": "RandomFlip", "prob": 0.5, "direction": ["horizontal", "vertical"] }));
        let sample = apply(&[resize, flip], image, bbox, seed);
        let (width, height) = sample.image.dimensions();
        prop_assert!(width <= scale[0] && height <= scale[1], "{width} x {height} in {scale:?}");
        match (sample.objects.first(), red(&sample.image)) {
            (Some(object), Some(seen)) => {
                prop_assert!(close(&object.bbox, &seen, 1.5), "{:?} is seen at {seen:?}", object.bbox);
                let frame = BBox::new(0., 0., width as f32, height as f32);
                prop_assert_eq!(object.bbox.clipped_to(&frame), object.bbox, "it is inside");
            }
            // Its middle was cropped away, and a part of it may still be seen.
            (None, _) => prop_assert!(jitter),
            (Some(object), None) => prop_assert!(false, "{object:?} is not seen"),
        }
    }

    #[test]
    fn two_flips_are_none(size in (8u32..40, 8u32..40), direction in prop::sample::select(vec!["horizontal", "vertical"])) {
        let (image, bbox) = drawn(size.0, size.1, [1, 1, 5, 4]);
        let flip = transform(json!({ "type": "RandomFlip", "prob": 1.0, "direction": direction }));
        let stay = transform(json!({ "type": "Resize", "scale": [size.0, size.1] }));
        let once = apply(&[stay.clone(), flip.clone()], image.clone(), bbox, 0);
        prop_assert_ne!(once.objects[0].bbox, bbox);
        let twice = apply(&[stay, flip.clone(), flip], image.clone(), bbox, 0);
        prop_assert_eq!(twice.objects[0].bbox, bbox);
        prop_assert_eq!(twice.image, image);
    }
}

#[test]
fn objects_that_are_no_pixel_any_more_are_left_out() {
    let resized = |width: u32| {
        let (image, bbox) = drawn(100, 100, [10, 10, 20, 90]);
        apply(&[transform(json!({ "type": "Resize", "scale": [width, 100] }))], image, bbox, 0)
    };
    assert_eq!(resized(10).objects.len(), 1);
    assert_eq!(resized(9).objects.len(), 0);
}

#[test]
fn photometric_changes_leave_boxes_alone_and_colours_in_range() {
    let (image, bbox) = drawn(32, 32, [4, 4, 20, 20]);
    let stay = transform(json!({ "type": "Resize", "scale": [32, 32] }));
    let change = transform(json!({ "type": "PhotoMetricDistortion" }));
    let samples: Vec<Sample> =
        (0..20).map(|seed| apply(&[stay.clone(), change.clone()], image.clone(), bbox, seed)).collect();
    assert!(samples.iter().all(|sample| sample.objects[0].bbox == bbox));
    assert!(samples.iter().filter(|sample| sample.image != image).count() > 10);
    // no change at all leaves every pixel as it is
    let none = json!({
        "type": "PhotoMetricDistortion", "brightness_delta": 0, "contrast_range": [1, 1], "saturation_range": [1, 1], "hue_delta": 0,
    });
    assert_eq!(apply(&[stay, transform(none)], image.clone(), bbox, 3).image, image);
}

#[test]
fn a_full_turn_of_the_hue_or_none_of_the_saturation() {
    let (image, bbox) = drawn(4, 4, [0, 0, 4, 4]);
    let stay = transform(json!({ "type": "Resize", "scale": [4, 4] }));
    let grey = json!({
        "type": "PhotoMetricDistortion", "brightness_delta": 0, "contrast_range": [1, 1], "saturation_range": [0, 0], "hue_delta": 0,
    });
    let grey = transform(grey);
    // happens half the time
    let samples = (0..20)
        .map(|seed| apply(&[stay.clone(), grey.clone()], image.clone(), bbox, seed).image.get_pixel(0, 0).0);
    let pixels: Vec<[u8; 3]> = samples.collect();
    assert!(pixels.contains(&[85, 85, 85]) && pixels.contains(&[255, 0, 0]), "{pixels:?}");
    assert!(pixels.iter().all(|pixel| [[85, 85, 85], [255, 0, 0]].contains(pixel)), "{pixels:?}");
}

#[test]
fn a_pipeline_without_a_size_is_refused() {
    let flip = transform(json!({ "type": "RandomFlip", "prob": 0.5 }));
    assert!(Pipeline::new(&[flip]).unwrap_err().to_string().contains("`pipeline` has no `Resize`"));
}
