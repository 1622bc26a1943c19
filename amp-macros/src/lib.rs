//! The compile-time half of amp: implementation detail of `amp-runtime`, which re-exports what is public.
use proc_macro::TokenStream;

mod analyse;
mod args;
mod diagnose;
mod errors;
mod explain;
mod fallback;
mod names;
mod pipeline;
mod plan;
mod policy;
mod rewrite;
mod syntax;
#[cfg(test)]
mod tests;
mod train_step;

/// See `amp_runtime::amp`.
#[proc_macro_attribute]
pub fn amp(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::expand(args.into(), item.into()).into()
}

/// The op table, for `amp_runtime::policy`.
#[doc(hidden)]
#[proc_macro]
pub fn __op_table(_: TokenStream) -> TokenStream {
    policy::print_table().into()
}

/// The pages of the rules, for `amp_runtime::rules`.
#[doc(hidden)]
#[proc_macro]
pub fn __rule_docs(_: TokenStream) -> TokenStream {
    diagnose::print_rules().into()
}
