//! Where the errors go: returned, panicked with, or the user's; never dropped.
use super::{Net, Result, alone, batches, builder, forward};
use amp_runtime::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use tch::{Kind, TchError, Tensor};

/// A loss that no wrapper takes.
fn integers() -> Tensor {
    Tensor::from(3i64)
}

#[amp(train_step)]
fn returning(opt: &mut OptimWrapper, loss: &Tensor) -> Result<i64> {
    loss.backward();
    opt.step();
    Ok(3)
}

#[amp(train_step)]
fn panicking(opt: &mut OptimWrapper, loss: &Tensor) -> i64 {
    loss.backward();
    opt.step();
    3
}

#[amp(train_step)]
fn fallible_twin(opt: &mut OptimWrapper, loss: &Tensor) -> std::result::Result<StepOutcome, String> {
    loss.f_backward().map_err(|error| format!("mine: {error}"))?;
    opt.step().map_err(|error| error.to_string())
}

#[amp(train_step)]
fn other_errors(
    opt: &mut OptimWrapper,
    loss: &Tensor,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    loss.backward();
    opt.clip_grad_norm(-1.);
    opt.step()?;
    Ok(())
}

#[amp(train_step)]
fn errors_of_tch(opt: &mut OptimWrapper, loss: &Tensor, limit: f64) -> std::result::Result<(), TchError> {
    opt.zero_grad();
    loss.f_backward()?;
    opt.clip_grad_norm(limit);
    opt.step();
    Ok(())
}

#[amp(train_step)]
#[allow(clippy::needless_for_each, reason = "the closure is what is looked at")]
fn in_a_closure(opt: &mut OptimWrapper, losses: &[Tensor], more: &[Tensor]) -> Result<()> {
    losses.iter().for_each(|loss: &Tensor| loss.backward());
    more.iter().try_for_each(|loss| -> Result<()> {
        loss.backward();
        Ok(())
    })?;
    opt.step();
    Ok(())
}

fn message(panicked: Box<dyn std::any::Any + Send>) -> String {
    *panicked.downcast::<String>().expect("a formatted message")
}

fn wrapper(net: &Net) -> OptimWrapper {
    builder(Precision::Bf16).build(&net.store).unwrap()
}

fn loss(net: &Net) -> Tensor {
    let (xs, ys) = &batches()[0];
    forward(net, xs, ys)
}

#[test]
fn a_result_is_returned() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    assert!(matches!(returning(&mut opt, &integers()), Err(OptimWrapperError::LossKind(Kind::Int64))));
    assert_eq!(returning(&mut opt, &loss(&net)).unwrap(), 3);
}

#[test]
fn without_a_result_it_is_a_panic_with_the_error() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    let panicked = catch_unwind(AssertUnwindSafe(|| panicking(&mut opt, &integers()))).unwrap_err();
    assert_eq!(message(panicked), OptimWrapperError::LossKind(Kind::Int64).to_string());
    assert_eq!(panicking(&mut opt, &loss(&net)), 3);
}

#[test]
fn a_panic_stands_at_the_users_call() {
    let _alone = alone();
    let at = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&at);
    let net = Net::new();
    let mut opt = wrapper(&net);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|place| (place.file().to_owned(), place.line()));
        *seen.lock().unwrap() = place;
    }));
    let panicked = catch_unwind(AssertUnwindSafe(|| panicking(&mut opt, &integers())));
    std::panic::set_hook(before);
    assert!(panicked.is_err());
    let (file, line) = at.lock().unwrap().clone().expect("a place");
    let text = include_str!("results.rs").lines().nth(line as usize - 1).unwrap();
    assert!(file.ends_with("results.rs") && text.trim() == "loss.backward();", "{file}:{line}: {text}");
}

#[test]
fn who_looks_at_a_result_keeps_it() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    assert!(fallible_twin(&mut opt, &integers()).unwrap_err().starts_with("mine: the loss is Int64"));
    assert!(matches!(fallible_twin(&mut opt, &loss(&net)), Ok(StepOutcome::Stepped(_))));
}

#[test]
fn an_error_becomes_the_functions_own() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    let error = other_errors(&mut opt, &loss(&net)).unwrap_err();
    assert!(error.is::<OptimWrapperError>(), "{error}");
}

#[test]
fn a_step_may_return_tchs_own_error() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    errors_of_tch(&mut opt, &loss(&net), 1.).unwrap();
    let refused = errors_of_tch(&mut opt, &loss(&net), -1.).unwrap_err();
    let said = opt.clip_grad_norm(-1.).unwrap_err();
    assert!(matches!(refused, TchError::Io(_)), "{refused:?}");
    assert_eq!(refused.to_string().lines().next(), said.to_string().lines().next());
}

#[test]
fn closures_have_errors_of_their_own() {
    let _alone = alone();
    let net = Net::new();
    let mut opt = wrapper(&net);
    in_a_closure(&mut opt, &[loss(&net)], &[loss(&net)]).unwrap();
    assert_eq!(opt.applied_updates().unwrap(), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| in_a_closure(&mut opt, &[integers()], &[]))).is_err());
    assert!(in_a_closure(&mut opt, &[], &[integers()]).is_err());
}
