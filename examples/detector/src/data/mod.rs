//! Images with boxes: read, checked, augmented, and put into batches.
mod cells;
mod checks;
mod coco;
mod dataset;
mod files;
mod found;
mod loader;
mod photometric;
mod pipeline;
mod problem;
mod upright;
mod voc;

pub use dataset::Dataset;
pub use found::ImageInfo;
pub use loader::{Batch, Epoch, Loader, LoaderOptions, Placed};
pub use pipeline::{Pipeline, Sample};
pub use problem::{DataError, Fault, Problem, ProblemReport};
pub use upright::decode;
