//! Batches: the same for the same seed and epoch, whatever the threads; broken files on the way.
use super::{config, save_jpeg};
use detector::config::DatasetConfig;
use detector::data::{Batch, Dataset, Loader, LoaderOptions, Pipeline};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn cells(images: usize, seed: u64) -> DatasetConfig {
    let pipeline = json!([
        { "type": "RandomResize", "scale": [96, 64], "ratio_range": [0.8, 1.3] },
        { "type": "RandomFlip", "prob": 0.5 },
        { "type": "PhotoMetricDistortion" },
    ]);
    let more = json!({ "num_images": images, "image_size": [96, 72], "seed": seed, "pipeline": pipeline });
    config("CellsDataset", Path::new(""), &more)
}

fn options(config: &DatasetConfig, seed: u64) -> LoaderOptions {
    LoaderOptions {
        batch_size: 4,
        num_workers: 1,
        drop_last: false,
        shuffle: true,
        seed,
        pad_size_divisor: 32,
        on_bad_data: config.on_bad_data,
    }
}

fn loader(config: &DatasetConfig, workers: usize, seed: u64) -> Loader {
    let options = LoaderOptions { num_workers: workers, ..options(config, seed) };
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
fn an_epoch_that_is_dropped_ends_its_threads() {
    let config = cells(400, 0);
    let options = LoaderOptions { num_workers: 3, ..options(&config, 0) };
    let dataset = Arc::new(Dataset::load(&config).unwrap().0);
    let loader = Loader::new(dataset.clone(), Pipeline::new(&config.pipeline).unwrap(), options);
    let mut epoch = loader.epoch(0, 0);
    assert_eq!(epoch.size_hint(), (100, Some(100)));
    epoch.next().unwrap().unwrap();
    assert_eq!(epoch.size_hint(), (99, Some(99)));
    assert!(Arc::strong_count(&dataset) > 2, "threads hold the data set");
    drop(epoch);
    let patience = Instant::now();
    while Arc::strong_count(&dataset) > 2 {
        assert!(patience.elapsed() < Duration::from_secs(20), "a thread goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A data set that says more than it has makes a thread panic.
#[test]
fn an_epoch_never_ends_early_in_silence() {
    let config = cells(8, 0);
    let mut dataset = Dataset::load(&config).unwrap().0;
    dataset.images.push(dataset.images[0].clone());
    let options = LoaderOptions { shuffle: false, ..options(&config, 0) };
    let loader = Loader::new(Arc::new(dataset), Pipeline::new(&config.pipeline).unwrap(), options);
    let batches: Vec<_> = loader.epoch(0, 0).collect();
    assert_eq!(batches.len(), 3);
    assert!(batches[0].is_ok() && batches[1].is_ok());
    let error = batches[2].as_ref().unwrap_err().to_string();
    assert!(error.starts_with("a thread that decodes images ended before the epoch did"), "{error}");
}

#[test]
fn the_last_images_that_fill_no_batch_are_left_out_where_that_is_wanted() {
    let config = cells(10, 0);
    let dataset = Arc::new(Dataset::load(&config).unwrap().0);
    for (drop_last, sizes) in [(false, vec![4, 4, 2]), (true, vec![4, 4])] {
        let options = LoaderOptions { drop_last, ..options(&config, 0) };
        let loader = Loader::new(dataset.clone(), Pipeline::new(&config.pipeline).unwrap(), options);
        assert_eq!(loader.batches_per_epoch(), sizes.len());
        let found: Vec<usize> = batches(&loader, 0, 0).iter().map(|batch| batch.samples.len()).collect();
        assert_eq!(found, sizes);
    }
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
