//! COCO: one JSON file for all images, and a folder.
use super::checks::{Classes, checked};
use super::dataset::{Found, ImageInfo, header_size};
use super::problem::{DataError, Fault, ProblemReport};
use crate::bbox::{BBox, Object};
use crate::config::DatasetConfig;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

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
    let text = std::fs::read_to_string(&path).map_err(|cause| DataError::Read {
        what: "the annotations",
        path: path.clone(),
        cause,
        help: "`ann_file` is looked for below `data_root`".to_owned(),
    })?;
    let file: File = serde_json::from_str(&text)
        .map_err(|error| DataError::Syntax { path: path.clone(), message: error.to_string() })?;
    let said = config.ann_file.display().to_string();
    let categories: BTreeMap<i64, String> =
        file.categories.into_iter().map(|category| (category.id, category.name)).collect();
    let names = config.metainfo.classes.clone().unwrap_or_else(|| categories.values().cloned().collect());
    let classes = Classes { names };
    let folder = match &config.data_prefix.img {
        Some(folder) => config.data_root.join(folder),
        None => config.data_root.clone(),
    };
    let mut found = Found { classes: Vec::new(), images: Vec::new(), files: Vec::new() };
    let mut listed: HashMap<i64, Option<usize>> = HashMap::new();
    for image in file.images {
        if listed.contains_key(&image.id) {
            report.add(&image.file_name, None, Fault::Duplicate(format!("image id {}", image.id)));
            continue;
        }
        let path = folder.join(&image.file_name);
        let Some(size) = header_size(&path, &image.file_name, report) else {
            listed.insert(image.id, None);
            continue;
        };
        if size != [image.width, image.height] {
            let fault = Fault::OtherSize { found: size, said: [image.width, image.height] };
            report.add(&image.file_name, None, fault);
        }
        listed.insert(image.id, Some(found.images.len()));
        let [width, height] = size;
        found.images.push(ImageInfo {
            id: image.id,
            name: image.file_name,
            width,
            height,
            objects: Vec::new(),
        });
        found.files.push(path);
    }
    let mut seen = HashSet::new();
    for annotation in file.annotations {
        let id = annotation.id;
        if !seen.insert(id) {
            report.add(&said, Some(id), Fault::Duplicate(format!("annotation id {id}")));
            continue;
        }
        let image = match listed.get(&annotation.image_id) {
            None => {
                report.add(&said, Some(id), Fault::UnknownImage(annotation.image_id));
                continue;
            }
            // The image itself was reported.
            Some(None) => continue,
            Some(Some(index)) => &mut found.images[*index],
        };
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
