//! Nothing is lost in translation: a corpus of functions, each with and without `#[amp]`, compared bit by bit; in edition 2021.
#![allow(clippy::all, clippy::pedantic, unreachable_pub, unused_qualifications)] // written as its users would write it
#![allow(unused_imports)] // `amp`, where its marks are gone
include!(concat!(env!("OUT_DIR"), "/corpus_2021.rs"));

#[macro_use]
#[path = "../translation/twice.rs"]
mod twice;
#[path = "../translation/calls.rs"]
mod calls;
#[path = "../translation/compare.rs"]
mod compare;
