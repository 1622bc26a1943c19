//! Names that stand for one expression: bound once in the function, and never written to.
use std::cell::OnceCell;
use std::collections::HashMap;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprPath, Item, Local, Pat, PatIdent, Signature};

/// What each name is bound to, where that is one expression; found out when somebody asks, which few functions give cause to.
#[derive(Default)]
pub(crate) struct Names<'a> {
    function: Option<(&'a Signature, &'a Block)>,
    bindings: OnceCell<Bindings<'a>>,
}

impl<'a> Names<'a> {
    /// The names of a function.
    pub(super) fn new(sig: &'a Signature, body: &'a Block) -> Self {
        Self { function: Some((sig, body)), ..Self::default() }
    }

    /// What the name is bound to.
    pub(super) fn bound(&self, path: &ExprPath) -> Option<&'a Expr> {
        let name = path.path.get_ident()?;
        let bindings = self.bindings.get_or_init(|| self.function.map(Bindings::of).unwrap_or_default());
        bindings.bound.get(&name.to_string()).copied().flatten()
    }
}

#[derive(Default)]
struct Bindings<'a> {
    bound: HashMap<String, Option<&'a Expr>>,
}

impl<'a> Bindings<'a> {
    fn of((sig, body): (&'a Signature, &'a Block)) -> Self {
        let mut bindings = Self::default();
        for input in &sig.inputs {
            bindings.visit_fn_arg(input);
        }
        bindings.visit_block(body);
        bindings
    }

    /// `name = expr`, and `(a, b) = (x, y)` name by name.
    fn match_up(&mut self, pat: &'a Pat, to: &'a Expr) {
        match (pat, to) {
            (Pat::Ident(name), _) if is_plain(name) => self.bind(name.ident.to_string(), Some(to)),
            (Pat::Tuple(pats), Expr::Tuple(exprs))
                if pats.elems.len() == exprs.elems.len()
                    && !pats.elems.iter().any(|pat| matches!(pat, Pat::Rest(_))) =>
            {
                pats.elems.iter().zip(&exprs.elems).for_each(|(pat, to)| self.match_up(pat, to));
            }
            _ => self.visit_pat(pat),
        }
    }

    /// A second binding of a name, in whatever block, leaves it unknown: scopes are not followed here.
    fn bind(&mut self, name: String, to: Option<&'a Expr>) {
        self.bound.entry(name).and_modify(|before| *before = None).or_insert(to);
    }
}

impl<'a> Visit<'a> for Bindings<'a> {
    fn visit_local(&mut self, local: &'a Local) {
        let pat = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        match &local.init {
            Some(init) if init.diverge.is_none() => {
                self.visit_expr(&init.expr);
                self.match_up(pat, &init.expr);
            }
            _ => visit::visit_local(self, local),
        }
    }

    fn visit_pat_ident(&mut self, name: &'a PatIdent) {
        self.bind(name.ident.to_string(), None);
        visit::visit_pat_ident(self, name);
    }

    fn visit_item(&mut self, item: &'a Item) {
        if let Item::Const(item) = item {
            self.bind(item.ident.to_string(), Some(&item.expr));
        }
    }
}

fn is_plain(name: &PatIdent) -> bool {
    name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;
    use syn::{ItemFn, parse_quote};

    #[test]
    fn a_name_is_what_it_was_bound_to_if_that_is_one_thing() {
        let function: ItemFn = parse_quote! {
            fn f(eps: f64, a: &Tensor) {
                const TINY: f64 = 1e-12;
                let once = 1e-8;
                let typed: f64 = 1e-7;
                let twice = 1.;
                let twice = 2.;
                let mut written = 1.;
                let (pair, of) = two();
                let (left, (right, rest)) = (1., (2., 3.));
                { let eps = 3.; }
                let shadowed = 1.;
                let closure = |shadowed: f64| shadowed;
            }
        };
        let names = Names::new(&function.sig, &function.block);
        let bound = |name: &str| {
            let path: ExprPath = syn::parse_str(name).unwrap();
            names.bound(&path).map(|expr| expr.to_token_stream().to_string())
        };
        for (name, to) in
            [("TINY", "1e-12"), ("once", "1e-8"), ("typed", "1e-7"), ("left", "1."), ("rest", "3.")]
        {
            assert_eq!(bound(name).as_deref(), Some(to));
        }
        for name in ["eps", "a", "twice", "written", "pair", "of", "shadowed", "elsewhere"] {
            assert_eq!(bound(name), None, "{name}");
        }
    }
}
