//! A function to its plan: what every name holds, what every operation runs in, which casts are shared.
mod borrow;
mod calls;
mod context;
mod control;
mod decide;
mod places;
mod scope;
mod share;
mod value;
mod walk;
mod writes;

use crate::args::Args;
use crate::plan::Plan;
use crate::syntax::labels::Labelled;
use syn::Signature;

/// The plan of a function whose body is labelled.
pub(crate) fn analyse<'a>(sig: &'a Signature, body: &'a Labelled, args: &'a Args) -> Plan<'a> {
    walk::function(sig, body, args)
}
