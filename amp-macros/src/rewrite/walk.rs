//! Goes through a body and changes what the plan says.
use super::cast::restore;
use super::region;
use super::state::{At, Rewrite};
use crate::plan::Island;
use crate::syntax::{labels, marks};
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, ExprMacro, FieldValue, Item, Macro, Stmt, Token};

impl Rewrite<'_> {
    /// The guard of an island, which the islands around it are known to.
    fn island(&self, island: Island, span: proc_macro2::Span) -> Option<TokenStream> {
        match island {
            Island::Full => Some(self.names.call("island", span)),
            Island::Skip => Some(self.names.call("outside", span)),
            // In a full island autocast is off, which lowers the weights of layers.
            Island::Low if self.islands.last() == Some(&Island::Full) => {
                let path = self.names.path("enter", span);
                Some(quote!(#path(&__AMP_PLAN)))
            }
            Island::Low | Island::None => None,
        }
    }

    /// `expr` -> `p::leave(p::island(), expr)`
    fn in_island(&self, expr: &mut Expr, island: Island) {
        use crate::syntax::shape::{end, start};
        let (first, last) = (start(expr), end(expr));
        if let Some(guard) = self.island(island, first) {
            // They hold for all of what is written around it.
            let attrs = marks::attributes(expr).map(std::mem::take).unwrap_or_default();
            *expr = self.names.wrap("leave", Some(guard), expr, first, last);
            restore(expr, &attrs);
        }
    }
}

impl VisitMut for Rewrite<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_block_mut(&mut self, block: &mut Block) {
        let number = labels::block_number(block);
        if number.is_some() {
            block.stmts.remove(0);
        }
        let last = block.stmts.len();
        for (index, stmt) in block.stmts.iter_mut().enumerate() {
            // A marked macro is an expression like any other,
            if let Stmt::Macro(marked) = stmt
                && marks::mark(&marked.attrs).is_some()
            {
                let (attrs, mac) = (std::mem::take(&mut marked.attrs), marked.mac.clone());
                *stmt = Stmt::Expr(Expr::Macro(ExprMacro { attrs, mac }), marked.semi_token);
            }
            // and a marked `if` becomes a call, which needs its semicolon before the next statement.
            if let Stmt::Expr(expr, semi @ None) = stmt
                && index + 1 < last
                && marks::of(expr).is_some()
                && !matches!(expr, Expr::Block(_))
            {
                *semi = Some(Token![;](proc_macro2::Span::call_site()));
            }
        }
        block.stmts.iter_mut().for_each(|stmt| self.visit_stmt_mut(stmt));
        if let Some(number) = number {
            let island = self.islands.last().copied().unwrap_or(Island::None);
            region::open_block(block, number, island, self);
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Macro(mac) = stmt {
            let around = self.sites.enter(&mac.attrs);
            visit_mut::visit_stmt_macro_mut(self, mac);
            return self.sites.leave(around);
        }
        if let Stmt::Local(local) = stmt {
            let around = self.sites.enter(&local.attrs);
            let mark = marks::mark(&local.attrs);
            marks::strip(&mut local.attrs);
            self.islands.extend(mark.map(|mark| mark.island));
            visit_mut::visit_local_mut(self, local);
            if let Some(mark) = mark {
                self.islands.pop();
                if let Some(init) = &mut local.init {
                    self.in_island(&mut init.expr, mark.island);
                }
            }
            return self.sites.leave(around);
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let island = marks::of(expr).map(|mark| mark.island);
        let around = marks::attributes(expr).map(|attrs| {
            marks::strip(attrs);
            self.sites.enter(attrs)
        });
        self.islands.extend(island);
        match expr {
            Expr::MethodCall(call) => {
                let label = labels::label(&call.attrs);
                labels::strip(&mut call.attrs);
                match label.and_then(|label| self.sites.at(label)) {
                    Some(At::Call(index)) => self.method(expr, index),
                    Some(At::Layer(index)) => self.layer(expr, index),
                    None => visit_mut::visit_expr_mut(self, expr),
                }
            }
            Expr::Call(call) => {
                let label = labels::label(&call.attrs);
                labels::strip(&mut call.attrs);
                match label.and_then(|label| self.sites.at(label)) {
                    Some(At::Call(index)) => self.function(expr, index),
                    _ => visit_mut::visit_expr_mut(self, expr),
                }
            }
            Expr::Binary(binary) => {
                let label = labels::label(&binary.attrs);
                labels::strip(&mut binary.attrs);
                match label.and_then(|label| self.sites.at(label)) {
                    Some(At::Call(index)) => self.operator(expr, index),
                    _ => visit_mut::visit_expr_mut(self, expr),
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
        if let Some(around) = around {
            self.sites.leave(around);
        }
        if island.is_some() {
            self.islands.pop();
        }
        match (island, &mut *expr) {
            (Some(island), Expr::Block(inner)) => {
                if let Some(guard) = self.island(island, inner.block.brace_token.span.open()) {
                    inner.block.stmts.insert(0, self.names.hold("__amp_island", &guard));
                }
            }
            (Some(island), _) => self.in_island(expr, island),
            (None, _) => {}
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let around = self.sites.enter(&arm.attrs);
        visit_mut::visit_arm_mut(self, arm);
        self.sites.leave(around);
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        let around = self.sites.enter(&field.attrs);
        visit_mut::visit_field_value_mut(self, field);
        self.sites.leave(around);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let Some(mut read) = labels::macro_number(mac).and_then(|number| self.macros[number].take()) else {
            return;
        };
        let before = self.sites.changed;
        read.exprs.iter_mut().for_each(|expr| self.visit_expr_mut(expr));
        // What `assert!` prints is the tokens: they stay the user's where nothing changed.
        mac.tokens = if self.sites.changed > before { read.print() } else { read.original };
    }

    fn visit_type_mut(&mut self, _: &mut syn::Type) {}

    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
}
