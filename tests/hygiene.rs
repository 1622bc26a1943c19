//! `#[amp]` anywhere: whatever a user shadows, forbids, generates or names, and with nothing for rustc or clippy to say.
#![forbid(unsafe_code)]
#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(future_incompatible, nonstandard_style, rust_2018_idioms, keyword_idents, unused)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    missing_debug_implementations
)]
#![deny(meta_variable_misuse, non_ascii_idents, redundant_lifetimes, single_use_lifetimes, trivial_casts)]
#![deny(trivial_numeric_casts, unit_bindings, unused_extern_crates, unused_import_braces, unused_lifetimes)]
#![deny(unused_macro_rules, unused_qualifications, unused_results, variant_size_differences, missing_docs)]
// The forms that these would have written otherwise are what is tested; floats are compared where bits are meant.
#![allow(clippy::boxed_local, clippy::double_must_use, clippy::elidable_lifetime_names, clippy::use_self)]
#![allow(
    clippy::float_cmp,
    clippy::needless_borrowed_reference,
    clippy::unused_self,
    clippy::unnecessary_wraps
)]
#![allow(clippy::missing_const_for_fn, clippy::suboptimal_flops, clippy::trivially_copy_pass_by_ref)]

#[path = "hygiene/generated.rs"]
mod generated;
#[path = "hygiene/placed.rs"]
mod placed;
#[path = "hygiene/shadowed.rs"]
mod shadowed;
#[path = "hygiene/unburdened.rs"]
mod unburdened;

use tch::{Device, Kind, Tensor};

fn ones() -> Tensor {
    Tensor::ones([2, 2], (Kind::Float, Device::Cpu))
}

/// The function was lowered, so the attribute did its work: ones times ones, in bf16 inside the region.
fn value(tensor: &Tensor) -> f64 {
    tensor.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}
