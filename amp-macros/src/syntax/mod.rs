//! What all passes know of a function's tokens: its labels, its marks, and the macros that can be looked into.
pub(crate) mod labels;
pub(crate) mod macros;
pub(crate) mod marks;
pub(crate) mod shape;
