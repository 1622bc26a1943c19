//! Guides for those who come from elsewhere: each call and key of theirs, and what takes its place here.

#[doc = include_str!("guides/from_pytorch_amp.md")]
pub mod from_pytorch_amp {}

#[doc = include_str!("guides/from_mmdetection.md")]
pub mod from_mmdetection {}
