//! The compile-time half of amp: implementation detail of `amp-runtime`, which re-exports what is public.
use proc_macro::TokenStream;

mod plan;
mod policy;

/// See `amp_runtime::amp`.
#[proc_macro_attribute]
pub fn amp(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
