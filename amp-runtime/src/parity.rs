//! PyTorch's AMP and MMEngine's optimizer wrappers, row by row: what is here in its place, and which test holds it.
//!
#![doc = include_str!("parity.md")]
