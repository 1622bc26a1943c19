//! VOC annotations are what MMDetection's `XMLDataset` makes of them (`goldens/voc.py`).
use super::{config, loaded, save_jpeg};
use detector::bbox::BBox;
use serde_json::{Value, json};
use std::fs;

#[test]
fn boxes_classes_and_marks_are_those_of_mmdetection() {
    let golden: Value = serde_json::from_str(include_str!("../goldens/voc.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("Annotations")).unwrap();
    fs::write(folder.path().join("Annotations/a.xml"), golden["xml"].as_str().unwrap()).unwrap();
    fs::write(folder.path().join("train.txt"), "a\n").unwrap();
    save_jpeg(&folder.path().join("JPEGImages/a.jpg"), 640, 480);
    let more = json!({ "ann_file": "train.txt", "metainfo": { "classes": golden["classes"] } });
    let (dataset, report) = loaded(&config("VOCDataset", folder.path(), &more));

    let expected: Vec<(BBox, Value)> = golden["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instance| {
            let [x1, y1, x2, y2] = serde_json::from_value(instance["bbox"].clone()).unwrap();
            let rest = json!([instance["bbox_label"], instance["ignore_flag"]]);
            (BBox::new(x1, y1, x2, y2), rest)
        })
        .collect();
    let usable: Vec<_> = expected.iter().filter(|(bbox, _)| bbox.area() > 0.).cloned().collect();
    // There it cuts fractions off.
    let whole = |bbox: BBox| BBox::new(bbox.x1.floor(), bbox.y1.floor(), bbox.x2.floor(), bbox.y2.floor());
    let objects = dataset.images[0].objects.iter();
    let found: Vec<_> =
        objects.map(|object| (whole(object.bbox), json!([object.class, u8::from(object.ignored)]))).collect();
    assert_eq!(found, usable);
    assert_eq!(report.problems.len(), expected.len() - usable.len(), "{report}");
}
