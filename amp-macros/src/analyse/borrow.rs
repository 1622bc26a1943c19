//! Which values are exclusive references: tch borrows them again where it takes `&Tensor`, generated code has to say so.
//!
//! Only where what is written leaves no doubt: what is called one and is none would not compile.
use syn::{Expr, GenericArgument, PathArguments, Type};

/// Where a value is `&mut`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Borrow {
    Nowhere,
    Itself,
    /// So are the items of what it refers to, seen through it: a list's, an option's.
    Throughout,
    /// The items of an iterator, what an option holds.
    Inside,
    /// The second of each pair of an iterator.
    Second,
}

impl Borrow {
    /// Of a written type.
    pub(super) fn of_type(ty: &Type) -> Self {
        match ty {
            Type::Reference(reference) if reference.mutability.is_some() => match &*reference.elem {
                Type::Slice(_) | Type::Array(_) => Self::Throughout,
                inner if argument(inner, &["Vec", "Option"]).is_some() => Self::Throughout,
                _ => Self::Itself,
            },
            _ => match argument(ty, &["Vec", "Option"]) {
                Some(Type::Reference(reference)) if reference.mutability.is_some() => Self::Inside,
                _ => Self::Nowhere,
            },
        }
    }

    /// Of what is written, as far as that tells; `known` says it of names.
    pub(super) fn of(expr: &Expr, known: &impl Fn(&syn::Ident) -> Self) -> Self {
        match expr {
            Expr::Reference(reference) if reference.mutability.is_some() => Self::Itself,
            Expr::Paren(paren) => Self::of(&paren.expr, known),
            Expr::Group(group) => Self::of(&group.expr, known),
            Expr::Path(path) => path.path.get_ident().map_or(Self::Nowhere, known),
            Expr::Try(inner) => Self::of(&inner.expr, known).inside(),
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "iter_mut" | "as_mut" | "get_mut" | "first_mut" | "last_mut" | "values_mut" => Self::Inside,
                "unwrap" | "expect" => Self::of(&call.receiver, known).inside(),
                "enumerate" if Self::of(&call.receiver, known) == Self::Inside => Self::Second,
                "rev" | "skip" | "take" => Self::of(&call.receiver, known),
                _ => Self::Nowhere,
            },
            _ => Self::Nowhere,
        }
    }

    /// Of what lies in it.
    pub(super) fn inside(self) -> Self {
        match self {
            Self::Throughout | Self::Inside => Self::Itself,
            Self::Second => Self::Second,
            Self::Nowhere | Self::Itself => Self::Nowhere,
        }
    }

    /// Of an element of a pair.
    pub(super) fn element(self, index: usize) -> Self {
        if self == Self::Second && index == 1 { Self::Itself } else { Self::Nowhere }
    }

    /// Whether the value itself is.
    pub(super) fn is_exclusive(self) -> bool {
        matches!(self, Self::Itself | Self::Throughout)
    }
}

/// `T` of `Vec<T>`.
fn argument<'t>(ty: &'t Type, names: &[&str]) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if names.iter().any(|name| last.ident == name) => {
            match arguments.args.first() {
                Some(GenericArgument::Type(ty)) => Some(ty),
                _ => None,
            }
        }
        _ => None,
    }
}
