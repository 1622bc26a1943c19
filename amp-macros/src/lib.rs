//! The compile-time half of amp. Empty for now: `#[amp]` lands here.
