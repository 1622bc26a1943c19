//! Training steps: the body is ordinary tch training code, and the loss scaler is wired in.
//!
//! | written | becomes |
//! |---|---|
//! | `loss.backward()`, `Tensor::backward(&loss)` | the scaled backward of the step's [`OptimWrapper`](calls) |
//! | `loss.f_backward()` | the same, as a `Result` of the wrapper's error |
//! | `opt.step();`, `opt.clip_grad_norm(1.);`, ... as a statement | the same call, whose error is the function's |
//! | `opt.step()?`, `let outcome = opt.step()`, `opt.step().unwrap()` | as written: whoever looks at the `Result` keeps it |
//!
//! An error that the body does not look at is never dropped: a function (or closure) that is declared to return a `Result`
//! returns it with `?`; in any other it is a panic with the error's text, at the call, as tch's own methods do.
//! The gradients of `backward` carry the loss scale until the first clip or `step`, which divide by it once.
//! Nested functions and `async` blocks are not entered; a statement or block marked `#[amp(skip)]` stays as written.
mod attributes;
mod calls;
mod check;
mod mistakes;
mod optimizers;
mod order;
mod place;
mod state;
mod survey;
#[cfg(test)]
mod tests;
mod track;
mod wire;

pub(crate) use check::check;
pub(crate) use wire::wire;
