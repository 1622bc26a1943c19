//! How operands are cast: by reference where they are borrowed, in a slot or beside their owner where they are not.
use super::as_tensor::{AsTensor, Dereferenced};
use super::cast::To;
use super::slot::{Held, Shared, Slot};
use std::cell::{Ref, RefMut};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, MutexGuard, RwLockReadGuard, RwLockWriteGuard};
use tch::Tensor;

/// How a value is cast that stands in front of the dot.
pub trait Receiver: AsTensor + Sized {
    /// What the method is then called on.
    type Out<'s>
    where
        Self: 's;

    /// The cast, or what there was.
    fn receive<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> Self::Out<'s>
    where
        Self: 's;
}

/// How a value is cast that is an argument.
pub trait Operand: Sized {
    /// What is then passed.
    type Out<'s>
    where
        Self: 's;

    /// The cast, or what there was.
    fn pass<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> Self::Out<'s>
    where
        Self: 's;
}

/// The three forms in which one tensor is passed, each of which comes out as a reference.
pub trait Single: Sized {
    /// The cast, or what there was.
    fn single<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor
    where
        Self: 's;

    /// The cast, or what there was, as a handle of its own.
    fn owned(self, to: To) -> Tensor;
}

impl<T: AsTensor + ?Sized> Single for &T {
    #[inline]
    fn single<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor
    where
        Self: 's,
    {
        let tensor = self.as_tensor();
        to.cast(tensor, &mut slot.made, shared).unwrap_or(tensor)
    }

    fn owned(self, to: To) -> Tensor {
        let (tensor, mut made) = (self.as_tensor(), None);
        to.cast(tensor, &mut made, None);
        made.unwrap_or_else(|| tensor.shallow_clone())
    }
}

impl<T: AsTensor + ?Sized> Single for &mut T {
    #[inline]
    fn single<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor
    where
        Self: 's,
    {
        let tensor: &'s Tensor = (*self).as_tensor();
        to.cast(tensor, &mut slot.made, shared).unwrap_or(tensor)
    }

    fn owned(self, to: To) -> Tensor {
        let (tensor, mut made) = (self.as_tensor(), None);
        to.cast(tensor, &mut made, None);
        made.unwrap_or_else(|| tensor.shallow_clone())
    }
}

impl Single for Tensor {
    #[inline]
    fn single<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor
    where
        Self: 's,
    {
        match to.cast(&self, &mut slot.made, shared) {
            Some(cast) => cast,
            None => slot.owned.insert(self),
        }
    }

    fn owned(self, to: To) -> Tensor {
        let mut made = None;
        to.cast(&self, &mut made, None);
        made.unwrap_or(self)
    }
}

macro_rules! singles {
    ($([$($generics:tt)*] $single:ty),* $(,)?) => { $(
        impl<$($generics)*> Receiver for $single {
            type Out<'s> = &'s Tensor where Self: 's;

            #[inline]
            fn receive<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor where Self: 's {
                self.single(to, slot, shared)
            }
        }

        impl<$($generics)*> Operand for $single {
            type Out<'s> = &'s Tensor where Self: 's;

            #[inline]
            fn pass<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> &'s Tensor where Self: 's {
                self.single(to, slot, shared)
            }
        }
    )* };
}

singles!(['a, T: AsTensor + ?Sized] &'a T, ['a, T: AsTensor + ?Sized] &'a mut T, [] Tensor);

macro_rules! held {
    ($([$($generics:tt)*] $owner:ty),* $(,)?) => { $(
        impl<$($generics)*> Receiver for $owner {
            type Out<'s> = Held<'s, Self> where Self: 's;

            #[inline]
            fn receive<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> Held<'s, Self> where Self: 's {
                Held { cast: to.cast(self.as_tensor(), &mut slot.made, shared), owner: self }
            }
        }
    )* };
}

held!(
    [T: AsTensor + ?Sized] Box<T>,
    [T: AsTensor + ?Sized] Rc<T>,
    [T: AsTensor + ?Sized] Arc<T>,
    ['a, T: AsTensor + ?Sized] Ref<'a, T>,
    ['a, T: AsTensor + ?Sized] RefMut<'a, T>,
    ['a, T: AsTensor + ?Sized] MutexGuard<'a, T>,
    ['a, T: AsTensor + ?Sized] RwLockReadGuard<'a, T>,
    ['a, T: AsTensor + ?Sized] RwLockWriteGuard<'a, T>,
    [N: Deref<Target = Tensor>] Dereferenced<N>,
);

impl<S: Single> Operand for Option<S> {
    type Out<'s>
        = Option<&'s Tensor>
    where
        Self: 's;

    #[inline]
    fn pass<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> Option<&'s Tensor>
    where
        Self: 's,
    {
        self.map(|operand| operand.single(to, slot, shared))
    }
}

/// Lists are cast tensor by tensor. Where one is, the others are kept beside it: new handles, the same tensors.
fn cast_list<'s, T: AsTensor>(list: &'s [T], to: To, slot: &'s mut Slot) -> &'s [Tensor] {
    if let Some(list) = T::as_list(list).filter(|list| list.iter().all(|tensor| to.wanted(tensor).is_none()))
    {
        return list;
    }
    slot.list = list
        .iter()
        .map(|operand| {
            let (tensor, mut made) = (operand.as_tensor(), None);
            to.cast(tensor, &mut made, None);
            made.unwrap_or_else(|| tensor.shallow_clone())
        })
        .collect();
    &slot.list
}

macro_rules! lists {
    ($([$($generics:tt)*] $list:ty),* $(,)?) => { $(
        impl<$($generics)*> Operand for $list {
            type Out<'s> = &'s [Tensor] where Self: 's;

            #[inline]
            fn pass<'s>(self, to: To, slot: &'s mut Slot, _shared: Option<&'s Shared>) -> &'s [Tensor] where Self: 's {
                cast_list(self, to, slot)
            }
        }
    )* };
}

lists!(['a, T: AsTensor] &'a [T], ['a, T: AsTensor] &'a Vec<T>, ['a, T: AsTensor, const N: usize] &'a [T; N]);
