//! The decision about one call: its class, its casts, and the reason.
use super::context::Context;
use crate::plan::{Call, Cast, Fact, Held, Island, Reason, Spelling, Tensorness};
use crate::policy::{Class, Form, Op};
use crate::syntax::shape::Asked;
use crate::syntax::{labels, shape};
use quote::quote;
use syn::Expr;

/// Decides about a method or function call that may be one of the table's.
pub(super) fn decide<'a>(context: &mut Context<'a>, site: &mut Call<'a>) {
    if site.island == Island::Skip {
        return;
    }
    let name = site.name.strip_prefix("f_").unwrap_or(&site.name).to_owned();
    let listed = site.op.map(|op| op.class);
    let overridden = if context.args.low.iter().any(|word| *word == name) {
        Some(Class::Low)
    } else if context.args.full.iter().any(|word| *word == name) {
        Some(Class::Full)
    } else {
        None
    };
    // Common names, which other types have too.
    let is_unlisted = site.op.is_some_and(Op::is_unlisted) && matches!(site.spelling, Spelling::Method);
    if is_unlisted
        && overridden.is_none()
        && site.island == Island::None
        && site.facts[0].tensor != Tensorness::Yes
    {
        return;
    }
    if overridden.is_some() && !context.plan.used_overrides.contains(&name) {
        context.plan.used_overrides.push(name);
    }
    let (class, reason) = match (site.island, overridden, listed) {
        (Island::Full, _, Some(_)) => (Class::Full, Reason::Island),
        (Island::Low, _, Some(Class::Banned)) => (Class::Banned, Reason::Listed),
        (Island::Low, _, Some(_)) => (Class::Low, Reason::Island),
        (_, Some(class), _) => (class, Reason::Override),
        (_, None, Some(class)) => (class, Reason::Listed),
        (_, None, None) => return,
    };
    site.class = Some(class);
    site.reason = reason;
    site.alone = site.island != Island::Full && site.op.is_some_and(|op| op.alone || disagrees(op, class));
    // A write must reach the tensor that was named, so that in-place operands are neither cast nor looked at; `diagnose` says
    // what follows. Those that libtorch composes of others would be lowered inside, so they run alone.
    if site.op.is_some_and(|op| op.in_place) {
        return;
    }
    match class {
        Class::Low => cast(site, Held::Low),
        Class::Full | Class::Banned => cast(site, Held::Full),
        // Of a path call the input is not looked at first, so it is cast instead.
        Class::FullOutput if matches!(site.spelling, Spelling::Function) => cast(site, Held::Full),
        Class::Widest => {
            site.widest = widest(site);
            // What finds the widest also suspends autocast.
            site.alone &= !site.widest;
        }
        Class::FullOutput | Class::Follow => {}
    }
    site.kind = kind(site, class);
    if class == Class::Low {
        weights_below_views(context, site);
    }
}

/// Decides about an operator.
pub(super) fn operator(site: &mut Call<'_>) {
    let assigns = site.name.ends_with("_assign");
    let (left, right) = (site.facts[0].tensor, site.facts[1].tensor);
    if assigns || site.island == Island::Skip || (left == Tensorness::No && right == Tensorness::No) {
        return;
    }
    if site.island == Island::Full {
        // Numbers stay numbers; where nothing is known the types decide.
        if left != Tensorness::Yes && right != Tensorness::Yes {
            return;
        }
        site.class = Some(Class::Full);
        site.reason = Reason::Island;
        cast(site, Held::Full);
    } else if site.name == "div" && left == Tensorness::No {
        site.class = Some(Class::Full);
        site.reason = Reason::Reciprocal;
        cast(site, Held::Full);
    } else if left == Tensorness::Yes && site.island == Island::None && is_square(site) {
        site.class = Some(Class::Full);
        site.reason = Reason::Square;
        cast(site, Held::Full);
    } else if left == Tensorness::Yes || right == Tensorness::Yes {
        site.class = Some(Class::Follow);
        site.reason = Reason::Listed;
    }
}

/// `&h * &h`
fn is_square(site: &Call<'_>) -> bool {
    let [left, right] = [0, 1].map(|index| shape::bare(site.operands[index]));
    site.name == "mul"
        && shape::is_pure_place(left)
        && quote!(#left).to_string() == quote!(#right).to_string()
}

/// Whether libtorch's autocast would undo what was decided.
fn disagrees(op: &Op, class: Class) -> bool {
    class != op.class && !matches!(op.class, Class::Follow | Class::Banned)
}

/// Casts every operand that is not known to be right.
fn cast(site: &mut Call<'_>, to: Held) {
    let operands: Vec<usize> = match site.op {
        Some(op) => op.operands.to_vec(),
        None => (0..site.operands.len()).collect(),
    };
    for operand in operands {
        let Some(fact) = site.facts.get(operand) else { continue };
        if fact.tensor == Tensorness::No || fact.held == to || is_nothing(site.operands[operand]) {
            continue;
        }
        let known = fact.tensor == Tensorness::Yes && fact.held != Held::Unknown;
        site.casts.push(Cast { operand, to, known, slot: None, borrowed: false });
    }
}

/// `None`, `None::<Tensor>`, numbers and closures have nothing to cast.
pub(super) fn is_nothing(expr: &Expr) -> bool {
    matches!(expr, Expr::Closure(_) | Expr::Lit(_)) || shape::is_none(expr) || shape::is_number(expr)
}

/// Where the output's dtype is decided at run time: where none is asked for, or one that is or may be low.
fn kind(site: &Call<'_>, class: Class) -> Option<usize> {
    let position = site.op?.kind?;
    let asked = site.operands.get(position)?;
    // tch takes the dtype of these as a plain `Kind`; a closure or a number is an argument of something else.
    if site.name.contains("norm_scalaropt") || is_nothing(asked) && !shape::is_none(asked) {
        return None;
    }
    let asked = Asked::of(asked);
    // A path call's input is not looked at.
    let looks = matches!(site.spelling, Spelling::Method);
    let held = site.facts[0].held;
    let decides = match class {
        Class::FullOutput if asked == Asked::Nothing => looks && held != Held::Full,
        Class::FullOutput | Class::Full => asked == Asked::AtRunTime || asked.is_low(),
        Class::Follow => {
            asked == Asked::AtRunTime && looks && held != Held::Low && site.facts[0].tensor == Tensorness::Yes
        }
        Class::Low | Class::Widest | Class::Banned => false,
    };
    decides.then_some(position)
}

/// Whether the widest precision is known only at run time, and libtorch does not find it itself.
fn widest(site: &Call<'_>) -> bool {
    let Some(op) = site.op else { return false };
    let facts: Vec<&Fact> = op.operands.iter().filter_map(|position| site.facts.get(*position)).collect();
    let same = facts.windows(2).all(|pair| pair[0].held == pair[1].held);
    let known = facts.iter().all(|fact| fact.tensor == Tensorness::Yes && fact.held != Held::Unknown);
    // Lists (`cat`, `stack`) are widened by libtorch itself.
    !(same && known) && (op.form == Form::Method || op.name == "bilinear")
}

/// A weight that is used through a view is cast below the view, where the cast can be kept for the region.
fn weights_below_views<'a>(context: &mut Context<'a>, site: &mut Call<'a>) {
    for cast in &site.casts {
        let mut operand = shape::bare(site.operands[cast.operand]);
        let mut view = None;
        while let Expr::MethodCall(call) = operand {
            let Some(index) = labels::label(&call.attrs).and_then(|label| context.plan.by_label.get(&label))
            else {
                break;
            };
            if !context.plan.calls[*index].op.is_some_and(|op| op.view) {
                view = None;
                break;
            }
            view = Some(*index);
            operand = shape::bare(&call.receiver);
        }
        if let Some(view) = view
            && shape::is_place(operand)
            && context.plan.calls[view].facts[0].since.is_none()
        {
            context.plan.calls[view].weight = true;
        }
    }
}
