//! VOC: a folder of images, a folder of XML files, and lists of names.
use super::checks::{Classes, checked};
use super::dataset::{Found, ImageInfo, header_size, lines_of};
use super::problem::{DataError, Fault, ProblemReport};
use crate::bbox::{BBox, Object};
use crate::config::DatasetConfig;
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

#[derive(Deserialize)]
struct Annotation {
    size: Option<Size>,
    #[serde(default)]
    object: Vec<Annotated>,
}

#[derive(Deserialize)]
struct Size {
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Annotated {
    name: String,
    #[serde(default)]
    difficult: Option<String>,
    bndbox: Option<Corners>,
}

/// Text, so that one unreadable number costs one object.
#[derive(Deserialize)]
struct Corners {
    xmin: String,
    ymin: String,
    xmax: String,
    ymax: String,
}

/// The images of a split whose annotations are there and can be read.
///
/// Corners are counted from 1 in VOC and from 0 here, as in MMDetection's `XMLDataset`.
pub(super) fn read(config: &DatasetConfig, report: &mut ProblemReport) -> Result<Found, DataError> {
    let split = config.data_root.join(&config.ann_file);
    let names = lines_of(&split, "the split")?;
    let annotations = config.data_root.join(&config.data_prefix.ann);
    let images = config.data_root.join(config.data_prefix.img.as_deref().unwrap_or(Path::new("JPEGImages")));
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for name in names {
        if !seen.insert(name.clone()) {
            report.add(&config.ann_file.display().to_string(), None, Fault::Duplicate(name));
            continue;
        }
        let path = annotations.join(format!("{name}.xml"));
        let file = format!("{name}.xml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                report.add(&file, None, Fault::MissingAnnotations(path));
                continue;
            }
            Err(error) => {
                report.add(&file, None, Fault::UnreadableAnnotations(error.to_string()));
                continue;
            }
        };
        match quick_xml::de::from_str::<Annotation>(&text) {
            Ok(annotation) => read.push((name, annotation)),
            Err(error) => report.add(&file, None, Fault::UnreadableAnnotations(error.to_string())),
        }
    }
    let names = config.metainfo.classes.clone().unwrap_or_else(|| {
        let named =
            read.iter().flat_map(|(_, annotation)| annotation.object.iter().map(|object| &object.name));
        named.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    });
    let classes = Classes { names };
    let mut found = Found { classes: Vec::new(), images: Vec::new(), files: Vec::new() };
    for (id, (name, annotation)) in (1..).zip(read) {
        let path = images.join(format!("{name}.jpg"));
        let file = format!("{name}.xml");
        let Some(size) = header_size(&path, &format!("{name}.jpg"), report) else { continue };
        if let Some(Size { width, height }) = annotation.size
            && [width, height] != size
        {
            report.add(&file, None, Fault::OtherSize { found: size, said: [width, height] });
        }
        let mut objects = Vec::new();
        for (number, object) in (1..).zip(annotation.object) {
            match object_of(object, &classes) {
                Ok(object) => objects.extend(checked(object, size, report, (&file, number))),
                Err(fault) => report.add(&file, Some(number), fault),
            }
        }
        if objects.is_empty() {
            report.add(&file, None, Fault::NoObjects);
        }
        found.images.push(ImageInfo {
            id,
            name: format!("{name}.jpg"),
            width: size[0],
            height: size[1],
            objects,
        });
        found.files.push(path);
    }
    found.classes = classes.names;
    Ok(found)
}

fn object_of(object: Annotated, classes: &Classes) -> Result<Object, Fault> {
    let class = classes.number(&object.name)?;
    let corners = object.bndbox.ok_or_else(|| Fault::UnreadableBox("there is no `bndbox`".to_owned()))?;
    let corner = |name, text: &str| {
        let number: Result<f32, _> = text.trim().parse();
        number.map(|number| number - 1.).map_err(|_| Fault::UnreadableBox(format!("`{name}` is `{text}`")))
    };
    let bbox = BBox {
        x1: corner("xmin", &corners.xmin)?,
        y1: corner("ymin", &corners.ymin)?,
        x2: corner("xmax", &corners.xmax)?,
        y2: corner("ymax", &corners.ymax)?,
    };
    let ignored = object.difficult.is_some_and(|difficult| difficult.trim() == "1");
    Ok(Object { bbox, class, ignored })
}
