//! The rules: mistakes that lose precision, found while compiling, each at the operation that makes it.
mod arm_mismatch;
mod backward_inside;
mod banned_op;
mod coordinate_product;
mod host_sync;
mod huge_literal;
mod in_place;
mod limits;
mod low_request;
mod names;
mod number;
mod opaque;
mod rule;
mod scalars;
mod tiny_literal;
mod unseen_site;
mod unused_word;

use crate::args::Args;
use crate::errors::Errors;
use crate::plan::Plan;
use names::Names;
use proc_macro2::TokenStream;
use quote::quote;
use rule::{Facts, Level, Rule};
use syn::{Block, Signature};

/// All of them.
const RULES: &[Rule] = &[
    banned_op::RULE,
    low_request::RULE,
    huge_literal::RULE,
    tiny_literal::RULE,
    in_place::RULE,
    backward_inside::RULE,
    coordinate_product::RULE,
    arm_mismatch::RULE,
    unseen_site::RULE,
    unused_word::RULE,
    opaque::RULE,
    host_sync::RULE,
];

/// Checks a planned function by every rule that is on for it.
pub(crate) fn diagnose(sig: &Signature, body: &Block, plan: &Plan<'_>, args: &Args, errors: &mut Errors) {
    let facts = Facts { plan, args, names: Names::new(sig, body) };
    for rule in RULES {
        if args.strictness(rule.id).unwrap_or(rule.level == Level::Deny) {
            (rule.check)(&facts, errors);
        }
    }
}

/// Checks the words of an attribute against the overrides that its functions answered to.
pub(crate) fn check_words(args: &Args, used: &[String], errors: &mut Errors) {
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    unused_word::check(args, used, &rules, errors);
}

// Output:
//     /// What it does ..
//     pub mod banned_op {}
pub(crate) fn print_rules() -> TokenStream {
    let pages = RULES.iter().map(|rule| {
        let name = proc_macro2::Ident::new(rule.id, proc_macro2::Span::call_site());
        let level = match rule.level {
            Level::Deny => "On unless `#[amp(allow(..))]` says otherwise.",
            Level::Allow => "Off unless `#[amp(deny(..))]` says otherwise.",
        };
        let page = format!("{level}\n{}", rule.doc);
        quote!(#[doc = #page] pub mod #name {})
    });
    quote!(#(#pages)*)
}
