//! The marks in a body: `#[amp(full)] { .. }`, `#[amp(low)] let y = ..;`, `#[amp(skip)]`.
use crate::errors::{Errors, Message, suggestion};
use crate::plan::Island;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, Ident, Item};

/// A mark that can be read.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    /// What it asks for.
    pub(crate) island: Island,
    /// Its word.
    pub(crate) span: Span,
}

/// The mark among the attributes of a statement or expression.
pub(crate) fn mark(attrs: &[Attribute]) -> Option<Mark> {
    attrs.iter().filter(|attr| is_mark(attr)).find_map(|attr| read(attr).ok())
}

/// Takes the marks off.
pub(crate) fn strip(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| !is_mark(attr));
}

fn is_mark(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == "amp")
}

fn read(attr: &Attribute) -> Result<Mark, (Span, Message)> {
    let word = attr.parse_args::<Ident>().map_err(|_| {
        let message = Message::new("a mark in a body is one word");
        (attr.span(), message.help("write `#[amp(full)]`, `#[amp(low)]` or `#[amp(skip)]`"))
    })?;
    let island = match word.to_string().as_str() {
        "full" => Island::Full,
        "low" => Island::Low,
        "skip" => Island::Skip,
        other => {
            let message = Message::new(format!("unknown mark `{other}`"));
            return Err((word.span(), message.help(suggestion(other, &["full", "low", "skip"]))));
        }
    };
    Ok(Mark { island, span: word.span() })
}

/// Reports marks that mean nothing and marks that would bind to less than they seem to.
pub(crate) fn check(block: &mut Block, errors: &mut Errors) {
    Check { errors }.visit_block_mut(block);
}

struct Check<'a> {
    errors: &'a mut Errors,
}

impl Check<'_> {
    /// rustc gives a mark before `a = b` or `a + b` to `a`.
    fn leftmost(&mut self, left: &mut Expr) {
        let Some(attrs) = attributes(left) else { return };
        if let Some(attr) = attrs.iter().find(|attr| is_mark(attr)) {
            let message = Message::new("this mark would hold for the leftmost operand alone")
                .note("an attribute before an assignment or a binary operation binds to its first operand")
                .help("put braces around the statement: `#[amp(full)] { .. }`");
            self.errors.push(attr.span(), message);
            strip(attrs);
        }
    }
}

impl VisitMut for Check<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Assign(assign) => self.leftmost(&mut assign.left),
            Expr::Binary(binary) => self.leftmost(&mut binary.left),
            Expr::Cast(cast) => self.leftmost(&mut cast.expr),
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_attribute_mut(&mut self, attr: &mut Attribute) {
        if is_mark(attr)
            && let Err((span, message)) = read(attr)
        {
            self.errors.push(span, message);
        }
    }
}

/// The attributes of an expression, where it can have some.
pub(crate) fn attributes(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    macro_rules! attrs {
        ($($variant:ident)*) => {
            match expr {
                $(Expr::$variant(expr) => Some(&mut expr.attrs),)*
                _ => None,
            }
        };
    }
    attrs!(Array Assign Await Binary Block Break Call Cast Closure Continue Field ForLoop Group If Index Let Lit Loop Macro
        Match MethodCall Paren Path Range Reference Repeat Return Struct Try Tuple Unary Unsafe While)
}

/// Those that hold for all of it: before an assignment or an operator they are the first operand's.
pub(crate) fn attributes_of(expr: &Expr) -> &[Attribute] {
    macro_rules! attrs {
        ($($variant:ident)*) => {
            match expr {
                $(Expr::$variant(expr) => &expr.attrs,)*
                _ => &[],
            }
        };
    }
    attrs!(Array Await Block Break Call Closure Continue Field ForLoop Group If Index Let Lit Loop Macro
        Match MethodCall Paren Path Reference Repeat Return Struct Try Tuple Unary Unsafe While)
}

/// The mark of an expression.
pub(crate) fn of(expr: &Expr) -> Option<Mark> {
    mark(attributes_of(expr))
}

/// The attributes in front of a statement: the parser gives those of an assignment to what is assigned to.
pub(crate) fn leading(stmt: &Expr) -> &[Attribute] {
    match stmt {
        Expr::Assign(assign) => leading(&assign.left),
        Expr::Binary(binary) => leading(&binary.left),
        other => attributes_of(other),
    }
}

/// Whether what has these attributes may be configured away.
pub(crate) fn is_conditional(attrs: &[Attribute]) -> bool {
    attrs.iter().any(is_condition)
}

/// `#[cfg(..)]`, or what may become one.
pub(crate) fn is_condition(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}
