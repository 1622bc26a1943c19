//! Which names code may write to.
use crate::policy;
use crate::syntax::labels::{self, Labelled};
use crate::syntax::macros::{self, ReadMacro};
use crate::syntax::shape;
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprMethodCall, Item, Local, Macro, Pat};

/// Methods of tensors, lists and options that only look; those of the table write nothing either.
const LOOK: &[&str] = &[
    "as_deref",
    "as_ref",
    "as_slice",
    "chunks",
    "clone",
    "contains",
    "data_ptr",
    "defined",
    "device",
    "dim",
    "double_value",
    "first",
    "get",
    "grad",
    "int64_value",
    "into_iter",
    "is_empty",
    "is_none",
    "is_some",
    "is_sparse",
    "iter",
    "kind",
    "last",
    "len",
    "numel",
    "print",
    "requires_grad",
    "shallow_clone",
    "size",
    "size1",
    "size2",
    "size3",
    "size4",
    "size5",
    "size6",
    "split_at",
    "to_vec",
    "unwrap",
    "expect",
    "windows",
];

/// Names, by how they may be written to.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Assigned to, or lent out to be.
    pub(super) assigned: BTreeSet<String>,
    /// By a method or a macro that nothing is known of, if they are `mut`.
    pub(super) lent: BTreeSet<String>,
}

impl Writes {
    /// Those of a block, and of what is evaluated with it.
    pub(super) fn of<'a>(
        labelled: &'a Labelled,
        block: Option<&'a Block>,
        exprs: impl IntoIterator<Item = &'a Expr>,
    ) -> Self {
        let mut reader = Reader { labelled, writes: Self::default() };
        if let Some(block) = block {
            reader.visit_block(block);
        }
        exprs.into_iter().for_each(|expr| reader.visit_expr(expr));
        reader.writes
    }

    /// What a method may write to, its arguments aside.
    pub(super) fn of_call(call: &ExprMethodCall) -> Self {
        let mut writes = Self::default();
        writes.call(call);
        writes
    }

    /// The places of an assignment.
    pub(super) fn of_target(target: &Expr) -> Self {
        let mut writes = Self::default();
        writes.assign(target);
        writes
    }

    /// Those of a macro's tokens.
    pub(super) fn of_tokens(mac: &Macro) -> Self {
        Self { lent: macros::names(&mac.tokens).into_iter().collect(), ..Self::default() }
    }

    /// Those of the pattern of `matches!`, which may have a guard.
    pub(super) fn of_pattern(read: &ReadMacro) -> Self {
        let lent = read.pattern().map(macros::names).unwrap_or_default().into_iter().collect();
        Self { lent, ..Self::default() }
    }

    fn call(&mut self, call: &ExprMethodCall) {
        if may_write(&call.method.to_string()) {
            self.lent.extend(shape::root(&call.receiver).map(ToString::to_string));
        }
    }

    fn assign(&mut self, target: &Expr) {
        match target {
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|target| self.assign(target)),
            Expr::Array(array) => array.elems.iter().for_each(|target| self.assign(target)),
            Expr::Call(call) => call.args.iter().for_each(|target| self.assign(target)),
            Expr::Struct(item) => item.fields.iter().for_each(|field| self.assign(&field.expr)),
            place => self.assigned.extend(shape::root(place).map(ToString::to_string)),
        }
    }
}

/// Whether a method of this name may write to its receiver.
fn may_write(method: &str) -> bool {
    let name = method.strip_prefix("f_").unwrap_or(method);
    !LOOK.contains(&name) && !policy::is_named(name)
}

/// Whether a pattern borrows what it is matched with for writing: `ref mut`.
pub(super) fn borrows(pat: &Pat) -> bool {
    struct Finder(bool);
    impl Visit<'_> for Finder {
        fn visit_pat_ident(&mut self, ident: &syn::PatIdent) {
            self.0 |= ident.by_ref.is_some() && ident.mutability.is_some();
            visit::visit_pat_ident(self, ident);
        }
    }
    let mut finder = Finder(false);
    finder.visit_pat(pat);
    finder.0
}

/// The names that a pattern declares.
pub(super) fn bound(pat: &Pat) -> Vec<String> {
    struct Finder(Vec<String>);
    impl Visit<'_> for Finder {
        fn visit_pat_ident(&mut self, ident: &syn::PatIdent) {
            self.0.push(ident.ident.to_string());
            visit::visit_pat_ident(self, ident);
        }
    }
    let mut finder = Finder(Vec::new());
    finder.visit_pat(pat);
    finder.0
}

/// Whether the operator assigns.
pub(super) fn assigns(op: &BinOp) -> bool {
    matches!(op, BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_))
}

struct Reader<'a> {
    labelled: &'a Labelled,
    writes: Writes,
}

impl<'a> Visit<'a> for Reader<'a> {
    fn visit_item(&mut self, _: &'a Item) {}

    fn visit_local(&mut self, local: &'a Local) {
        if let (true, Some(init)) = (borrows(&local.pat), &local.init) {
            self.writes.assign(&init.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Assign(assign) => self.writes.assign(&assign.left),
            Expr::Binary(binary) if assigns(&binary.op) => self.writes.assign(&binary.left),
            Expr::Reference(reference) if reference.mutability.is_some() => {
                self.writes.assign(&reference.expr);
            }
            Expr::RawAddr(raw) => self.writes.assign(&raw.expr),
            Expr::Let(condition) if borrows(&condition.pat) => self.writes.assign(&condition.expr),
            Expr::ForLoop(inner) if borrows(&inner.pat) => self.writes.assign(&inner.expr),
            Expr::Match(matching) if matching.arms.iter().any(|arm| borrows(&arm.pat)) => {
                self.writes.assign(&matching.expr);
            }
            Expr::MethodCall(call) => self.writes.call(call),
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        match labels::macro_number(mac) {
            Some(number) => self.labelled.macros[number].exprs.iter().for_each(|expr| self.visit_expr(expr)),
            None => self.writes.lent.append(&mut Writes::of_tokens(mac).lent),
        }
    }
}
