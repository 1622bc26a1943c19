//! What the user sees: lines, files, pictures.
mod curves;
mod draw;
mod entry;
mod log;
mod panel;
mod scalars;
mod tables;
#[cfg(feature = "tensorboard")]
mod tensorboard;
mod window;

pub use curves::{CurvesError, curves};
pub use draw::{Label, Style, annotate, grid};
pub use entry::{TrainEntry, ValEntry};
pub use log::Log;
pub use scalars::{Run, ScalarsError, ScalarsWriter, read_run};
pub use tables::{coco_lines, table};
#[cfg(feature = "tensorboard")]
pub use tensorboard::{Event, EventWriter, Scalar, Summary};
pub use window::{StepNumbers, Window};
