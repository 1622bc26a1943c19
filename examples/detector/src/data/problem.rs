//! What can be wrong with data, and how it is said.
use crate::bbox::BBox;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Something wrong with a file or with an object in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The file, as the data set calls it.
    pub file: String,
    /// Which object of the file, from 1; COCO: the annotation's `id`.
    pub object: Option<i64>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A box without an area.
    #[error("the box {} has no area", corners(.0))]
    EmptyBox(BBox),
    /// A box whose right edge is left of its left one, or whose lower edge is above its upper one.
    #[error("the box {} is inverted", corners(.0))]
    InvertedBox(BBox),
    /// A box that lies outside its image.
    #[error("the box {} lies outside the image, which is {} x {}", corners(bbox), size[0], size[1])]
    OutsideBox {
        /// The box.
        bbox: BBox,
        /// The image's width and height in pixels.
        size: [u32; 2],
    },
    /// A box that sticks out of its image. It is clipped, which changes nothing that can be seen.
    #[error("the box {} is clipped to the image, which is {} x {}", corners(bbox), size[0], size[1])]
    ClippedBox {
        /// The box.
        bbox: BBox,
        /// The image's width and height in pixels.
        size: [u32; 2],
    },
    /// A box that is no four numbers.
    #[error("the box is unreadable: {0}")]
    UnreadableBox(String),
    /// An object of a class that is not among the configured ones.
    #[error("the class `{name}` is not among the configured ones{}", nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    UnknownClass {
        /// Its name.
        name: String,
        /// The configured class whose name is most like it.
        nearest: Option<String>,
    },
    /// An object that does not say of which class it is.
    #[error("the object has no `name`")]
    NoClass,
    /// A COCO annotation of a category that the file does not define.
    #[error("the category {0} is not defined in the file")]
    UnknownCategory(i64),
    /// A COCO annotation of an image that the file does not list.
    #[error("the image {0} is not listed in the file")]
    UnknownImage(i64),
    /// A second image, annotation or category with the same id or name. The first one counts.
    #[error("`{0}` is there twice; the first one counts")]
    Duplicate(String),
    /// An image without objects. It is background, where the configuration does not leave it out.
    #[error("the image has no usable objects")]
    NoObjects,
    /// An image that is listed, and not there.
    #[error("the image is missing: `{}`", .0.display())]
    MissingImage(PathBuf),
    /// Annotations that are listed, and not there.
    #[error("the annotations are missing: `{}`", .0.display())]
    MissingAnnotations(PathBuf),
    /// Annotations that are no VOC file.
    #[error("the annotations are unreadable: {0}")]
    UnreadableAnnotations(String),
    /// An image that is damaged.
    #[error("the image cannot be decoded: {0}")]
    BrokenImage(String),
    /// An image whose size is not the annotated one, so that its boxes may be another image's. The image's own counts.
    #[error("the image is {} x {}, its annotations say {} x {}; the image counts", found[0], found[1], said[0], said[1])]
    OtherSize {
        /// The image's width and height in pixels.
        found: [u32; 2],
        /// What its annotations say.
        said: [u32; 2],
    },
}

impl Fault {
    /// Whether nothing is lost or wrong by it, so that it is only worth a note.
    pub fn is_note(&self) -> bool {
        matches!(self, Self::ClippedBox { .. } | Self::NoObjects)
    }

    /// The kind of fault, in a few words, to count by.
    fn kind(&self) -> &'static str {
        match self {
            Self::EmptyBox(_) => "boxes without an area, left out",
            Self::InvertedBox(_) => "inverted boxes, left out",
            Self::OutsideBox { .. } => "boxes outside their image, left out",
            Self::ClippedBox { .. } => "boxes clipped to their image",
            Self::UnreadableBox(_) => "unreadable boxes, left out",
            Self::UnknownClass { .. } => "objects of unknown classes, left out",
            Self::NoClass => "objects without a class, left out",
            Self::UnknownCategory(_) => "annotations of unknown categories, left out",
            Self::UnknownImage(_) => "annotations of unknown images, left out",
            Self::Duplicate(_) => "duplicates, of which the first counts",
            Self::NoObjects => "images without objects",
            Self::MissingImage(_) => "missing images, left out",
            Self::MissingAnnotations(_) => "missing annotations, their images left out",
            Self::UnreadableAnnotations(_) => "unreadable annotations, their images left out",
            Self::BrokenImage(_) => "broken images, left out",
            Self::OtherSize { .. } => "images of another size than annotated, kept",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if let Some(object) = self.object {
            write!(f, "object {object}: ")?;
        }
        self.fault.fmt(f)
    }
}

/// Everything that is wrong with a data set; empty where all is well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProblemReport {
    /// In the order of the data.
    pub problems: Vec<Problem>,
}

impl ProblemReport {
    pub(super) fn add(&mut self, file: &str, object: Option<i64>, fault: Fault) {
        self.problems.push(Problem { file: file.to_owned(), object, fault });
    }

    /// Whether something was left out or may be wrong.
    pub fn is_serious(&self) -> bool {
        self.problems.iter().any(|problem| !problem.fault.is_note())
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

/// How many examples of a kind are shown.
const SHOWN: usize = 3;

/// A line per kind with its count, and the first few of each.
impl fmt::Display for ProblemReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for problem in &self.problems {
            kinds.entry(problem.fault.kind()).or_default().push(problem);
        }
        for (index, (kind, problems)) in kinds.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{} {kind}:", problems.len())?;
            for problem in problems.iter().take(SHOWN) {
                write!(f, "\n  {problem}")?;
            }
            if problems.len() > SHOWN {
                write!(f, "\n  and {} more", problems.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder that the configuration names is not there, or cannot be read.
    #[error("cannot read {what} `{}`: {cause}\nhelp: {help}", path.display())]
    Read {
        /// What it is to the configuration.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
        /// What to do.
        help: String,
    },
    /// A COCO file that is none.
    #[error("`{}` is no COCO annotation file: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        message: String,
    },
    /// No images are left.
    #[error("{what} has no usable images{}", if report.is_empty() { String::new() } else { format!("\n{report}") })]
    Empty {
        /// The data set.
        what: String,
        /// Why they were left out.
        report: ProblemReport,
    },
    /// Bad data, and a configuration that refuses it.
    #[error("bad data in {what}\n{report}\nhelp: mend it, or leave it out with `on_bad_data = \"skip\"`")]
    Refused {
        /// The data set.
        what: String,
        /// What is wrong.
        report: ProblemReport,
    },
    /// An image that turned out to be broken while training, and a configuration that refuses it.
    #[error("{0}\nhelp: mend it, or leave it out with `on_bad_data = \"skip\"`")]
    Broken(Problem),
    /// A thread that makes batches is gone, and with it the rest of the epoch.
    #[error("a thread that decodes images ended before the epoch did; its last words are above")]
    Worker,
    /// A configuration that makes no data.
    #[error("{0}")]
    Config(String),
}

fn corners(bbox: &BBox) -> String {
    format!("[{}, {}, {}, {}]", bbox.x1, bbox.y1, bbox.x2, bbox.y2)
}
