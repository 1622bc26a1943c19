//! The table as tokens, for the runtime to show and for tests to check.
use super::op::{Form, Op};
use super::table;
use proc_macro2::TokenStream;
use quote::quote;

/// An array of `OpInfo`, one per row.
///
/// ```text
/// [OpInfo { name: "matmul", class: "Low", form: "method", arity: 1, operands: &[0, 1], .. }, ..]
/// ```
pub(crate) fn print_table() -> TokenStream {
    let rows = table::rows().map(print_row);
    quote!([#(#rows),*])
}

fn print_row(op: &Op) -> TokenStream {
    let Op { name, arity, operands, in_place, alone, torch, reason, .. } = op;
    let class = op.class.name();
    let form = match op.form {
        Form::Method => "method",
        Form::Function => "function",
    };
    let none = || quote!(::core::option::Option::None);
    let kind = op.kind.map_or_else(none, |position| quote!(::core::option::Option::Some(#position)));
    quote! {
        OpInfo {
            name: #name, class: #class, form: #form, arity: #arity, operands: &[#(#operands),*], kind: #kind,
            in_place: #in_place, alone: #alone, torch: #torch, reason: #reason,
        }
    }
}
