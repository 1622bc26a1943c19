//! Numbers every call and every block of a body, so that passes that do not import one another can speak of them.
//!
//! A label is an attribute `#[__amp7]` on an expression, or a statement `__amp!(7);` at the head of a block; both are
//! gone when the function is printed again.
use super::macros::{self, ReadMacro};
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use std::collections::HashMap;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AttrStyle, Attribute, BinOp, Block, Expr, ExprBlock, Item, Macro, MacroDelimiter, Meta, Stmt, StmtMacro,
    Token, token,
};

const NAME: &str = "__amp";

/// A body whose calls and blocks have numbers.
pub(crate) struct Labelled {
    pub(crate) block: Block,
    /// How many labels there are.
    pub(crate) count: usize,
    /// How often each name is written in an expression.
    pub(crate) mentions: HashMap<String, usize>,
    /// The macro calls that can be looked into, in the order of the numbers that stand for their tokens.
    pub(crate) macros: Vec<ReadMacro>,
}

impl Labelled {
    /// Labels the body of a function; nested items are not entered.
    pub(crate) fn new(mut block: Block) -> Self {
        let mut numbering = Numbering { next: 0, macros: Vec::new(), mentions: HashMap::new() };
        numbering.visit_block_mut(&mut block);
        Self { block, count: numbering.next, mentions: numbering.mentions, macros: numbering.macros }
    }
}

/// The number that stands for a macro's tokens, where it is one of [`Labelled::macros`].
pub(crate) fn macro_number(mac: &Macro) -> Option<usize> {
    let mut tokens = mac.tokens.clone().into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Literal(number)), None) if name == NAME => {
            number.to_string().parse().ok()
        }
        _ => None,
    }
}

/// The label of an expression.
pub(crate) fn label(attrs: &[Attribute]) -> Option<usize> {
    attrs.iter().find_map(|attr| match &attr.meta {
        Meta::Path(path) => path.get_ident()?.to_string().strip_prefix(NAME)?.parse().ok(),
        _ => None,
    })
}

/// Takes the label off again: it was put behind all others.
pub(crate) fn strip(attrs: &mut Vec<Attribute>) {
    if attrs.last().is_some_and(|attr| label(std::slice::from_ref(attr)).is_some()) {
        attrs.pop();
    }
}

/// Whether the macro is the number of a block.
pub(crate) fn is_label(mac: &Macro) -> bool {
    mac.path.is_ident(NAME)
}

/// The number of a block.
pub(crate) fn block_number(block: &Block) -> Option<usize> {
    match block.stmts.first() {
        Some(Stmt::Macro(stmt)) if stmt.mac.path.is_ident(NAME) => value(&stmt.mac.tokens),
        _ => None,
    }
}

fn value(tokens: &TokenStream) -> Option<usize> {
    tokens.to_string().parse().ok()
}

struct Numbering {
    next: usize,
    macros: Vec<ReadMacro>,
    mentions: HashMap<String, usize>,
}

impl Numbering {
    fn count(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn next(&mut self) -> TokenStream {
        let number = self.count();
        TokenTree::from(Literal::usize_unsuffixed(number)).into()
    }

    fn attribute(&mut self) -> Attribute {
        Attribute {
            pound_token: Token![#](Span::call_site()),
            style: AttrStyle::Outer,
            bracket_token: token::Bracket::default(),
            meta: Meta::Path(Ident::new(&format!("{NAME}{}", self.count()), Span::call_site()).into()),
        }
    }

    fn statement(&mut self) -> Stmt {
        Stmt::Macro(StmtMacro {
            attrs: Vec::new(),
            mac: Macro {
                path: Ident::new(NAME, Span::call_site()).into(),
                bang_token: Token![!](Span::call_site()),
                delimiter: MacroDelimiter::Paren(token::Paren::default()),
                tokens: self.next(),
            },
            semi_token: Some(Token![;](Span::call_site())),
        })
    }
}

impl VisitMut for Numbering {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let statement = self.statement();
        block.stmts.insert(0, statement);
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {
        // A nested item is a function of its own.
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    *self.mentions.entry(name.to_string()).or_default() += 1;
                }
            }
            Expr::MethodCall(call) => {
                let label = self.attribute();
                call.attrs.push(label);
            }
            Expr::Call(call) if matches!(*call.func, Expr::Path(_)) => {
                let label = self.attribute();
                call.attrs.push(label);
            }
            Expr::Binary(binary) if is_arithmetic(&binary.op) => {
                let label = self.attribute();
                binary.attrs.push(label);
            }
            // Constants have no run time, and what is async leaves its thread.
            Expr::Async(_) | Expr::Const(_) => return,
            Expr::Closure(closure) if closure.asyncness.is_some() => return,
            // A body is a block, so that it can hold what its sites need.
            Expr::Closure(closure) if !matches!(*closure.body, Expr::Block(_)) => {
                let body = std::mem::replace(&mut *closure.body, Expr::Verbatim(TokenStream::new()));
                *closure.body = Expr::Block(ExprBlock {
                    attrs: Vec::new(),
                    label: None,
                    block: Block {
                        brace_token: token::Brace(span_of(&body)),
                        stmts: vec![Stmt::Expr(body, None)],
                    },
                });
            }
            Expr::Repeat(repeat) => return self.visit_expr_mut(&mut repeat.expr),
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_type_mut(&mut self, _: &mut syn::Type) {
        // Array lengths are constants.
    }

    fn visit_pat_mut(&mut self, pat: &mut syn::Pat) {
        // Patterns hold no calls, but the guard of an arm does.
        if let syn::Pat::Guard(guard) = pat {
            self.visit_expr_mut(&mut guard.guard);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if let Some(mut read) = ReadMacro::new(mac) {
            read.exprs.iter_mut().for_each(|expr| self.visit_expr_mut(expr));
            let name = TokenTree::from(Ident::new(NAME, Span::call_site()));
            let number = TokenTree::from(Literal::usize_unsuffixed(self.macros.len()));
            mac.tokens = [name, number].into_iter().collect();
            self.macros.push(read);
        } else {
            for name in macros::names(&mac.tokens) {
                *self.mentions.entry(name).or_default() += 1;
            }
        }
    }

    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}

    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}
}

fn span_of(expr: &Expr) -> Span {
    use syn::spanned::Spanned;
    expr.span()
}

fn is_arithmetic(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::Add(_)
            | BinOp::Sub(_)
            | BinOp::Mul(_)
            | BinOp::Div(_)
            | BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
    )
}
