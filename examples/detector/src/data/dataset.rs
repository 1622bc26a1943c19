//! A data set: what is in its images, and the images when they are asked for.
use super::cells::Cells;
use super::files::root_exists;
use super::found::{Found, ImageInfo};
use super::problem::{DataError, Fault, Problem, ProblemReport};
use super::upright::decode;
use super::{coco, voc};
use crate::config::{DatasetConfig, DatasetType, OnBadData};
use image::RgbImage;
use std::collections::HashSet;
use std::path::PathBuf;

/// A data set. Pixels are read when they are asked for.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The images.
    pub images: Vec<ImageInfo>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Files(Vec<PathBuf>),
    Cells(Cells),
}

impl Dataset {
    /// Reads annotations and the headers of images. What is wrong with them is left out and reported.
    ///
    /// # Errors
    /// Paths that are not there, classes that make no sense, nothing that is left, or anything wrong where `on_bad_data`
    /// is `refuse`.
    pub fn load(config: &DatasetConfig) -> Result<(Self, ProblemReport), DataError> {
        let mut report = ProblemReport::default();
        no_class_twice(config)?;
        if config.kind != DatasetType::Cells {
            root_exists(&config.data_root)?;
        }
        let dataset = match config.kind {
            DatasetType::Voc => Self::of_files(voc::read(config, &mut report)?),
            DatasetType::Coco => Self::of_files(coco::read(config, &mut report)?),
            DatasetType::Cells => Self::of_cells(config)?,
        };
        let what = match config.kind {
            DatasetType::Cells => "the generated data set".to_owned(),
            _ => format!("`{}`", config.data_root.join(&config.ann_file).display()),
        };
        if config.on_bad_data == OnBadData::Refuse && report.is_serious() {
            return Err(DataError::Refused { what, report });
        }
        if dataset.images.is_empty() {
            return Err(DataError::Empty { what, report });
        }
        if dataset.classes.is_empty() {
            let help = "name them in `metainfo.classes`";
            return Err(DataError::Config(format!("{what} names no classes\nhelp: {help}")));
        }
        Ok((dataset, report))
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Leaves out the images without objects that count.
    pub fn retain_with_objects(&mut self) {
        let keep = |image: &ImageInfo| image.objects.iter().any(|object| !object.ignored);
        let kept: Vec<bool> = self.images.iter().map(keep).collect();
        match &mut self.source {
            Source::Files(files) => retain(files, &kept),
            Source::Cells(cells) => cells.retain(&kept),
        }
        retain(&mut self.images, &kept);
    }

    /// The pixels of an image.
    ///
    /// # Errors
    /// A file that has gone or is damaged.
    ///
    /// # Panics
    /// There is no image `index`.
    pub fn decode(&self, index: usize) -> Result<RgbImage, Problem> {
        let file = match &self.source {
            Source::Cells(cells) => return Ok(cells.draw(index).0),
            Source::Files(files) => &files[index],
        };
        let image = &self.images[index];
        let broken = |message: String| Problem {
            file: image.name.clone(),
            object: None,
            fault: Fault::BrokenImage(message),
        };
        let bytes = std::fs::read(file).map_err(|error| broken(error.to_string()))?;
        if ends_early(&bytes) {
            return Err(broken("the file ends too early".to_owned()));
        }
        let pixels = decode(&bytes).map_err(|error| broken(error.to_string()))?;
        // The file may have changed since its header was read.
        if pixels.dimensions() == (image.width, image.height) {
            Ok(pixels)
        } else {
            Err(broken(format!(
                "it is {:?} now, and was {} x {}",
                pixels.dimensions(),
                image.width,
                image.height
            )))
        }
    }

    fn of_files(Found { classes, images, files }: Found) -> Self {
        Self { classes, images, source: Source::Files(files) }
    }

    fn of_cells(config: &DatasetConfig) -> Result<Self, DataError> {
        let cells = Cells::new(config)?;
        let classes = Cells::CLASSES.map(str::to_owned).to_vec();
        if config.metainfo.classes.as_ref().is_some_and(|configured| *configured != classes) {
            let message = format!("generated images have the classes {}, in this order", classes.join(", "));
            return Err(DataError::Config(format!("{message}\nhelp: leave `metainfo.classes` out")));
        }
        let images = (0..config.num_images).map(|index| cells.info(index)).collect();
        Ok(Self { classes, images, source: Source::Cells(cells) })
    }
}

fn no_class_twice(config: &DatasetConfig) -> Result<(), DataError> {
    let mut seen = HashSet::new();
    let mut classes = config.metainfo.classes.iter().flatten();
    match classes.find(|name| !seen.insert(*name)) {
        Some(name) => Err(DataError::Config(format!("`metainfo.classes` has `{name}` twice"))),
        None => Ok(()),
    }
}

/// Whether a JPEG has no end marker after its last scan: the decoder would make the rest of it up. In a scan the marker's
/// bytes do not occur otherwise.
fn ends_early(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    bytes.starts_with(&[0xff, 0xd8]) && last([0xff, 0xd9]) < last([0xff, 0xda])
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next() == Some(&true));
}
