//! The `detector` program.
fn main() {}
