//! Which values are exclusive references: tch borrows them again where it takes `&Tensor`, generated code has to say so.
use syn::visit::{self, Visit};
use syn::{Expr, Type, TypeReference};

/// Where a value is `&mut`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Borrow {
    Nowhere,
    Itself,
    /// The items of an iterator, what an option holds.
    Inside,
    /// The second of each pair of an iterator.
    Second,
}

impl Borrow {
    /// Of a written type.
    pub(super) fn of_type(ty: &Type) -> Self {
        struct Finder(bool);
        impl Visit<'_> for Finder {
            fn visit_type_reference(&mut self, reference: &TypeReference) {
                self.0 |= reference.mutability.is_some();
                visit::visit_type_reference(self, reference);
            }
        }
        let mut finder = Finder(false);
        finder.visit_type(ty);
        match ty {
            Type::Reference(reference) if reference.mutability.is_some() => Self::Itself,
            Type::Path(_) if finder.0 => Self::Inside,
            _ => Self::Nowhere,
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

    /// Of what lies in it: matching goes through references.
    pub(super) fn inside(self) -> Self {
        match self {
            Self::Itself | Self::Inside => Self::Itself,
            Self::Second => Self::Second,
            Self::Nowhere => Self::Nowhere,
        }
    }

    /// Of an element of a pair.
    pub(super) fn element(self, index: usize) -> Self {
        match self {
            Self::Itself => Self::Itself,
            Self::Second if index == 1 => Self::Itself,
            _ => Self::Nowhere,
        }
    }
}
