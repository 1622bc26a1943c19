//! The optimizers of a training step: named by the attribute, a parameter, or named by a mark at a backward.
use super::attributes::{self, Mark};
use super::place::{Place, binds};
use syn::{FnArg, GenericArgument, Pat, PathArguments, Signature, Type};

/// The wrapper's name, whatever path leads to it.
const WRAPPER: &str = "OptimWrapper";
/// What may stand around it and lends it mutably.
const HOLDERS: &[&str] = &["Box", "RefMut", "MutexGuard", "RwLockWriteGuard"];

/// All places that the check follows.
pub(super) struct Optimizers {
    pub(super) places: Vec<Place>,
    /// Whose a backward without a mark is: an index into the places.
    default: Option<usize>,
}

impl Optimizers {
    pub(super) fn new(sig: &Signature, block: &syn::Block, named: Option<&syn::Expr>) -> Self {
        let named = named.and_then(Place::new);
        let parameters = parameters(sig);
        let alone = parameters.len() == 1;
        let mut places: Vec<Place> = Vec::new();
        let marked = attributes::optimizers(block);
        let found = named.iter().cloned().chain(parameters).chain(marked.iter().filter_map(Place::new));
        for place in found {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        // The attribute's comes first, and so does a lone parameter.
        let default = (named.is_some() || alone).then_some(0);
        Self { places, default }
    }

    /// Whose backward it is, under the marks around it, innermost last.
    pub(super) fn of_backward(&self, marks: &[Mark]) -> Option<&Place> {
        let marked = marks.iter().rev().find_map(|mark| match mark {
            Mark::Optimizer(expr) => Some(Place::new(expr)),
            Mark::Skip => None,
        });
        match marked {
            Some(place) => self.places.iter().find(|known| Some(*known) == place.as_ref()),
            None => self.default.map(|index| &self.places[index]),
        }
    }

    pub(super) fn is_one(&self, expr: &syn::Expr) -> bool {
        self.places.iter().any(|place| place.is(expr))
    }
}

/// The parameters that lend a wrapper.
pub(super) fn parameters(sig: &Signature) -> Vec<Place> {
    typed(sig).filter_map(|(pat, ty)| lends(ty).then(|| place(pat)).flatten()).collect()
}

/// The parameters that have a type.
pub(super) fn typed(sig: &Signature) -> impl Iterator<Item = (&Pat, &Type)> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some((&*typed.pat, &*typed.ty)),
        FnArg::Receiver(_) => None,
    })
}

/// Whether the place starts at a parameter; otherwise the body declares it.
pub(super) fn is_parameter(sig: &Signature, place: &Place) -> bool {
    place.root() == "self" || typed(sig).any(|(pat, _)| binds(pat, place.root()))
}

fn place(pat: &Pat) -> Option<Place> {
    match pat {
        Pat::Ident(name) => Some(Place::of_parameter(&name.ident)),
        Pat::Paren(paren) => place(&paren.pat),
        _ => None,
    }
}

/// Whether the type lends a wrapper mutably.
fn lends(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_some() && lends(&reference.elem),
        Type::Paren(paren) => lends(&paren.elem),
        Type::Group(group) => lends(&group.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident == WRAPPER
                || HOLDERS.iter().any(|holder| last.ident == holder) && arguments(&last.arguments).any(lends)
        }),
        _ => false,
    }
}

fn arguments(arguments: &PathArguments) -> impl Iterator<Item = &Type> {
    let list = match arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    };
    list.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether the type is a wrapper that cannot be changed.
pub(super) fn lends_for_reading(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none() && lends(&reference.elem))
}

/// Whether the type is tch's own optimizer.
pub(super) fn is_of_tch(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_of_tch(&reference.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Optimizer"),
        _ => false,
    }
}
