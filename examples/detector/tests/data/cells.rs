//! Generated images are repeatable, and their boxes are where the cells are.
use super::{config, loaded};
use detector::bbox::{BBox, Object};
use detector::data::Dataset;
use image::RgbImage;
use serde_json::json;
use std::path::Path;

fn cells(seed: u64, size: [u32; 2], images: usize) -> Dataset {
    let more = json!({ "num_images": images, "image_size": size, "seed": seed });
    loaded(&config("CellsDataset", Path::new(""), &more)).0
}

#[test]
fn the_same_seed_makes_the_same_images_and_another_one_others() {
    let [one, again, other] = [3, 3, 4].map(|seed| cells(seed, [96, 72], 2));
    assert_eq!(one.classes, ["RBC", "WBC", "Platelets"]);
    assert_eq!(one.images, again.images);
    assert_eq!(one.decode(1).unwrap(), again.decode(1).unwrap());
    assert_ne!(one.decode(0).unwrap(), one.decode(1).unwrap());
    assert_ne!(one.decode(0).unwrap(), other.decode(0).unwrap());
    assert_eq!(one.images[..1], cells(3, [96, 72], 1).images, "more images leave the first ones as they are");
}

#[test]
fn sizes_that_make_no_picture_are_refused() {
    let small = json!({ "num_images": 1, "image_size": [320, 8] });
    let message = Dataset::load(&config("CellsDataset", Path::new(""), &small)).unwrap_err().to_string();
    assert_eq!(message, "`image_size` is 320 x 8\nhelp: 32 to 8192 pixels a side");
}

/// Around each cell that stands alone, the pixels that are darker than what is beside it fill its box.
#[test]
fn boxes_are_tight() {
    for size in [[320, 240], [480, 640]] {
        let dataset = cells(7, size, 80);
        let mut checked = [0; 3];
        for (index, image) in dataset.images.iter().enumerate() {
            let pixels = dataset.decode(index).unwrap();
            for object in &image.objects {
                let frame = around(&object.bbox, 5., size);
                let near =
                    |other: &&Object| other.bbox.clipped_to(&around(&object.bbox, 7., size)).area() > 0.;
                if image.objects.iter().filter(near).count() > 1 {
                    continue;
                }
                checked[object.class] += 1;
                let seen = dark(&pixels, &frame, &around(&object.bbox, 2., size));
                let apart = [
                    seen.x1 - object.bbox.x1,
                    seen.y1 - object.bbox.y1,
                    seen.x2 - object.bbox.x2,
                    seen.y2 - object.bbox.y2,
                ];
                assert!(
                    apart.iter().all(|apart| apart.abs() < 1.6),
                    "{}: {object:?} is at {seen:?}",
                    image.name
                );
            }
        }
        assert!(checked.iter().all(|count| *count > 10), "{checked:?}");
    }
}

fn around(bbox: &BBox, by: f32, [width, height]: [u32; 2]) -> BBox {
    let image = BBox::new(0., 0., width as f32, height as f32);
    BBox::new(bbox.x1 - by, bbox.y1 - by, bbox.x2 + by, bbox.y2 + by).clipped_to(&image)
}

/// The box of the pixels in `frame` whose green is well below that of the pixels outside `inner`.
fn dark(image: &RgbImage, frame: &BBox, inner: &BBox) -> BBox {
    let points = || {
        let columns = frame.x1 as u32..frame.x2 as u32;
        (frame.y1 as u32..frame.y2 as u32).flat_map(move |y| columns.clone().map(move |x| (x, y)))
    };
    let green = |(x, y)| f32::from(image.get_pixel(x, y).0[1]);
    let pixel = |(x, y): (u32, u32)| BBox::new(x as f32, y as f32, x as f32 + 1., y as f32 + 1.);
    let beside: Vec<f32> =
        points().filter(|point| pixel(*point).clipped_to(inner).area() <= 0.).map(green).collect();
    let background = beside.iter().sum::<f32>() / beside.len() as f32;
    points()
        .filter(|point| green(*point) < background - 22.)
        .map(pixel)
        .reduce(|a, b| BBox::new(a.x1.min(b.x1), a.y1.min(b.y1), a.x2.max(b.x2), a.y2.max(b.y2)))
        .unwrap()
}
