//! Training: a step, a loop around it, and what is kept of it.
mod checkpoints;
mod preflight;
mod step;
mod trainer;

pub use checkpoints::{Checkpoints, Progress, averaged, resume};
pub use preflight::{Preflight, preflight};
pub use step::step;
pub use trainer::{Ended, Scalars, Trainer};
