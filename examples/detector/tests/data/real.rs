//! The blood cells, where they are at hand: `shared/data/BCCD` beside the project, or `BCCD`.
use super::{config, loaded};
use serde_json::json;
use std::path::PathBuf;

fn bccd() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/BCCD");
    let folder = std::env::var_os("BCCD").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let is_there = folder.join("Annotations").is_dir();
    if !is_there {
        eprintln!("SKIPPED: the BCCD data set is not at hand; set BCCD to its folder");
    }
    is_there.then_some(folder)
}

/// The counts are those that the data set is known by.
#[test]
fn the_official_splits() {
    let Some(folder) = bccd() else { return };
    let counts =
        [("train", 205, [2382, 214, 209], 1), ("val", 87, [968, 87, 83], 1), ("test", 72, [805, 71, 69], 0)];
    for (split, images, objects, empty) in counts {
        let more = json!({
            "ann_file": format!("ImageSets/Main/{split}.txt"),
            "metainfo": { "classes": ["RBC", "WBC", "Platelets"] },
        });
        let (dataset, report) = loaded(&config("VOCDataset", &folder, &more));
        assert_eq!(dataset.len(), images);
        let count = |class| {
            dataset
                .images
                .iter()
                .flat_map(|image| &image.objects)
                .filter(|object| object.class == class)
                .count()
        };
        // The boxes without an area are red cells.
        assert_eq!([count(0) + empty, count(1), count(2)], objects, "{split}");
        assert_eq!(
            report.problems.iter().filter(|problem| !problem.fault.is_note()).count(),
            empty,
            "{report}"
        );
        let file = format!("BloodImage_00{}.xml", if split == "train" { 343 } else { 338 });
        assert!(empty == 0 || report.to_string().contains(&format!("{file}: object ")), "{report}");
        dataset.decode(0).unwrap();
    }
}
