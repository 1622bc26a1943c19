//! Batches: the same for the same seed and epoch, whatever the threads; broken files on the way.
use super::{config, save_jpeg};
use detector::config::DatasetConfig;
use detector::data::{Batch, Dataset, Loader, LoaderOptions, Pipeline};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn cells(images: usize, seed: u64) -> DatasetConfig {
    let pipeline = json!([
        { "type": "RandomResize", "scale": [96, 64], "ratio_range": [0.8, 1.3] },
        { "type": "RandomFlip", "prob": 0.5 },
        { "type": "PhotoMetricDistortion" },
    ]);
    let more = json!({ "num_images": images, "image_size": [96, 72], "seed": seed, "pipeline": pipeline });
    config("CellsDataset", Path::new(""), &more)
}

fn loader(config: &DatasetConfig, workers: usize, seed: u64) -> Loader {
    let options = LoaderOptions {
        batch_size: 4,
        num_workers: workers,
        drop_last: false,
        shuffle: true,
        seed,
        pad_size_divisor: 32,
        on_bad_data: config.on_bad_data,
    };
    let dataset = Arc::new(Dataset::load(config).unwrap().0);
    Loader::new(dataset, Pipeline::new(&config.pipeline).unwrap(), options)
}

fn batches(loader: &Loader, epoch: u64, from: usize) -> Vec<Batch> {
    loader.epoch(epoch, from).map(Result::unwrap).collect()
}

#[test]
fn an_epoch_is_the_same_with_any_number_of_threads_and_from_any_batch() {
    let config = cells(10, 0);
    let one = batches(&loader(&config, 1, 5), 2, 0);
    assert_eq!(one.len(), 3);
    for workers in [2, 7] {
        assert_eq!(batches(&loader(&config, workers, 5), 2, 0), one);
    }
    assert_eq!(batches(&loader(&config, 2, 5), 2, 2), one[2..]);
    assert_ne!(batches(&loader(&config, 2, 5), 3, 0), one, "another epoch");
    assert_ne!(batches(&loader(&config, 2, 6), 2, 0), one, "another seed");
    let seen: BTreeSet<usize> =
        one.iter().flat_map(|batch| batch.samples.iter().map(|sample| sample.index)).collect();
    assert_eq!(seen, (0..10).collect());
}

#[test]
fn batches_are_padded_and_their_pixels_are_where_they_belong() {
    let config = cells(4, 0);
    for batch in batches(&loader(&config, 1, 0), 0, 0) {
        assert_eq!((batch.width, batch.height), (96, 64));
        assert_eq!(batch.pixels.len(), batch.samples.len() * 96 * 64 * 3);
        for (sample, pixels) in batch.samples.iter().zip(batch.pixels.chunks_exact(96 * 64 * 3)) {
            let [width, height] = sample.size.map(|side| side as usize);
            for (place, pixel) in pixels.chunks_exact(3).enumerate() {
                let inside = place % 96 < width && place / 96 < height;
                assert!(inside || pixel == [0; 3], "the padding is black");
            }
            assert!(sample.objects.iter().all(|object| object.bbox.x2 <= 96. && object.bbox.y2 <= 64.));
        }
    }
}

#[test]
fn generated_images_are_repeatable_and_their_boxes_are_tight() {
    let dataset = Dataset::load(&cells(24, 3)).unwrap().0;
    let other = Dataset::load(&cells(24, 4)).unwrap().0;
    assert_eq!(dataset.classes, ["RBC", "WBC", "Platelets"]);
    assert_ne!(dataset.decode(0).unwrap(), other.decode(0).unwrap());
    let mut counts = [0; 3];
    for (index, image) in dataset.images.iter().enumerate() {
        let pixels = dataset.decode(index).unwrap();
        assert_eq!(pixels, dataset.decode(index).unwrap());
        let background = brightness(&pixels, 0, 0, pixels.width(), pixels.height());
        for object in &image.objects {
            counts[object.class] += 1;
            let bbox = object.bbox;
            assert!(bbox.x1 >= 0. && bbox.y1 >= 0. && bbox.x2 <= 96. && bbox.y2 <= 72.);
            // In its middle there is something that is darker than the image on the whole.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let [x, y] = bbox.middle().map(|place| place as u32);
            assert!(brightness(&pixels, x, y, x + 1, y + 1) < background + 12., "{} {object:?}", image.name);
        }
    }
    assert!(counts.iter().all(|count| *count > 2), "{counts:?}");
}

fn brightness(image: &image::RgbImage, x1: u32, y1: u32, x2: u32, y2: u32) -> f64 {
    let pixels = (y1..y2).flat_map(|y| (x1..x2).map(move |x| (x, y)));
    let sums: Vec<f64> = pixels
        .map(|(x, y)| image.get_pixel(x, y).0.iter().map(|&channel| f64::from(channel)).sum())
        .collect();
    #[allow(clippy::cast_precision_loss)]
    let count = sums.len() as f64;
    sums.iter().sum::<f64>() / count / 3.
}

/// Three images, the second of which breaks off.
fn broken(on_bad_data: &str) -> (tempfile::TempDir, Loader) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        save_jpeg(&folder.path().join(format!("{name}.jpg")), 64, 48);
    }
    let path = folder.path().join("b.jpg");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    let image = |(id, name): (usize, &str)| json!({ "id": id, "file_name": format!("{name}.jpg"), "width": 64, "height": 48 });
    let images: Vec<_> = ["a", "b", "c"].into_iter().enumerate().map(image).collect();
    let file = json!({ "images": images, "annotations": [], "categories": [{ "id": 1, "name": "cell" }] });
    fs::write(folder.path().join("a.json"), file.to_string()).unwrap();
    let more = json!({ "ann_file": "a.json", "on_bad_data": on_bad_data });
    let config = config("CocoDataset", folder.path(), &more);
    let loader = loader(&config, 2, 0);
    (folder, loader)
}

#[test]
fn a_broken_image_is_left_out_and_told_once() {
    let (_folder, loader) = broken("skip");
    for epoch in 0..3 {
        let batches = batches(&loader, epoch, 0);
        assert_eq!(batches[0].samples.len(), 2);
    }
    let told = loader.broken();
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().starts_with("b.jpg: the image cannot be decoded: "), "{}", told[0]);
    assert!(loader.broken().is_empty());
}

#[test]
fn a_broken_image_is_refused() {
    let (_folder, loader) = broken("refuse");
    assert_eq!(loader.dataset().images.len(), 3);
    let error = loader.epoch(0, 0).next().unwrap().unwrap_err().to_string();
    assert!(
        error.starts_with("b.jpg: the image cannot be decoded: ") && error.contains("help: mend it"),
        "{error}"
    );
}
