//! Every way in which a VOC folder can be bad, and what is said about it.
use super::{config, loaded, save_jpeg};
use detector::bbox::BBox;
use detector::data::Dataset;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with one image of 64 x 48 pixels, `a`, and these objects.
struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new(objects: &str) -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(folder.path("ImageSets/Main")).unwrap();
        fs::create_dir_all(folder.path("Annotations")).unwrap();
        folder.split("a\n");
        folder.annotate("a", objects);
        save_jpeg(&folder.path("JPEGImages/a.jpg"), 64, 48);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn split(&self, names: &str) {
        fs::write(self.path("ImageSets/Main/train.txt"), names).unwrap();
    }

    fn annotate(&self, name: &str, objects: &str) {
        let size = "<size><width>64</width><height>48</height><depth>3</depth></size>";
        let text = format!("<annotation><filename>{name}.jpg</filename>{size}{objects}</annotation>");
        fs::write(self.path(&format!("Annotations/{name}.xml")), text).unwrap();
    }

    fn config(&self, more: serde_json::Value) -> detector::config::DatasetConfig {
        let mut more = more;
        more["ann_file"] = json!("ImageSets/Main/train.txt");
        if more.get("metainfo").is_none() {
            more["metainfo"] = json!({ "classes": ["cell", "other"] });
        }
        config("VOCDataset", self.folder.path(), &more)
    }

    fn report(&self) -> String {
        loaded(&self.config(json!({}))).1.to_string()
    }
}

fn object(name: &str, corners: [&str; 4]) -> String {
    let [xmin, ymin, xmax, ymax] = corners;
    format!(
        "<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>\
         <xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
    )
}

fn good() -> String {
    object("cell", ["11", "11", "31", "31"])
}

/// A good object before a bad one: the bad one is left out and named.
#[track_caller]
fn left_out(bad: &str, message: &str) {
    let folder = Folder::new(&format!("{}{bad}", good()));
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert_eq!(dataset.images[0].objects.len(), 1, "{report}");
    let text = report.to_string();
    assert!(text.contains(&format!("a.xml: object 2: {message}")), "{text}");
    let refused = Dataset::load(&folder.config(json!({ "on_bad_data": "refuse" }))).unwrap_err().to_string();
    assert!(refused.starts_with("bad data in ") && refused.contains(message), "{refused}");
    assert!(refused.contains("help: mend it, or leave it out with `on_bad_data = \"skip\"`"), "{refused}");
}

#[test]
fn a_good_box_counts_from_zero() {
    let folder = Folder::new(&good());
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert!(report.is_empty(), "{report}");
    assert_eq!(dataset.images[0].objects[0].bbox, BBox::new(10., 10., 30., 30.));
    assert_eq!(dataset.decode(0).unwrap().dimensions(), (64, 48));
}

#[test]
fn boxes_without_an_area() {
    left_out(&object("cell", ["11", "11", "11", "31"]), "the box [10, 10, 10, 30] has no area");
}

#[test]
fn inverted_boxes() {
    left_out(&object("cell", ["31", "11", "11", "31"]), "the box [30, 10, 10, 30] is inverted");
}

#[test]
fn boxes_outside_the_image() {
    let message = "the box [100, 10, 120, 30] lies outside the image, which is 64 x 48";
    left_out(&object("cell", ["101", "11", "121", "31"]), message);
}

#[test]
fn unreadable_boxes() {
    left_out(&object("cell", ["11", "eleven", "21", "31"]), "the box is unreadable: `ymin` is `eleven`");
    left_out(&object("cell", ["11", "NaN", "21", "31"]), "the box is unreadable: [10, NaN, 20, 30]");
    left_out("<object><name>cell</name></object>", "the box is unreadable: there is no `bndbox`");
    let without = object("cell", ["11", "11", "21", "31"]).replace("<ymax>31</ymax>", "");
    left_out(&without, "the box is unreadable: there is no `ymax`");
}

#[test]
fn objects_without_a_class() {
    left_out(
        &object("cell", ["11", "11", "21", "31"]).replace("<name>cell</name>", ""),
        "the object has no `name`",
    );
}

#[test]
fn objects_need_not_stand_one_after_the_other() {
    let folder = Folder::new(&format!("{}<segmented>0</segmented>{}", good(), good()));
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert_eq!(dataset.images[0].objects.len(), 2, "{report}");
}

#[test]
fn unknown_classes() {
    let message = "the class `Cells` is not among the configured ones; did you mean `cell`?";
    left_out(&object("Cells", ["1", "1", "9", "9"]), message);
    left_out(&object("zebra", ["1", "1", "9", "9"]), "the class `zebra` is not among the configured ones");
}

#[test]
fn boxes_that_stick_out_are_clipped_and_noted() {
    let folder = Folder::new(&object("cell", ["41", "31", "90", "47"]));
    let (dataset, report) = loaded(&folder.config(json!({ "on_bad_data": "refuse" })));
    assert_eq!(dataset.images[0].objects[0].bbox, BBox::new(40., 30., 64., 46.));
    assert!(!report.is_serious());
    assert!(
        report.to_string().contains("the box [40, 30, 89, 46] is clipped to the image, which is 64 x 48"),
        "{report}"
    );
}

#[test]
fn difficult_objects_are_ignored_not_lost() {
    let folder = Folder::new(&good().replace("<difficult>0", "<difficult>1"));
    assert!(loaded(&folder.config(json!({}))).0.images[0].objects[0].ignored);
}

#[test]
fn images_without_objects_are_background_or_left_out() {
    let folder = Folder::new("");
    let (mut dataset, report) = loaded(&folder.config(json!({})));
    assert!(!report.is_serious());
    assert!(report.to_string().contains("a.xml: the image has no usable objects"), "{report}");
    assert_eq!(dataset.len(), 1);
    dataset.retain_with_objects();
    assert!(dataset.is_empty());
}

#[test]
fn images_of_another_size_count_themselves() {
    let folder = Folder::new(&good());
    save_jpeg(&folder.path("JPEGImages/a.jpg"), 32, 40);
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert_eq!((dataset.images[0].width, dataset.images[0].height), (32, 40));
    let text = report.to_string();
    assert!(text.contains("the image is 32 x 40, its annotations say 64 x 48; the image counts"), "{text}");
    let refused = Dataset::load(&folder.config(json!({ "on_bad_data": "refuse" }))).unwrap_err().to_string();
    assert!(refused.contains("a.xml: the image is 32 x 40"), "{refused}");
}

/// Two images, of which the second is bad in a way that leaves it out.
#[track_caller]
fn image_left_out(break_it: impl FnOnce(&Folder), message: &str) {
    let folder = Folder::new(&good());
    folder.split("a\nb\n");
    folder.annotate("b", &good());
    save_jpeg(&folder.path("JPEGImages/b.jpg"), 64, 48);
    break_it(&folder);
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert_eq!(dataset.len(), 1, "{report}");
    assert!(report.is_serious() && report.to_string().contains(message), "{report}");
}

#[test]
fn missing_images() {
    image_left_out(
        |folder| fs::remove_file(folder.path("JPEGImages/b.jpg")).unwrap(),
        "b.jpg: the image is missing: `",
    );
}

#[test]
fn missing_annotations() {
    let gone = |folder: &Folder| fs::remove_file(folder.path("Annotations/b.xml")).unwrap();
    image_left_out(gone, "b.xml: the annotations are missing: `");
}

/// Each with the line and the column at which it is bad.
#[test]
fn annotations_that_are_no_xml() {
    let bad = [
        ("<annotation>\n<object>", "line 2, column 9: "),
        ("<annotation>\n  <object></other>\n</annotation>", "line 2, column 11: "),
        (
            "<annotation>\n\n<size><width>wide</width><height>1</height></size></annotation>",
            "line 3, column ",
        ),
        ("", "line 1, column 1: "),
    ];
    for (text, place) in bad {
        let write = |folder: &Folder| fs::write(folder.path("Annotations/b.xml"), text).unwrap();
        image_left_out(write, &format!("b.xml: the annotations are unreadable: {place}"));
    }
    let latin = |folder: &Folder| fs::write(folder.path("Annotations/b.xml"), b"<annotation>\xe9").unwrap();
    image_left_out(latin, "b.xml: the annotations are unreadable: stream did not contain valid UTF-8");
}

#[test]
fn images_that_are_none() {
    let broken = |folder: &Folder| fs::write(folder.path("JPEGImages/b.jpg"), "not a picture").unwrap();
    image_left_out(broken, "b.jpg: the image cannot be decoded: ");
}

#[test]
fn names_that_are_there_twice() {
    image_left_out(|folder| folder.split("a\na\n"), "`a` is there twice; the first one counts");
}

#[test]
fn names_have_labels_or_spaces() {
    let folder = Folder::new(&good());
    folder.annotate("a b 7", &good());
    save_jpeg(&folder.path("JPEGImages/a b 7.jpg"), 64, 48);
    folder.split("\u{feff}a  -1\r\n\r\na b 7\r\n");
    let (dataset, report) = loaded(&folder.config(json!({})));
    assert!(report.is_empty(), "{report}");
    assert_eq!(
        dataset.images.iter().map(|image| &image.name[..]).collect::<Vec<_>>(),
        ["a.jpg", "a b 7.jpg"]
    );
}

#[test]
fn a_jpeg_that_ends_too_early_is_found_when_it_is_decoded() {
    let folder = Folder::new(&good());
    let path = folder.path("JPEGImages/a.jpg");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    let (dataset, _) = loaded(&folder.config(json!({})));
    let message = dataset.decode(0).unwrap_err().to_string();
    assert!(message.starts_with("a.jpg: the image cannot be decoded: "), "{message}");
}

#[test]
fn nothing_left_says_why() {
    let folder = Folder::new(&good());
    fs::remove_file(folder.path("JPEGImages/a.jpg")).unwrap();
    let message = Dataset::load(&folder.config(json!({}))).unwrap_err().to_string();
    assert!(
        message.contains("has no usable images") && message.contains("the image is missing"),
        "{message}"
    );
    folder.split("");
    let message = Dataset::load(&folder.config(json!({}))).unwrap_err().to_string();
    assert!(message.ends_with("has no usable images"), "{message}");
}

#[test]
fn paths_that_are_not_there_say_what_is() {
    let folder = Folder::new(&good());
    let mut config = folder.config(json!({}));
    config.ann_file = "ImageSets/Main/tain.txt".into();
    let message = Dataset::load(&config).unwrap_err().to_string();
    assert!(message.starts_with("cannot read the split `"), "{message}");
    assert!(message.ends_with("ImageSets/Main` has train.txt"), "{message}");
    config.ann_file = "ImageSet/Main/train.txt".into();
    let message = Dataset::load(&config).unwrap_err().to_string();
    assert!(message.contains("` has ImageSets, "), "the most similar first: {message}");
    for number in 0..20 {
        folder.annotate(&format!("n{number}"), "");
    }
    config.ann_file = "Annotations/b.txt".into();
    let message = Dataset::load(&config).unwrap_err().to_string();
    assert!(message.ends_with(" and 13 more"), "{message}");
    config.data_root = Path::new("no/such/folder").to_owned();
    let message = Dataset::load(&config).unwrap_err().to_string();
    assert!(message.starts_with("cannot read the data set's folder `no/such/folder`: "), "{message}");
    assert!(message.contains("help: set `data_root`"), "{message}");
    config.data_root = Path::new("").to_owned();
    let message = Dataset::load(&config).unwrap_err().to_string();
    assert!(message.starts_with("`data_root` is not set\nhelp: "), "{message}");
}

#[test]
fn classes_that_are_not_configured_come_by_name() {
    let folder = Folder::new(&format!("{}{}", object("zebra", ["1", "1", "9", "9"]), good()));
    let config = folder.config(json!({ "metainfo": {} }));
    assert_eq!(loaded(&config).0.classes, ["cell", "zebra"]);
}

#[test]
fn classes_that_make_no_sense() {
    let folder = Folder::new("");
    let message = |classes: serde_json::Value| {
        Dataset::load(&folder.config(json!({ "metainfo": classes }))).unwrap_err().to_string()
    };
    assert_eq!(message(json!({ "classes": ["a", "b", "a"] })), "`metainfo.classes` has `a` twice");
    let none = message(json!({}));
    assert!(none.ends_with("names no classes\nhelp: name them in `metainfo.classes`"), "{none}");
    let cells = config("CellsDataset", Path::new(""), &json!({ "metainfo": { "classes": ["a"] } }));
    let message = Dataset::load(&cells).unwrap_err().to_string();
    assert!(
        message.starts_with("generated images have the classes RBC, WBC, Platelets, in this order"),
        "{message}"
    );
}

#[test]
fn long_lists_are_counted() {
    let folder = Folder::new(&(good() + &object("cell", ["5", "5", "5", "9"]).repeat(9)));
    let report = folder.report();
    assert!(report.starts_with("9 boxes without an area, left out:\n  a.xml: object 2: "), "{report}");
    assert!(report.ends_with("\n  and 6 more"), "{report}");
}
