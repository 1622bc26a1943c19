//! What a reader finds: images, and what is in each.
use crate::bbox::Object;
use std::path::PathBuf;

/// An image and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInfo {
    /// COCO's id, or the place in the split, from 1.
    pub id: i64,
    /// The file's name, for messages.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its objects, in its pixels.
    pub objects: Vec<Object>,
}

/// The images of a data set, and the file of each.
pub(super) struct Found {
    pub(super) classes: Vec<String>,
    pub(super) images: Vec<ImageInfo>,
    pub(super) files: Vec<PathBuf>,
}
