//! VOC: a folder of images, a folder of XML files, and lists of names.
use super::checks::{Classes, checked};
use super::files::{header_size, text_of};
use super::found::{Found, ImageInfo};
use super::problem::{DataError, Fault, ProblemReport};
use crate::bbox::{BBox, Object};
use crate::config::DatasetConfig;
use quick_xml::de::Deserializer;
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

/// What an object lacks, or has as an unreadable text, costs this object and not the file.
#[derive(Deserialize)]
struct Annotated {
    name: Option<String>,
    difficult: Option<String>,
    bndbox: Option<Corners>,
}

#[derive(Deserialize)]
struct Corners {
    xmin: Option<String>,
    ymin: Option<String>,
    xmax: Option<String>,
    ymax: Option<String>,
}

/// The images of a split whose annotations are there and can be read.
///
/// Corners are counted from 1 in VOC and from 0 here: 1 is taken from each of the four, as in MMDetection's `XMLDataset`,
/// which cuts fractions off too, while here they stay.
pub(super) fn read(config: &DatasetConfig, report: &mut ProblemReport) -> Result<Found, DataError> {
    let split = text_of(&config.data_root.join(&config.ann_file), "the split")?;
    let annotations = config.data_root.join(&config.data_prefix.ann);
    let images = config.data_root.join(config.data_prefix.img.as_deref().unwrap_or(Path::new("JPEGImages")));
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for name in names_of(&split) {
        if !seen.insert(name) {
            report.add(&config.ann_file.display().to_string(), None, Fault::Duplicate(name.to_owned()));
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
        match annotation_of(&text) {
            Ok(annotation) => read.push((name, annotation)),
            Err(message) => report.add(&file, None, Fault::UnreadableAnnotations(message)),
        }
    }
    let names = config.metainfo.classes.clone().unwrap_or_else(|| {
        let objects = read.iter().flat_map(|(_, annotation)| &annotation.object);
        let named: BTreeSet<&String> = objects.filter_map(|object| object.name.as_ref()).collect();
        named.into_iter().cloned().collect()
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

/// The names of a split. VOC's lists of a class have a label after each (`1`, `0` or `-1`); other names may have spaces.
fn names_of(split: &str) -> impl Iterator<Item = &str> {
    let lines = split.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| match line.rsplit_once(char::is_whitespace) {
        Some((name, "1" | "0" | "-1")) => name.trim_end(),
        _ => line,
    })
}

/// The annotations of an image, or where and why they cannot be read.
fn annotation_of(text: &str) -> Result<Annotation, String> {
    let mut xml = Deserializer::from_str(text);
    Annotation::deserialize(&mut xml).map_err(|error| {
        let reader = xml.get_ref().get_ref();
        // 0 where the XML is sound, and what it says is not
        let offset =
            if reader.error_position() > 0 { reader.error_position() } else { reader.buffer_position() };
        let before = usize::try_from(offset).ok().and_then(|offset| text.get(..offset)).unwrap_or(text);
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        format!("line {}, column {column}: {error}", before.matches('\n').count() + 1)
    })
}

fn object_of(object: Annotated, classes: &Classes) -> Result<Object, Fault> {
    let class = classes.number(&object.name.ok_or(Fault::NoClass)?)?;
    let corners = object.bndbox.ok_or_else(|| Fault::UnreadableBox("there is no `bndbox`".to_owned()))?;
    let corner = |name: &str, text: Option<String>| {
        let text = text.ok_or_else(|| Fault::UnreadableBox(format!("there is no `{name}`")))?;
        let number: Result<f32, _> = text.trim().parse();
        number.map(|number| number - 1.).map_err(|_| Fault::UnreadableBox(format!("`{name}` is `{text}`")))
    };
    let bbox = BBox {
        x1: corner("xmin", corners.xmin)?,
        y1: corner("ymin", corners.ymin)?,
        x2: corner("xmax", corners.xmax)?,
        y2: corner("ymax", corners.ymax)?,
    };
    let ignored = object.difficult.is_some_and(|difficult| difficult.trim() == "1");
    Ok(Object { bbox, class, ignored })
}
