//! What loading a checkpoint may overlook.

/// What [`load`](super::load) overlooks: nothing, by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// Goes on even if that cannot be to the bit: with another libtorch, kind of device, vector width of the CPU, number
    /// of threads, memory layout or precision (and `without_scaler`, where one of the two has a loss scale). The random numbers of a device that the checkpoint does not know go on
    /// as they are.
    pub allow_environment_change: bool,
    /// Goes on in another precision: the wrapper keeps its own loss scale, or none.
    pub without_scaler: bool,
}
