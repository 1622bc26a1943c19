//! Every way in which a COCO file can be bad, and what is said about it.
use super::{config, loaded, save_jpeg};
use detector::bbox::BBox;
use detector::data::Dataset;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// One image of 64 x 48 pixels and a good annotation; `change` makes it bad.
fn folder(change: impl FnOnce(&mut Value)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    save_jpeg(&folder.path().join("images/a.jpg"), 64, 48);
    let mut file = json!({
        "images": [{ "id": 7, "file_name": "a.jpg", "width": 64, "height": 48 }],
        "annotations": [
            { "id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0 },
        ],
        "categories": [{ "id": 3, "name": "cell" }, { "id": 1, "name": "other" }],
    });
    change(&mut file);
    fs::write(folder.path().join("a.json"), file.to_string()).unwrap();
    folder
}

fn of(folder: &TempDir) -> detector::config::DatasetConfig {
    config("CocoDataset", folder.path(), &json!({ "ann_file": "a.json", "data_prefix": { "img": "images" } }))
}

/// A second annotation, in which `key` is `value`, is left out with this message.
#[track_caller]
fn left_out(key: &str, value: Value, message: &str) {
    let folder = folder(|file| {
        let mut second = file["annotations"][0].clone();
        second["id"] = json!(2);
        second[key] = value;
        file["annotations"].as_array_mut().unwrap().push(second);
    });
    let (dataset, report) = loaded(&of(&folder));
    assert_eq!(dataset.images[0].objects.len(), 1, "{report}");
    assert!(report.is_serious() && report.to_string().contains(message), "{report}");
}

#[test]
fn a_good_file() {
    let folder = folder(|_| {});
    let (dataset, report) = loaded(&of(&folder));
    assert!(report.is_empty(), "{report}");
    assert_eq!(dataset.classes, ["other", "cell"], "by id");
    let image = &dataset.images[0];
    assert_eq!((image.id, image.objects[0].class), (7, 1));
    assert_eq!(image.objects[0].bbox, BBox::new(10., 10., 30., 30.));
}

#[test]
fn bad_boxes() {
    left_out("bbox", json!([10, 10, 0, 20]), "a.jpg: object 2: the box [10, 10, 10, 30] has no area");
    left_out("bbox", json!([10, 10, -5, 20]), "a.jpg: object 2: the box [10, 10, 5, 30] is inverted");
    left_out("bbox", json!([100, 10, 5, 20]), "lies outside the image, which is 64 x 48");
    left_out("bbox", json!([10, 10, 5]), "the box is unreadable: `bbox` is `[10,10,5]`");
    left_out("bbox", json!("all"), "the box is unreadable: `bbox` is `\"all\"`");
}

#[test]
fn ids_that_lead_nowhere_or_are_there_twice() {
    left_out("id", json!(1), "a.json: object 1: `annotation id 1` is there twice; the first one counts");
    left_out("image_id", json!(8), "a.json: object 2: the image 8 is not listed in the file");
    left_out("category_id", json!(9), "a.jpg: object 2: the category 9 is not defined in the file");
    let folder = folder(|file| {
        let again = file["images"][0].clone();
        file["images"].as_array_mut().unwrap().push(again);
    });
    let (dataset, report) = loaded(&of(&folder));
    assert_eq!(dataset.len(), 1);
    assert!(report.to_string().contains("`image id 7` is there twice"), "{report}");
}

#[test]
fn one_image_under_two_ids() {
    let folder = folder(|file| {
        let mut again = file["images"][0].clone();
        again["id"] = json!(8);
        file["images"].as_array_mut().unwrap().push(again);
    });
    let (dataset, report) = loaded(&of(&folder));
    assert_eq!(dataset.len(), 1);
    assert!(report.to_string().contains("a.json: `a.jpg` is there twice; the first one counts"), "{report}");
}

#[test]
fn categories_that_are_there_twice() {
    let with = |category: Value| folder(|file| file["categories"].as_array_mut().unwrap().push(category));
    let same_id = with(json!({ "id": 3, "name": "third" }));
    let (dataset, report) = loaded(&of(&same_id));
    assert_eq!(dataset.classes, ["other", "cell"]);
    assert!(report.to_string().contains("a.json: `category id 3` is there twice"), "{report}");
    let same_name = with(json!({ "id": 2, "name": "cell" }));
    let (dataset, report) = loaded(&of(&same_name));
    assert_eq!(dataset.classes, ["other", "cell"]);
    assert_eq!(dataset.images[0].objects[0].class, 1);
    assert!(report.to_string().contains("a.json: `category cell` is there twice"), "{report}");
}

#[test]
fn images_of_another_size_count_themselves() {
    let folder = folder(|file| file["images"][0]["width"] = json!(640));
    let (dataset, report) = loaded(&of(&folder));
    assert_eq!((dataset.images[0].width, dataset.images[0].height), (64, 48));
    let message = "a.jpg: the image is 64 x 48, its annotations say 640 x 48; the image counts";
    assert!(report.is_serious() && report.to_string().contains(message), "{report}");
}

#[test]
fn crowds_are_ignored_not_lost() {
    let folder = folder(|file| file["annotations"][0]["iscrowd"] = json!(1));
    assert!(loaded(&of(&folder)).0.images[0].objects[0].ignored);
}

#[test]
fn missing_images_take_their_annotations_along() {
    let folder = folder(|file| {
        let images = file["images"].as_array_mut().unwrap();
        images.push(json!({ "id": 8, "file_name": "b.jpg", "width": 64, "height": 48 }));
        let mut second = file["annotations"][0].clone();
        (second["id"], second["image_id"]) = (json!(2), json!(8));
        file["annotations"].as_array_mut().unwrap().push(second);
    });
    let (dataset, report) = loaded(&of(&folder));
    assert_eq!((dataset.len(), report.problems.len()), (1, 1), "{report}");
    assert!(report.to_string().contains("b.jpg: the image is missing"), "{report}");
}

#[test]
fn files_that_are_none() {
    let folder = folder(|_| {});
    fs::write(folder.path().join("a.json"), "{\"images\": [}").unwrap();
    let message = Dataset::load(&of(&folder)).unwrap_err().to_string();
    assert!(
        message.contains("is no COCO annotation file: ") && message.contains("line 1 column"),
        "{message}"
    );
    fs::write(folder.path().join("a.json"), "{}").unwrap();
    assert!(Dataset::load(&of(&folder)).unwrap_err().to_string().contains("missing field `images`"));
    fs::remove_file(folder.path().join("a.json")).unwrap();
    let message = Dataset::load(&of(&folder)).unwrap_err().to_string();
    assert!(message.starts_with("cannot read the annotations `"), "{message}");
    assert!(message.contains("help: `ann_file` is looked for below `data_root`; `"), "{message}");
    assert!(message.ends_with("` has images"), "{message}");
}
