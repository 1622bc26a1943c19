//! What `#[amp(train_step)]` writes into a function: backward with its optimizer, and errors that nobody looks at.
use crate::optim_wrapper::{OptimWrapper, OptimWrapperError, Scaled};
use std::fmt::Display;
use tch::Tensor;

impl OptimWrapper {
    /// The wrapper itself, whatever holds it: a name, a reference, a `RefMut`.
    #[doc(hidden)]
    pub fn __wrapper(&mut self) -> &mut Self {
        self
    }
}

/// `loss.backward()` of a training step.
///
/// # Errors
/// As [`OptimWrapper::backward`].
pub fn backward(loss: &Tensor, wrapper: &mut OptimWrapper) -> Result<(), OptimWrapperError> {
    scaled(wrapper.backward(loss))
}

/// A backward whose gradients wait for `step`.
///
/// # Errors
/// The backward's.
pub fn scaled(result: Result<Scaled<'_>, OptimWrapperError>) -> Result<(), OptimWrapperError> {
    result.map(|scaled| drop(scaled.accumulate()))
}

/// Drops what a statement leaves, on purpose.
pub fn done<T>(_: T) {}

/// The value, where a function has no `Result` to return an error with.
///
/// # Panics
/// With the error's text, at the caller, as tch's own methods do.
#[track_caller]
pub fn or_panic<T, E: Display>(result: Result<T, E>) -> T {
    // Not `unwrap_or_else`: in its closure the caller would be forgotten.
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
