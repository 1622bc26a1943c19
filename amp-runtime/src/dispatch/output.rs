//! What leaves an expression: what a function returns in f32, and what was written to.
use super::cast::To;
use super::operand::Single;
use crate::native::{self, recognize};
use crate::region;
use tch::Tensor;

/// What `#[amp(output = full)]` can cast.
#[diagnostic::on_unimplemented(
    message = "`output = full` cannot cast `{Self}`",
    label = "neither a tensor or number nor a tuple, `Option`, `Result` or `Vec` of them",
    note = "return tensors, or cast where the value is made and leave out `output = full`"
)]
pub trait OutputFull: Sized {
    /// The same in f32 where it is low.
    #[must_use]
    fn output_full(self) -> Self;
}

impl OutputFull for Tensor {
    fn output_full(self) -> Self {
        self.owned(To::Full)
    }
}

/// What stands beside tensors and has no precision of theirs.
macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl OutputFull for $number {
            fn output_full(self) -> Self {
                self
            }
        }
    )* };
}

numbers!((), bool, f32, f64, i32, i64, u32, u64, usize, String);

impl<T: OutputFull> OutputFull for Option<T> {
    fn output_full(self) -> Self {
        self.map(T::output_full)
    }
}

impl<T: OutputFull, E> OutputFull for Result<T, E> {
    fn output_full(self) -> Self {
        self.map(T::output_full)
    }
}

impl<T: OutputFull> OutputFull for Vec<T> {
    fn output_full(self) -> Self {
        self.into_iter().map(T::output_full).collect()
    }
}

macro_rules! tuples {
    ($($($member:ident)+),* $(,)?) => { $(
        impl<$($member: OutputFull),+> OutputFull for ($($member,)+) {
            #[allow(non_snake_case, reason = "a type and its value")]
            fn output_full(self) -> Self {
                let ($($member,)+) = self;
                ($($member.output_full(),)+)
            }
        }
    )* };
}

tuples!(A, A B, A B C, A B C D, A B C D E, A B C D E F, A B C D E F G, A B C D E F G H);

/// What a function returns, in f32 where it is low.
pub fn output_full<T: OutputFull>(value: T) -> T {
    value.output_full()
}

/// After an in-place operation: where it may have written to a weight, casts of weights are void.
#[inline]
pub fn wrote<T>(value: T) -> T {
    if region::within() && recognize::<T, Tensor>(&value).is_none_or(native::may_be_weight) {
        native::drop_casts();
    }
    value
}

/// After a `no_grad` call, in which weights may have been written to: casts of weights are void.
#[inline]
pub fn wrote_anything<T>(value: T) -> T {
    if region::within() {
        native::drop_casts();
    }
    value
}
