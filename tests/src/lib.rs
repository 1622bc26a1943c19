//! Shared ground of the tests: recorded references, models whose gradients a test chooses, the scale as plain numbers.
mod device;
pub mod goldens;
pub mod heard;
pub mod models;
pub mod recorded;
pub mod scale_model;

pub use device::device;

/// Compiles and runs the README's programs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
