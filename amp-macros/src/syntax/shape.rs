//! Questions about a single expression: is it a place, which name is it, what type is written?
use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, Type, UnOp};

/// Whether the expression names a place: borrowing it moves nothing and makes no temporary.
pub(crate) fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)),
        _ => false,
    }
}

/// Whether looking at the place twice does nothing twice.
pub(crate) fn is_pure_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_pure_place(&field.base),
        Expr::Index(index) => is_pure_place(&index.expr) && is_pure_value(&index.index),
        Expr::Paren(paren) => is_pure_place(&paren.expr),
        Expr::Group(group) => is_pure_place(&group.expr),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)) && is_pure_place(&unary.expr),
        _ => false,
    }
}

fn is_pure_value(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Cast(cast) => is_pure_value(&cast.expr),
        Expr::Binary(binary) => is_pure_value(&binary.left) && is_pure_value(&binary.right),
        other => is_pure_place(other),
    }
}

/// The expression without parentheses and borrows.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        Expr::Group(group) => bare(&group.expr),
        Expr::Reference(reference) => bare(&reference.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => bare(&unary.expr),
        other => other,
    }
}

/// The local name that the expression is, borrows aside.
pub(crate) fn name(expr: &Expr) -> Option<&Ident> {
    match bare(expr) {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

/// The local name whose memory the place lies in, or behind.
pub(crate) fn root(place: &Expr) -> Option<&Ident> {
    match bare(place) {
        Expr::Field(field) => root(&field.base),
        Expr::Index(index) => root(&index.expr),
        place => name(place),
    }
}

/// Whether the type is a tensor, behind whatever references.
pub(crate) fn is_tensor_type(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_tensor_type(&reference.elem),
        Type::Paren(paren) => is_tensor_type(&paren.elem),
        Type::Group(group) => is_tensor_type(&group.elem),
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "Tensor" && segment.arguments.is_none()),
        _ => false,
    }
}

/// Whether the type is one of the language's own that is no tensor.
pub(crate) fn is_primitive_type(ty: &Type) -> bool {
    const NAMES: &[&str] = &[
        "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
        "u64", "u128", "usize",
    ];
    match ty {
        Type::Reference(reference) => is_primitive_type(&reference.elem),
        Type::Slice(slice) => is_primitive_type(&slice.elem),
        Type::Array(array) => is_primitive_type(&array.elem),
        Type::Path(path) => path.path.get_ident().is_some_and(|name| NAMES.iter().any(|known| name == known)),
        _ => false,
    }
}

/// Whether the expression is a number, signs and casts to numbers included.
pub(crate) fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Float(_) | Lit::Int(_)),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_number(&unary.expr),
        Expr::Cast(cast) => is_primitive_type(&cast.ty),
        Expr::Paren(paren) => is_number(&paren.expr),
        Expr::Group(group) => is_number(&group.expr),
        _ => false,
    }
}

/// `Float` of `Kind::Float` (or `Some(Kind::Float)`, or `tch::Kind::Float`).
pub(crate) fn kind_literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => {
            let segments = &path.path.segments;
            let kind = segments.len() > 1 && segments[segments.len() - 2].ident == "Kind";
            kind.then(|| segments[segments.len() - 1].ident.to_string())
        }
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) => {
            call.args.first().and_then(kind_literal)
        }
        Expr::Paren(paren) => kind_literal(&paren.expr),
        _ => None,
    }
}

/// What is asked for as the dtype of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `None`.
    Nothing,
    /// `Float` of `Kind::Float`.
    Literal(String),
    /// What only a run will tell.
    AtRunTime,
}

impl Asked {
    pub(crate) fn of(expr: &Expr) -> Self {
        match (kind_literal(expr), is_none(expr)) {
            (Some(kind), _) => Self::Literal(kind),
            (None, true) => Self::Nothing,
            (None, false) => Self::AtRunTime,
        }
    }

    pub(crate) fn is_low(&self) -> bool {
        matches!(self, Self::Literal(kind) if kind == "Half" || kind == "BFloat16")
    }
}

/// `None`, `None::<Tensor>`.
pub(crate) fn is_none(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "None"))
}

/// The span of an expression's first token.
pub(crate) fn start(expr: &Expr) -> Span {
    match expr {
        Expr::MethodCall(call) => start(&call.receiver),
        Expr::Call(call) => start(&call.func),
        Expr::Field(field) => start(&field.base),
        Expr::Index(index) => start(&index.expr),
        Expr::Try(inner) => start(&inner.expr),
        Expr::Binary(binary) => start(&binary.left),
        Expr::Cast(cast) => start(&cast.expr),
        Expr::Reference(reference) => reference.and_token.span,
        Expr::Paren(paren) => paren.paren_token.span.open(),
        Expr::Array(array) => array.bracket_token.span.open(),
        Expr::Block(block) => block.block.brace_token.span.open(),
        Expr::Path(path) => {
            path.path.segments.first().map_or_else(|| expr.span(), |first| first.ident.span())
        }
        other => other.span(),
    }
}

/// The span of an expression's last token.
pub(crate) fn end(expr: &Expr) -> Span {
    match expr {
        Expr::MethodCall(call) => call.paren_token.span.close(),
        Expr::Call(call) => call.paren_token.span.close(),
        Expr::Field(field) => field.member.span(),
        Expr::Index(index) => index.bracket_token.span.close(),
        Expr::Try(inner) => inner.question_token.span,
        Expr::Binary(binary) => end(&binary.right),
        Expr::Reference(reference) => end(&reference.expr),
        Expr::Unary(unary) => end(&unary.expr),
        Expr::Paren(paren) => paren.paren_token.span.close(),
        Expr::Array(array) => array.bracket_token.span.close(),
        Expr::Block(block) => block.block.brace_token.span.close(),
        // A span of several tokens is, on a stable compiler, that of the first.
        other => match other.to_token_stream().into_iter().last() {
            Some(TokenTree::Group(group)) => group.span_close(),
            Some(token) => token.span(),
            None => other.span(),
        },
    }
}
