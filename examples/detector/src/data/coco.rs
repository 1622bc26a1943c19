//! COCO: one JSON file for all images, and a folder.
use super::checks::{Classes, checked};
use super::files::{header_size, text_of};
use super::found::{Found, ImageInfo};
use super::problem::{DataError, Fault, ProblemReport};
use crate::bbox::{BBox, Object};
use crate::config::DatasetConfig;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Annotation {
    id: i64,
    image_id: i64,
    category_id: i64,
    /// Anything, so that one unreadable box costs one object.
    #[serde(default)]
    bbox: Value,
    #[serde(default)]
    iscrowd: i64,
}

#[derive(Deserialize)]
struct Category {
    id: i64,
    name: String,
}

/// The images of the file that are there, with their boxes as corners.
pub(super) fn read(config: &DatasetConfig, report: &mut ProblemReport) -> Result<Found, DataError> {
    let path = config.data_root.join(&config.ann_file);
    let text = text_of(&path, "the annotations")?;
    let file: File = serde_json::from_str(&text)
        .map_err(|error| DataError::Syntax { path: path.clone(), message: error.to_string() })?;
    let said = config.ann_file.display().to_string();
    let categories = categories_of(file.categories, &said, report);
    let names = config.metainfo.classes.clone().unwrap_or_else(|| {
        let mut seen = HashSet::new();
        categories.values().filter(|name| seen.insert(*name)).cloned().collect()
    });
    let classes = Classes { names };
    let folder = config.data_root.join(config.data_prefix.img.as_deref().unwrap_or(Path::new("")));
    let (mut found, places) = images_of(file.images, &folder, &said, report);
    let mut seen = HashSet::new();
    for annotation in file.annotations {
        let id = annotation.id;
        if !seen.insert(id) {
            report.add(&said, Some(id), Fault::Duplicate(format!("annotation id {id}")));
            continue;
        }
        let Some(place) = places.get(&annotation.image_id) else {
            report.add(&said, Some(id), Fault::UnknownImage(annotation.image_id));
            continue;
        };
        // Where there is no place, the image itself was reported.
        let Some(image) = place.and_then(|place| found.images.get_mut(place)) else { continue };
        match object_of(&annotation, &categories, &classes) {
            Ok(object) => {
                let size = [image.width, image.height];
                image.objects.extend(checked(object, size, report, (&image.name, id)));
            }
            Err(fault) => report.add(&image.name, Some(id), fault),
        }
    }
    for image in found.images.iter().filter(|image| image.objects.is_empty()) {
        report.add(&image.name, None, Fault::NoObjects);
    }
    found.classes = classes.names;
    Ok(found)
}

/// The images without their objects, and by id the place of each; none for those that are listed and left out.
fn images_of(
    images: Vec<Image>,
    folder: &Path,
    file: &str,
    report: &mut ProblemReport,
) -> (Found, HashMap<i64, Option<usize>>) {
    let mut found = Found { classes: Vec::new(), images: Vec::new(), files: Vec::new() };
    let mut places = HashMap::new();
    let mut names = HashSet::new();
    for Image { id, file_name: name, width, height } in images {
        if places.contains_key(&id) {
            report.add(&name, None, Fault::Duplicate(format!("image id {id}")));
            continue;
        }
        places.insert(id, None);
        if !names.insert(name.clone()) {
            report.add(file, None, Fault::Duplicate(name));
            continue;
        }
        let path = folder.join(&name);
        let Some(size) = header_size(&path, &name, report) else { continue };
        if size != [width, height] {
            report.add(&name, None, Fault::OtherSize { found: size, said: [width, height] });
        }
        places.insert(id, Some(found.images.len()));
        let [width, height] = size;
        found.images.push(ImageInfo { id, name, width, height, objects: Vec::new() });
        found.files.push(path);
    }
    (found, places)
}

/// Names by id. Two categories of one name are one class.
fn categories_of(categories: Vec<Category>, file: &str, report: &mut ProblemReport) -> BTreeMap<i64, String> {
    let mut names = BTreeMap::new();
    let mut seen = HashSet::new();
    for Category { id, name } in categories {
        if names.contains_key(&id) {
            report.add(file, None, Fault::Duplicate(format!("category id {id}")));
            continue;
        }
        if !seen.insert(name.clone()) {
            report.add(file, None, Fault::Duplicate(format!("category {name}")));
        }
        names.insert(id, name);
    }
    names
}

fn object_of(
    annotation: &Annotation,
    categories: &BTreeMap<i64, String>,
    classes: &Classes,
) -> Result<Object, Fault> {
    let name = categories.get(&annotation.category_id);
    let name = name.ok_or(Fault::UnknownCategory(annotation.category_id))?;
    let class = classes.number(name)?;
    let numbers: Result<[f32; 4], _> = serde_json::from_value(annotation.bbox.clone());
    let [x, y, width, height] =
        numbers.map_err(|_| Fault::UnreadableBox(format!("`bbox` is `{}`", annotation.bbox)))?;
    let bbox = BBox::new(x, y, x + width, y + height);
    Ok(Object { bbox, class, ignored: annotation.iscrowd == 1 })
}
