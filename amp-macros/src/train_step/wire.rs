//! Wires the loss scaler into a training step: whose gradients a backward computes, and where errors go.
use super::attributes::{self, Mark};
use super::calls::{Backward, Method};
use super::optimizers::Optimizers;
use super::place::Place;
use crate::names::Names;
use crate::syntax::macros::ReadMacro;
use crate::syntax::marks;
use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprCall, ExprMethodCall, ExprReference, ExprTry, Ident, Item, Macro, ReturnType,
};
use syn::{Signature, Stmt, Token, Type, parse_quote_spanned, token};

// Input:
//     fn step(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) -> Result<f64> {
//         let loss = net.forward(xs).mse_loss(ys, Reduction::Mean);
//         opt.zero_grad();
//         loss.backward();
//         opt.clip_grad_norm(1.0);
//         opt.step();
//         Ok(loss.double_value(&[]))
//     }
// Output, without a `Result` to return with `p::or_panic(..)` for `..?`:
//     fn step(net: &Net, opt: &mut OptimWrapper, xs: &Tensor, ys: &Tensor) -> Result<f64> {
//         let loss = net.forward(xs).mse_loss(ys, Reduction::Mean);
//         p::done(opt.zero_grad()?);
//         p::backward(&loss, opt.__wrapper())?;
//         p::done(opt.clip_grad_norm(1.0)?);
//         p::done(opt.step()?);
//         Ok(loss.double_value(&[]))
//     }
/// Rewrites a training step in place, and takes the `optimizer = ..` marks off its statements. What it does not know stays
/// as written, so that it can run on a function in which [`check`](super::check) found mistakes.
pub(crate) fn wire(sig: &Signature, block: &mut Block, optimizer: Option<&Expr>, names: &Names) {
    let optimizers = Optimizers::new(sig, block, optimizer);
    let mut wire =
        Wire { optimizers: &optimizers, names, fails: Fails::by_type(&sig.output), marks: Vec::new() };
    if is_unit(&sig.output) {
        wire.discard_tail(block);
    }
    wire.visit_block_mut(block);
}

/// Where an error goes that the body does not look at.
#[derive(Clone, Copy)]
enum Fails {
    ByReturning,
    ByPanicking,
}

impl Fails {
    /// By the type as it is declared: `Result<..>` under any path.
    fn by_type(output: &ReturnType) -> Self {
        match output {
            ReturnType::Type(_, ty) if is_result(ty) => Self::ByReturning,
            _ => Self::ByPanicking,
        }
    }
}

fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Result"),
        Type::Paren(paren) => is_result(&paren.elem),
        Type::Group(group) => is_result(&group.elem),
        _ => false,
    }
}

fn is_unit(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()),
    }
}

struct Wire<'a> {
    optimizers: &'a Optimizers,
    names: &'a Names,
    fails: Fails,
    marks: Vec<Mark>,
}

impl Wire<'_> {
    /// Under the mark of `attrs`, which is taken off if it is one of ours.
    fn under(&mut self, attrs: &[Attribute], inside: impl FnOnce(&mut Self)) {
        match attributes::mark(attrs) {
            Some(Mark::Skip) => {}
            mark => {
                let depth = self.marks.len();
                self.marks.extend(mark);
                inside(self);
                self.marks.truncate(depth);
            }
        }
    }

    /// An expression in a place where its value is dropped, so that nobody would see an error.
    fn discard(&self, expr: &mut Expr) {
        let mut ours = false;
        each_end(expr, &mut |end| ours |= self.ending(end).is_some());
        if ours {
            each_end(expr, &mut |end| self.discard_end(end));
        }
    }

    /// One way through ends with a call of ours, so that the value of the others, which is of the same type, has to go too.
    fn discard_end(&self, end: &mut Expr) {
        // A condition holds for all of what is written around it.
        let attrs = attributes::of_mut(end);
        let conditions =
            attrs.map(|attrs| attrs.extract_if(.., |attr| marks::is_condition(attr)).collect::<Vec<_>>());
        self.discard_call(end);
        if let (Some(own), Some(conditions)) = (attributes::of_mut(end), conditions) {
            own.splice(0..0, conditions);
        }
    }

    fn discard_call(&self, end: &mut Expr) {
        let Some(name) = self.ending(end) else {
            if Backward::of(end).is_some() {
                return; // it has no value, and is wired when it is visited
            }
            let value = take(end);
            *end = parse_quote_spanned!(value.span()=> { #value; });
            return;
        };
        let value = if let Expr::Try(inner) = end {
            *inner.expr = self.scaled(take(&mut inner.expr), &name);
            take(end)
        } else {
            self.handled(self.scaled(take(end), &name), name.span())
        };
        *end = self.call("done", [value], name.span());
    }

    /// The name of the optimizer's method that this is a call of, `?` aside.
    fn ending(&self, end: &Expr) -> Option<Ident> {
        match end {
            _ if matches!(attributes::of_expr(end), Some(Mark::Skip)) => None,
            Expr::MethodCall(call) => self.fallible(call),
            Expr::Try(inner) => match &*inner.expr {
                Expr::MethodCall(call) => self.fallible(call),
                _ => None,
            },
            _ => None,
        }
    }

    fn discard_tail(&self, block: &mut Block) {
        if let Some(Stmt::Expr(last, None)) = block.stmts.last_mut() {
            self.discard(last);
        }
    }

    /// The name of an optimizer's method that returns a `Result`.
    fn fallible(&self, call: &ExprMethodCall) -> Option<Ident> {
        let method = Method::named(&call.method)?;
        (method.fallible && self.optimizers.is_one(&call.receiver)).then(|| call.method.clone())
    }

    /// The wrapper's own `backward` returns types that hold it and must be used: dropped, they only stand in the way.
    fn scaled(&self, result: Expr, name: &Ident) -> Expr {
        if name == "backward" { self.call("scaled", [result], name.span()) } else { result }
    }

    /// The value of a `Result`, its error returned or panicked with.
    fn handled(&self, result: Expr, span: Span) -> Expr {
        match self.fails {
            Fails::ByReturning => Expr::Try(ExprTry {
                attrs: Vec::new(),
                expr: Box::new(result),
                question_token: Token![?](span),
            }),
            Fails::ByPanicking => self.call("or_panic", [result], span),
        }
    }

    /// `p::name(args)`, all of it at `span`.
    fn call<const N: usize>(&self, name: &str, args: [Expr; N], span: Span) -> Expr {
        Expr::Call(ExprCall {
            attrs: Vec::new(),
            func: Box::new(Expr::Verbatim(self.names.path(name, span))),
            paren_token: token::Paren(span),
            args: args.into_iter().collect::<Punctuated<_, Token![,]>>(),
        })
    }

    /// The scaled backward of `place`. The loss is computed first, as it was: the optimizer is borrowed after it.
    fn backward(&self, backward: &Backward, place: &Place) -> Expr {
        let span = backward.name().span();
        let loss = match backward {
            Backward::Method(_) => borrowed(backward.loss().clone()),
            Backward::Function(..) => backward.loss().clone(),
        };
        let wrapper = Expr::MethodCall(ExprMethodCall {
            attrs: Vec::new(),
            receiver: Box::new(receiver(place)),
            dot_token: Token![.](span),
            method: Ident::new("__wrapper", span),
            turbofish: None,
            paren_token: token::Paren(span),
            args: Punctuated::new(),
        });
        let result = self.call("backward", [loss, wrapper], span);
        if backward.is_fallible() { result } else { self.handled(result, span) }
    }
}

impl VisitMut for Wire<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {
        // A nested item is a function of its own.
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let count = block.stmts.len();
        for (index, stmt) in block.stmts.iter_mut().enumerate() {
            match stmt {
                // Without a semicolon and not the last: its value is `()`.
                Stmt::Expr(expr, semi) if semi.is_some() || index + 1 < count => {
                    self.discard(expr);
                    self.visit_expr_mut(expr);
                }
                Stmt::Local(local) => {
                    let attrs = local.attrs.clone();
                    attributes::strip(&mut local.attrs);
                    self.under(&attrs, |wire| visit_mut::visit_local_mut(wire, local));
                }
                Stmt::Macro(mac) => {
                    let attrs = mac.attrs.clone();
                    attributes::strip(&mut mac.attrs);
                    self.under(&attrs, |wire| wire.visit_macro_mut(&mut mac.mac));
                }
                other => self.visit_stmt_mut(other),
            }
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let attrs = attributes::of(expr).to_vec();
        if let Some(own) = attributes::of_mut(expr) {
            attributes::strip(own);
        }
        self.under(&attrs, |wire| wire.unmarked(expr));
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if let Some(mut read) = ReadMacro::new(mac) {
            let before = attributes::written(&mac.tokens);
            read.exprs.iter_mut().for_each(|expr| self.visit_expr_mut(expr));
            let after = read.print();
            if attributes::written(&after) != before {
                mac.tokens = after;
            }
        }
    }

    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}

    fn visit_type_mut(&mut self, _: &mut Type) {}
}

impl Wire<'_> {
    fn unmarked(&mut self, expr: &mut Expr) {
        let fails = self.fails;
        match expr {
            Expr::Async(_) | Expr::Const(_) => return,
            Expr::Closure(closure) if closure.asyncness.is_some() => return,
            Expr::Closure(closure) => {
                self.fails = Fails::by_type(&closure.output);
                if matches!(closure.output, ReturnType::Type(..)) && is_unit(&closure.output) {
                    self.discard(&mut closure.body);
                }
            }
            Expr::If(branch) if branch.else_branch.is_none() => self.discard_tail(&mut branch.then_branch),
            Expr::ForLoop(each) => self.discard_tail(&mut each.body),
            Expr::While(repeat) => self.discard_tail(&mut repeat.body),
            Expr::Loop(repeat) => self.discard_tail(&mut repeat.body),
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
        self.fails = fails;
        if let Some(backward) = Backward::of(expr)
            && !self.optimizers.is_one(backward.loss())
            && let Some(place) = self.optimizers.of_backward(&self.marks)
        {
            let mut wired = self.backward(&backward, place);
            if let Some(attrs) = attributes::of_mut(&mut wired) {
                attrs.extend(attributes::of(expr).iter().cloned());
            }
            *expr = wired;
        }
    }
}

/// What an expression ends with, on every way through it.
fn each_end(expr: &mut Expr, see: &mut impl FnMut(&mut Expr)) {
    if matches!(attributes::of_expr(expr), Some(Mark::Skip)) {
        return see(expr);
    }
    match expr {
        Expr::Paren(paren) => each_end(&mut paren.expr, see),
        Expr::Group(group) => each_end(&mut group.expr, see),
        Expr::Block(inner) if inner.label.is_none() => each_end_of(&mut inner.block, see),
        Expr::Unsafe(inner) => each_end_of(&mut inner.block, see),
        Expr::If(branch) => {
            each_end_of(&mut branch.then_branch, see);
            if let Some((_, otherwise)) = &mut branch.else_branch {
                each_end(otherwise, see);
            }
        }
        Expr::Match(choice) => choice.arms.iter_mut().for_each(|arm| each_end(&mut arm.body, see)),
        end => see(end),
    }
}

fn each_end_of(block: &mut Block, see: &mut impl FnMut(&mut Expr)) {
    if let Some(Stmt::Expr(last, None)) = block.stmts.last_mut() {
        each_end(last, see);
    }
}

/// `&loss`, at the loss's own tokens.
fn borrowed(loss: Expr) -> Expr {
    let span = loss.span();
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        mutability: None,
        expr: Box::new(loss),
    })
}

/// The place as a receiver.
fn receiver(place: &Place) -> Expr {
    let expr = place.expr().clone();
    match expr {
        Expr::Unary(_) => Expr::Paren(syn::ExprParen {
            attrs: Vec::new(),
            paren_token: token::Paren(place.span()),
            expr: Box::new(expr),
        }),
        other => other,
    }
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Verbatim(proc_macro2::TokenStream::new()))
}
