//! A training goes on from a checkpoint as if it had never stopped, and from nothing else.
#[path = "resume/bitwise.rs"]
mod bitwise;
#[path = "resume/broken.rs"]
mod broken;
#[path = "resume/edit.rs"]
mod edit;
#[path = "resume/fuzz.rs"]
mod fuzz;
#[path = "resume/kill.rs"]
mod kill;
#[path = "resume/layout.rs"]
mod layout;
#[path = "resume/place.rs"]
mod place;
#[path = "resume/training.rs"]
mod training;
