//! What is said about a wrong training step.
use super::place::Place;
use super::state::Mistake;
use crate::errors::{self, Message};
use proc_macro2::Ident;

const ORDER: &str = "train_step_order";
const MISSING: &str = "train_step_missing";
const OPTIMIZER: &str = "train_step_optimizer";
const UNSEEN: &str = "train_step_unseen";

/// A call that no path to it makes right.
pub(super) fn order(mistake: Mistake, call: &Ident, place: &Place) -> Message {
    let message = match mistake {
        Mistake::StepBeforeBackward => Message::new(format!("`{call}` before `backward`"))
            .note(format!("on no path to here were gradients computed for `{place}`"))
            .help(format!("call `loss.backward()` first, or write `{place}.backward_step(&loss)`")),
        Mistake::TwoSteps => Message::new(format!("`{call}` after the update: its gradients are gone"))
            .note("an update, applied or skipped, ends with the gradients set to none")
            .help("remove one of the two, or compute the next loss's `backward()` between them"),
        Mistake::ClipBeforeBackward => Message::new(format!("`{call}` before `backward`"))
            .note(format!("on no path to here is there a gradient of `{place}` to clip"))
            .help("clip between `loss.backward()` and `step()`"),
        Mistake::ClipAfterStep => Message::new(format!("`{call}` after the update: its gradients are gone"))
            .note("clipping limits what the next `step()` applies")
            .help("clip between `loss.backward()` and `step()`"),
        Mistake::GradientsDropped => Message::new(format!(
            "`{call}` after `zero_grad` dropped the gradients of `backward`"
        ))
        .note(format!("on every path to here `zero_grad` stands between `backward` and `{call}`"))
        .help("call `zero_grad()` before `backward()`, or leave it out: `step()` ends with no gradients"),
        Mistake::BackwardAfterClip => Message::new(format!("`{call}` after clipping, before `step`"))
            .note("its gradients would carry the loss scale and be added to unscaled, clipped ones")
            .help("call `step()` first; to accumulate, clip after the last `backward()`"),
    };
    message.rule(ORDER)
}

/// Gradients that nobody uses.
pub(super) fn no_step(place: &Place) -> Message {
    Message::new(format!("this training step never steps `{place}`"))
        .rule(MISSING)
        .note("its gradients would be computed and nothing updated")
        .help(format!("call `{place}.step()` after `backward()`, or write `{place}.backward_step(&loss)`"))
}

/// A function without backward and step.
pub(super) fn no_update(place: &Place) -> Message {
    Message::new(format!("this training step computes no gradients and never steps `{place}`"))
        .rule(MISSING)
        .help(format!("call `loss.backward()` and `{place}.step()`, or remove `train_step`"))
}

/// Nothing to wire the scaler to.
pub(super) fn no_optimizer() -> Message {
    Message::new("a training step without an optimizer")
        .rule(OPTIMIZER)
        .note("no parameter is an `OptimWrapper`, whose loss scale `backward` and `step` need")
        .help("add `opt: &mut OptimWrapper`, or name a place or a local: `#[amp(train_step, optimizer = self.opt)]`")
}

/// `&OptimWrapper`.
pub(super) fn shared_optimizer(name: &str) -> Message {
    Message::new("an update changes its optimizer, and this one is borrowed for reading")
        .rule(OPTIMIZER)
        .help(format!("write `{name}: &mut OptimWrapper`"))
}

/// tch's own.
pub(super) fn optimizer_of_tch(name: &str) -> Message {
    Message::new("tch's own optimizer knows no loss scale")
        .rule(OPTIMIZER)
        .note("it would apply scaled gradients, and would not skip an overflow")
        .help(format!("write `{name}: &mut OptimWrapper`, built once with `OptimWrapper::wrap(optimizer)`"))
}

/// `optimizer = self.opt()`, `optimizer = opts[i]`.
pub(super) fn no_place(written: &str) -> Message {
    Message::new(format!("`{written}` is no place that can be followed"))
        .rule(OPTIMIZER)
        .note("each call would have to be known to mean the same optimizer")
        .help("bind it to a name first (`let opt = ..;`), and name that")
}

/// `optimizer = optimm`, a name that the body does not know.
pub(super) fn unknown(place: &Place, parameters: &[Place]) -> Message {
    let names: Vec<&str> = parameters.iter().map(Place::root).collect();
    Message::new(format!("this training step has no `{}`", place.root()))
        .rule(OPTIMIZER)
        .note("it is no parameter, and the body does not mention it")
        .help(if names.is_empty() {
            "name a parameter, a field or a local".to_owned()
        } else {
            errors::suggestion(place.root(), &names)
        })
}

/// Several optimizers, none of them named.
pub(super) fn whose(places: &[Place]) -> Message {
    let names: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    let first = &places[0];
    Message::new("whose gradients are these?")
        .rule(OPTIMIZER)
        .note(format!(
            "this training step has the optimizers {}, each with a loss scale of its own",
            names.join(", ")
        ))
        .help(format!("write `#[amp(optimizer = {first})]` before the statement"))
}

/// A backward that cannot be wired.
pub(super) fn unseen(where_to: &str) -> Message {
    Message::new(format!("`backward` inside {where_to} cannot be given the loss scale"))
        .rule(UNSEEN)
        .note("its tokens stay as written, and its gradients would lack the scale that `step` divides by")
        .help("move the `backward()` out of it")
}
