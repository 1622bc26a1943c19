//! A plan and a function to the function with its casts written in; decides nothing and cannot fail.
mod cast;
mod layer;
mod output;
mod region;
mod state;
mod walk;

use crate::args::Args;
use crate::names::Names;
use crate::plan::Plan;
use crate::syntax::labels::Labelled;
use proc_macro2::TokenStream;
use state::{Rewrite, Sites};
use syn::Block;
use syn::visit_mut::VisitMut;

/// Writes the casts into the body, and the plan as a constant at its head.
pub(crate) fn rewrite(body: Labelled, plan: &Plan<'_>, args: &Args, registered: &TokenStream) -> Block {
    let names = Names::new(args.krate.as_ref());
    let mut block = body.block;
    let mut rewrite = Rewrite {
        plan,
        names: &names,
        sites: Sites::new(plan, body.count),
        macros: body.macros.into_iter().map(Some).collect(),
        known_layers: args.strictness("opaque") == Some(true),
        islands: Vec::new(),
    };
    if args.output_full {
        output::full(&mut block, &names);
    }
    rewrite.visit_block_mut(&mut block);
    region::enter_function(&mut block, plan, &names, registered);
    block
}
