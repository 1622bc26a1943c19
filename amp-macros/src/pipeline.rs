//! The passes in order, on one page: parse, label, analyse, diagnose, gate, rewrite, explain.
use crate::analyse::analyse;
use crate::args::Args;
use crate::diagnose::{check_words, diagnose};
use crate::errors::{Errors, Message};
use crate::explain::explain;
use crate::fallback;
use crate::names::Names;
use crate::rewrite::rewrite;
use crate::syntax::labels::Labelled;
use crate::syntax::marks;
use crate::train_step;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Block, ImplItem, Item, ItemImpl, Signature};

/// `#[amp(args)] item` to the item as it is compiled; with errors, to the item as written and all of them.
#[allow(clippy::needless_pass_by_value, reason = "the shape of an attribute macro")]
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let args = Args::parse(args, &mut errors);
    let parsed = match syn::parse2::<Item>(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            errors.push_syn(error);
            return fallback::tokens(&item, errors);
        }
    };
    let expanded = match parsed {
        Item::Fn(mut function) => {
            let used = one(
                &mut function.attrs,
                &function.sig,
                &mut function.block,
                &args,
                Place { shared: false, owner: None },
                &mut errors,
            );
            check_words(&args, &used, &mut errors);
            function.into_token_stream()
        }
        Item::Impl(block) => implementation(block, &args, &mut errors),
        other => {
            let message = Message::new("`#[amp]` rewrites functions")
                .help("put it on a function, a method, an `impl` block or a trait's `impl` block");
            errors.push(span_of(&other), message);
            TokenStream::new()
        }
    };
    if errors.is_empty() {
        errors.finish();
        expanded
    } else {
        fallback::item(&item, errors)
    }
}

/// Where a function stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The attribute is the `impl` block's: functions in which there is nothing to see stay as they are.
    shared: bool,
    /// The type whose method it is.
    owner: Option<&'a str>,
}

fn implementation(mut block: ItemImpl, args: &Args, errors: &mut Errors) -> TokenStream {
    if let Some(span) = args.train_step {
        let message = Message::new("`train_step` is said of an `impl` block");
        errors.push(span, message.help("put `#[amp(train_step)]` on the method that is the training step"));
    }
    let owner = block.self_ty.to_token_stream().to_string().replace(' ', "");
    let owner = Some(owner.as_str());
    let mut used = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let attribute = method
            .attrs
            .iter()
            .position(|attr| attr.path().segments.last().is_some_and(|last| last.ident == "amp"));
        let Some(position) = attribute else {
            used.extend(one(
                &mut method.attrs,
                &method.sig,
                &mut method.block,
                args,
                Place { shared: true, owner },
                errors,
            ));
            continue;
        };
        let attr = method.attrs.remove(position);
        let tokens = attr.meta.require_list().map(|list| list.tokens.clone()).unwrap_or_default();
        let mut own = Args::parse(tokens, errors);
        own.krate = own.krate.or_else(|| args.krate.clone());
        let used = one(
            &mut method.attrs,
            &method.sig,
            &mut method.block,
            &own,
            Place { shared: false, owner },
            errors,
        );
        check_words(&own, &used, errors);
    }
    check_words(args, &used, errors);
    let known = known_layer(&block, args);
    quote!(#block #known)
}

// Input:
//     impl nn::Module for Net { .. }
// Output:
//     impl p::KnownLayer for Net {}
fn known_layer(block: &ItemImpl, args: &Args) -> Option<TokenStream> {
    let (path, _) = block.trait_.as_ref()?;
    let name = &path.segments.last()?.ident;
    if name != "Module" && name != "ModuleT" {
        return None;
    }
    let room = Names::new(args.krate.as_ref()).room();
    let (generics, _, bounds) = block.generics.split_for_impl();
    let of = &block.self_ty;
    Some(quote!(#[automatically_derived] impl #generics #room::KnownLayer for #of #bounds {}))
}

/// Takes one function through all passes; says which overrides it answered to.
fn one(
    attrs: &mut Vec<Attribute>,
    sig: &Signature,
    block: &mut Block,
    args: &Args,
    place: Place<'_>,
    errors: &mut Errors,
) -> Vec<String> {
    let names = Names::new(args.krate.as_ref());
    let is_step = args.train_step.is_some() && !place.shared;
    if is_step {
        // The rules look at what was written, the rewriting at what is wired.
        train_step::check(sig, block, args.optimizer.as_ref(), errors);
        let body = Labelled::new(block.clone());
        diagnose(sig, &body.block, &analyse(sig, &body, args), args, errors);
        train_step::wire(sig, block, args.optimizer.as_ref(), &names);
    }
    marks::check(block, errors);
    let written = place.shared.then(|| block.clone());
    let stmts = std::mem::take(&mut block.stmts);
    let body = Labelled::new(Block { brace_token: block.brace_token, stmts });
    let plan = analyse(sig, &body, args);
    if let (Some(written), true) = (written, plan.is_empty()) {
        *block = written;
        return Vec::new();
    }
    refuse(sig, errors);
    if !is_step {
        diagnose(sig, &body.block, &plan, args, errors);
    }
    if !errors.is_empty() {
        return plan.used_overrides;
    }
    let explanation = explain(&sig.ident, place.owner, &plan);
    explanation.print_if_asked(args);
    let plan = plan.settled();
    *block = rewrite(body, &plan, args, &explanation.registered(args, &names));
    // Of the lints that generated code can trip, the one that would: `leave(island(), f())` where `f` gives nothing.
    attrs.push(syn::parse_quote!(#[allow(clippy::unit_arg)]));
    attrs.extend(explanation.documentation());
    plan.used_overrides
}

/// Functions that cannot be a region.
fn refuse(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.asyncness {
        let message = Message::new("an `async` function cannot be a precision region")
            .note("autocast belongs to a thread, and a future may wake up on another one")
            .help("move the tensor code into a function of its own");
        errors.push(token.span, message);
    }
    if let Some(token) = &sig.constness {
        let message = Message::new("a `const` function cannot be a precision region")
            .help("remove `const`: tensors do not exist at compile time");
        errors.push(token.span, message);
    }
}

fn span_of(item: &Item) -> proc_macro2::Span {
    item.to_token_stream().into_iter().next().map_or_else(proc_macro2::Span::call_site, |token| token.span())
}
