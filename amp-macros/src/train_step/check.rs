//! All that can be said about a training step before it runs.
use super::attributes;
use super::mistakes;
use super::optimizers::{self, Optimizers};
use super::order;
use super::place::Place;
use super::survey::survey;
use crate::errors::Errors;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Block, Expr, Pat, Signature};

/// Reports a missing or unnamed optimizer, a backward that cannot be wired, and calls that are in a wrong order on every
/// path that leads to them. `optimizer`: the attribute's `optimizer = ..`.
pub(crate) fn check(sig: &Signature, block: &Block, optimizer: Option<&Expr>, errors: &mut Errors) {
    let marked = attributes::optimizers(block);
    let mut followed = true;
    for named in optimizer.into_iter().chain(&marked) {
        let message = match Place::new(named) {
            None => mistakes::no_place(&attributes::written(named)),
            Some(place) if is_unknown(&place, sig, block) => {
                mistakes::unknown(&place, &optimizers::parameters(sig))
            }
            Some(_) => continue,
        };
        errors.push(named.span(), message);
        followed = false;
    }
    if !followed {
        return;
    }
    let optimizers = Optimizers::new(sig, block, optimizer);
    if optimizers.places.is_empty() {
        return missing_optimizer(sig, errors);
    }
    if !survey(block, &optimizers, errors) {
        // Without these backwards the order would only seem wrong.
        return;
    }
    for place in &optimizers.places {
        let found = order::follow(block, place, &optimizers, optimizers::is_parameter(sig, place));
        for (call, mistake) in &found.mistakes {
            errors.push(call.span(), mistakes::order(*mistake, call, place));
        }
        if found.stepped || found.escaped {
            continue;
        }
        if let Some(backward) = found.backward {
            errors.push(backward, mistakes::no_step(place));
        } else if optimizers.places.len() == 1 {
            errors.push(sig.ident.span(), mistakes::no_update(place));
        }
    }
}

/// A name that only marks use is a typo: who never mentions an optimizer cannot step it.
fn is_unknown(place: &Place, sig: &Signature, block: &Block) -> bool {
    !optimizers::is_parameter(sig, place) && !place.is_mentioned(&attributes::unmarked(block))
}

fn missing_optimizer(sig: &Signature, errors: &mut Errors) {
    let name = |pat: &Pat| match pat {
        Pat::Ident(name) => name.ident.to_string(),
        _ => "opt".to_owned(),
    };
    for (pat, ty) in optimizers::typed(sig) {
        let message = if optimizers::lends_for_reading(ty) {
            mistakes::shared_optimizer(&name(pat))
        } else if optimizers::is_of_tch(ty) {
            mistakes::optimizer_of_tch(&name(pat))
        } else {
            continue;
        };
        // The first token's: a type of several is not one span on stable.
        let start = ty.to_token_stream().into_iter().next().map_or_else(|| ty.span(), |token| token.span());
        return errors.push(start, message);
    }
    errors.push(sig.ident.span(), mistakes::no_optimizer());
}
