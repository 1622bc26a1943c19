//! Nothing is lost in translation: a corpus of functions, each with and without `#[amp]`, compared bit by bit.
#![allow(clippy::all, clippy::pedantic, unreachable_pub, unused_qualifications)] // written as its users would write it
#![allow(unused_imports)] // `amp`, where its marks are gone
include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

#[macro_use]
#[path = "translation/twice.rs"]
mod twice;
#[path = "translation/calls.rs"]
mod calls;
#[path = "translation/calls_2024.rs"]
mod calls_2024;
#[path = "translation/compare.rs"]
mod compare;
