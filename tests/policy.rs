//! The op table against libtorch's lists, against tch's methods, and against what `#[amp]` functions do.
#[path = "policy/cases/mod.rs"]
mod cases;
#[path = "policy/classes.rs"]
mod classes;
#[path = "policy/lists.rs"]
mod lists;
#[path = "policy/readme.rs"]
mod readme;
#[path = "policy/registry.rs"]
mod registry;
#[path = "policy/signatures.rs"]
mod signatures;
