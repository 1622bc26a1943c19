//! What generated code calls at a site: whether an operand is a tensor is decided by its type, whether it is cast at run time.
//!
//! *Inherent method beats trait method*: [`Place`](place::Place) and [`Value`](value::Value) have each method three times. The
//! inherent one is for tensors and what owns or borrows them; a trait takes what dereferences to a tensor; another trait, found
//! last, takes everything else and hands it back untouched.
#![allow(
    missing_docs,
    reason = "names of generated code; what a method does stands where it is written, not at each of its three levels"
)]

mod as_tensor;
mod call;
mod cast;
mod class;
mod gate;
mod layer;
mod make;
mod operand;
mod output;
mod place;
mod slot;
mod value;
mod widest;

pub use as_tensor::AsTensor;
pub use call::{Call, called};
pub use gate::{Gate, IsTensor, NotTensor, Site, resumed};
pub use layer::{KnownLayer, LayerCall, known};
pub use operand::{Operand, Receiver};
pub use output::{OutputFull, output_full, wrote, wrote_anything};
pub use place::{Place, WriteAmpSkip};
pub use slot::{Held, Shared, Slot};
pub use value::Value;
pub use widest::{Widest, f_widest_bilinear, widest_bilinear};

/// The fallback levels, for one glob import at the head of a body.
pub mod fallback {
    pub use super::place::{PlaceElse as _, PlaceOfDeref as _, PlaceOfDerefRef as _};
    pub use super::value::{ProbeNumber as _, ValueElse as _, ValueOfDeref as _, ValueOfDerefRef as _};
}
