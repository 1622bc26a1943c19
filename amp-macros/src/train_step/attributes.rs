//! The words on statements of a training step: `#[amp(optimizer = opt_d)]` and `#[amp(skip)]`.
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Ident, Stmt, Token};

/// What a mark says to a training step.
pub(super) enum Mark {
    /// Whose backward it is.
    Optimizer(Box<Expr>),
    /// As without the attribute.
    Skip,
}

/// The mark among the attributes.
pub(super) fn mark(attrs: &[Attribute]) -> Option<Mark> {
    attrs.iter().find_map(read)
}

/// Takes the optimizers off; other marks are read later.
pub(super) fn strip(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| !matches!(read(attr), Some(Mark::Optimizer(_))));
}

fn read(attr: &Attribute) -> Option<Mark> {
    if attr.path().segments.last()?.ident != "amp" {
        return None;
    }
    attr.parse_args_with(|input: ParseStream| {
        let word: Ident = input.parse()?;
        if word == "skip" {
            return Ok(Mark::Skip);
        }
        if word != "optimizer" {
            return Err(input.error("not for a training step"));
        }
        input.parse::<Token![=]>()?;
        input.parse().map(|optimizer| Mark::Optimizer(Box::new(optimizer)))
    })
    .ok()
}

/// Calls `$with` with the kinds of expression that can have attributes.
macro_rules! kinds {
    ($with:ident) => {
        $with!(Array Assign Await Binary Block Break Call Cast Closure Continue Field ForLoop Group If Index Let Lit Loop
            Macro Match MethodCall Paren Path Range Reference Repeat Return Struct Try Tuple Unary Unsafe While)
    };
}

/// The attributes of an expression; none where it can have none.
pub(super) fn of(expr: &Expr) -> &[Attribute] {
    macro_rules! attrs {
        ($($kind:ident)*) => {
            match expr {
                $(Expr::$kind(expr) => &expr.attrs,)*
                _ => &[],
            }
        };
    }
    kinds!(attrs)
}

/// The same, to change.
pub(super) fn of_mut(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    macro_rules! attrs {
        ($($kind:ident)*) => {
            match expr {
                $(Expr::$kind(expr) => Some(&mut expr.attrs),)*
                _ => None,
            }
        };
    }
    kinds!(attrs)
}

/// The mark of an expression.
pub(super) fn of_expr(expr: &Expr) -> Option<Mark> {
    mark(of(expr))
}

/// Whether a statement is to stay as written.
pub(super) fn is_skipped(stmt: &Stmt) -> bool {
    let attrs = match stmt {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(mac) => &mac.attrs,
        Stmt::Expr(expr, _) => of(expr),
        Stmt::Item(_) => &[],
    };
    matches!(mark(attrs), Some(Mark::Skip))
}

/// All optimizers that the marks of a body name.
pub(super) fn optimizers(block: &syn::Block) -> Vec<Expr> {
    struct Marks(Vec<Expr>);
    impl<'ast> syn::visit::Visit<'ast> for Marks {
        fn visit_attribute(&mut self, attr: &'ast Attribute) {
            if let Some(Mark::Optimizer(optimizer)) = read(attr) {
                self.0.push(*optimizer);
            }
        }

        fn visit_item(&mut self, _: &'ast syn::Item) {}
    }
    let mut marks = Marks(Vec::new());
    syn::visit::Visit::visit_block(&mut marks, block);
    marks.0
}

/// The body without the marks that name an optimizer.
pub(super) fn unmarked(block: &syn::Block) -> syn::Block {
    struct Strip;
    impl syn::visit_mut::VisitMut for Strip {
        fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
            strip(attrs);
        }
    }
    let mut plain = block.clone();
    syn::visit_mut::VisitMut::visit_block_mut(&mut Strip, &mut plain);
    plain
}

/// What somebody wrote, on one line and without the spaces that tokens are printed with.
pub(super) fn written(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    [(" . ", "."), (" [", "["), (" (", "("), (" :: ", "::")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
