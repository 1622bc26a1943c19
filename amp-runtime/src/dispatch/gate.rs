//! A site: whether its receiver is a tensor decides about its arguments, and what the receiver was is noted for them.
use crate::native;
use crate::region::{self, Region};
use std::cell::Cell;
use std::marker::PhantomData;
use tch::{Kind, Tensor};

/// Whether the receiver of a site is a tensor: a type, inferred from the receiver.
pub trait Gate: 'static {
    /// `A` where it is, `B` where it is not.
    type Pick<A, B>;

    /// The cast where the receiver is a tensor.
    fn cast<T, A>(value: T, cast: impl FnOnce(T) -> A) -> Self::Pick<A, T>;

    /// The cast where the receiver is none.
    fn cast_unless<T, B>(value: T, cast: impl FnOnce(T) -> B) -> Self::Pick<T, B>;
}

/// The receiver is a tensor.
#[derive(Debug)]
pub enum IsTensor {}

/// The receiver is something else: its arguments are none of our business.
#[derive(Debug)]
pub enum NotTensor {}

impl Gate for IsTensor {
    type Pick<A, B> = A;

    #[inline]
    fn cast<T, A>(value: T, cast: impl FnOnce(T) -> A) -> A {
        cast(value)
    }

    #[inline]
    fn cast_unless<T, B>(value: T, _cast: impl FnOnce(T) -> B) -> T {
        value
    }
}

impl Gate for NotTensor {
    type Pick<A, B> = B;

    #[inline]
    fn cast<T, A>(value: T, _cast: impl FnOnce(T) -> A) -> T {
        value
    }

    #[inline]
    fn cast_unless<T, B>(value: T, cast: impl FnOnce(T) -> B) -> B {
        cast(value)
    }
}

/// What a receiver is, as far as the output's dtype depends on it.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// No region lowers anything on its device.
    Outside,
    Low,
    Other,
}

/// One operation of a body that has an operand of unknown type.
pub struct Site<K> {
    /// The receiver, where it is asked for.
    receiver: Cell<Seen>,
    /// Autocast is off for the one call; dropping switches it back on, also when that call panics.
    armed: Cell<Option<Region>>,
    gate: PhantomData<fn() -> K>,
}

impl<K: Gate> Site<K> {
    #[allow(clippy::new_without_default, reason = "generated code writes `new`, everywhere")]
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { receiver: Cell::new(Seen::Outside), armed: Cell::new(None), gate: PhantomData }
    }

    /// Autocast off, from after the last operand on.
    #[inline]
    pub fn arm<T>(&self, last_operand: T) -> T {
        self.armed.set(Some(region::island()));
        last_operand
    }

    /// Autocast as it was.
    #[inline]
    pub fn done<T>(&self, result: T) -> T {
        self.armed.set(None);
        result
    }

    /// Notes what the receiver is.
    #[inline]
    pub(super) fn note(&self, receiver: &Tensor) {
        let low = region::low_kinds();
        let seen = match native::glance(receiver) {
            _ if low.is_none() => Seen::Outside,
            Some((native::F16 | native::BF16, device)) if low.on(device).is_some() => Seen::Low,
            Some((_, device)) if low.on(device).is_some() => Seen::Other,
            _ => Seen::Outside,
        };
        self.receiver.set(seen);
    }

    /// The dtype to ask an operation for that gives f32: never a low one, and f32 where nothing is asked for and the receiver is low.
    #[inline]
    pub(super) fn output(&self, asked: Option<Kind>) -> Option<Kind> {
        match (self.receiver.get(), asked) {
            (Seen::Low, None) | (Seen::Low | Seen::Other, Some(Kind::Half | Kind::BFloat16)) => {
                Some(Kind::Float)
            }
            _ => asked,
        }
    }

    /// The same where the operand is f32 by now, whatever it was.
    #[inline]
    pub(super) fn output_of_full(asked: Option<Kind>) -> Option<Kind> {
        match asked {
            Some(Kind::Half | Kind::BFloat16) if !region::low_kinds().is_none() => Some(Kind::Float),
            _ => asked,
        }
    }

    /// The same for an operation that follows its operand: a low dtype is that of another tensor where the receiver is not low.
    #[inline]
    pub(super) fn followed(&self, asked: Option<Kind>) -> Option<Kind> {
        match (self.receiver.get(), asked) {
            (Seen::Other, Some(Kind::Half | Kind::BFloat16)) => Some(Kind::Float),
            _ => asked,
        }
    }
}

/// [`Site::done`] for generated code: a call begins and ends where the expression in it does.
#[inline]
pub fn resumed<K: Gate, T>(site: &Site<K>, result: T) -> T {
    site.done(result)
}
