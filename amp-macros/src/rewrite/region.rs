//! What stands at the head of bodies and blocks: the region's guard, the plan, sites and slots.
use super::state::{At, Rewrite};
use crate::names::Names;
use crate::plan::{Body, Island, Plan};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Block, Expr, Stmt};

// Input:
//     { .. }
// Output:
//     {
//         #[..] static __AMP_PLAN: p::FunctionPlan = ..;
//         let __amp_region = p::enter(&__AMP_PLAN);
//         use p::fallback::*;
//         { .. }
//     }
pub(super) fn enter_function(block: &mut Block, plan: &Plan<'_>, names: &Names, registered: &TokenStream) {
    let span = Span::call_site();
    let path = names.path("enter", span);
    let guard = names.hold("__amp_region", &quote!(#path(&__AMP_PLAN)));
    let fallbacks = plan.bodies.iter().any(|body| body.used).then(|| {
        let path = names.path("fallback", span);
        quote!(#[allow(unused_imports)] use #path::*;)
    });
    let alias = names.alias();
    let head = quote!(#alias #registered #guard #fallbacks);
    block.stmts.insert(0, Stmt::Expr(Expr::Verbatim(head), None));
}

/// Declares the sites of a body, the region of a closure and the slots of a block at its head.
pub(super) fn open_block(block: &mut Block, number: usize, island: Island, rewrite: &Rewrite<'_>) {
    let Rewrite { plan, names, .. } = *rewrite;
    let mut head = TokenStream::new();
    let body = plan.bodies.iter().position(|body| body.block == number);
    if let Some(body) = body {
        head.extend(open_body(body, &plan.bodies[body], island, rewrite));
    }
    let shared = names.path("Shared", Span::call_site());
    for slot in plan.slots.iter().enumerate().filter(|(_, slot)| slot.block == number).map(|(slot, _)| slot) {
        let slot = names.hold(&format!("__amp_s{slot}"), &quote!(#shared::new()));
        head.extend(quote!(#slot));
    }
    if !head.is_empty() {
        block.stmts.insert(0, Stmt::Expr(Expr::Verbatim(head), None));
    }
}

fn open_body(index: usize, body: &Body, island: Island, rewrite: &Rewrite<'_>) -> TokenStream {
    let Rewrite { plan, names, ref sites, .. } = *rewrite;
    let span = Span::call_site();
    let mut head = TokenStream::new();
    if index > 0 && body.used {
        let path = names.path("reenter", span);
        let guard = names.hold("__amp_region", &quote!(#path(&__AMP_PLAN)));
        head.extend(quote!(#guard));
        if island == Island::Full {
            // It may run outside of the island that it was written in.
            let guard = names.hold("__amp_island", &names.call("island", span));
            head.extend(quote!(#guard));
        }
    }
    let (site, tensor) = (names.path("Site", span), names.path("IsTensor", span));
    for (call, known) in sites.declared.iter().filter(|(call, _)| plan.calls[*call].body == index) {
        let value = if *known { quote!(#site::<#tensor>::new()) } else { quote!(#site::new()) };
        let declared = names.hold(&format!("__amp_{call}"), &value);
        let conditions = sites.conditions(At::Call(*call));
        head.extend(quote!(#(#conditions)* #declared));
    }
    let cell = names.path("Call", span);
    for (layer, _) in plan
        .layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| layer.body == index && !layer.name.starts_with("apply"))
    {
        let declared = names.hold(&format!("__amp_c{layer}"), &quote!(#cell::new()));
        let conditions = sites.conditions(At::Layer(layer));
        head.extend(quote!(#(#conditions)* #declared));
    }
    head
}
