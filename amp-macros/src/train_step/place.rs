//! The places where an optimizer can live: a name, and what is reached from it by fields and fixed indices.
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Ident, Lit, Member, Pat, PatIdent, UnOp};

/// A place that the check can follow.
#[derive(Clone)]
pub(super) struct Place {
    steps: Vec<String>,
    expr: Expr,
}

/// What an expression is to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Same,
    /// It holds the place, or may be it: `self` to `self.opt`, `opts[i]` to `opts[0]`.
    Around,
    /// A part of it, or another place.
    Apart,
}

impl Place {
    /// The place that an expression names; none if it is computed.
    pub(super) fn new(expr: &Expr) -> Option<Self> {
        let reached = Reached::by(expr)?;
        reached.exact.then(|| Self { steps: reached.steps, expr: expr.clone() })
    }

    pub(super) fn of_parameter(name: &Ident) -> Self {
        let path = syn::ExprPath { attrs: Vec::new(), qself: None, path: name.clone().into() };
        Self { steps: vec![name.to_string()], expr: Expr::Path(path) }
    }

    /// As somebody would write it, for messages and for the code that is inserted.
    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    pub(super) fn span(&self) -> Span {
        self.expr.span()
    }

    /// The name that it starts from.
    pub(super) fn root(&self) -> &str {
        &self.steps[0]
    }

    pub(super) fn relation(&self, expr: &Expr) -> Relation {
        let Some(reached) = Reached::by(expr) else { return Relation::Apart };
        if !self.steps.starts_with(&reached.steps) {
            Relation::Apart
        } else if reached.exact && reached.steps.len() == self.steps.len() {
            Relation::Same
        } else {
            Relation::Around
        }
    }

    pub(super) fn is(&self, expr: &Expr) -> bool {
        self.relation(expr) == Relation::Same
    }

    /// Whether the tokens name what the place starts from.
    pub(super) fn is_mentioned(&self, tokens: &impl ToTokens) -> bool {
        mentions(tokens.to_token_stream(), self.root())
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (root, rest) = (&self.steps[0], &self.steps[1..]);
        f.write_str(root)?;
        rest.iter().try_for_each(|step| {
            if step.starts_with('[') { write!(f, "{step}") } else { write!(f, ".{step}") }
        })
    }
}

/// What an expression reaches, dereferences aside: to the compiler's eye they are the same place.
struct Reached {
    steps: Vec<String>,
    /// Whether it is this very place, or one somewhere below it.
    exact: bool,
}

impl Reached {
    fn by(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Path(path) if path.qself.is_none() => {
                Some(Self { steps: vec![path.path.get_ident()?.to_string()], exact: true })
            }
            Expr::Field(field) => {
                let member = match &field.member {
                    Member::Named(name) => name.to_string(),
                    Member::Unnamed(index) => index.index.to_string(),
                };
                Some(Self::by(&field.base)?.then(Some(member)))
            }
            Expr::Index(index) => {
                let literal = match &*index.index {
                    Expr::Lit(literal) => match &literal.lit {
                        Lit::Int(number) => Some(format!("[{}]", number.base10_digits())),
                        _ => None,
                    },
                    _ => None,
                };
                Some(Self::by(&index.expr)?.then(literal))
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => Self::by(&unary.expr),
            Expr::Paren(paren) => Self::by(&paren.expr),
            Expr::Group(group) => Self::by(&group.expr),
            _ => None,
        }
    }

    fn then(mut self, step: Option<String>) -> Self {
        match step {
            Some(step) if self.exact => self.steps.push(step),
            _ => self.exact = false,
        }
        self
    }
}

fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// Whether a pattern binds a name.
pub(super) fn binds(pat: &Pat, name: &str) -> bool {
    struct Names<'a> {
        name: &'a str,
        found: bool,
    }
    impl<'ast> Visit<'ast> for Names<'_> {
        fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
            self.found |= pat.ident == self.name;
            visit::visit_pat_ident(self, pat);
        }

        fn visit_expr(&mut self, _: &'ast Expr) {}
    }
    let mut names = Names { name, found: false };
    names.visit_pat(pat);
    names.found
}
