//! How a command ended that did not fail.

/// Done, or interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// With all that it does.
    Done,
    /// Because it was told to, with all that was done so far in a checkpoint.
    Interrupted,
}
