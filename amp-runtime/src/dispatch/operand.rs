//! How operands are cast: by reference where they are borrowed, in a slot or beside their owner where they are not.
use super::as_tensor::{AsTensor, Dereferenced};
use super::cast::To;
use super::slot::{Held, Shared, Slot};
use crate::native;
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

impl Operand for Option<Tensor> {
    type Out<'s>
        = Option<Tensor>
    where
        Self: 's;

    // Stays a tensor: another argument of the same type parameter may be `None::<Tensor>`.
    #[inline]
    fn pass<'s>(self, to: To, _slot: &'s mut Slot, _shared: Option<&'s Shared>) -> Option<Tensor>
    where
        Self: 's,
    {
        self.map(|operand| operand.owned(to))
    }
}

macro_rules! optional {
    ($($reference:ty),*) => { $(
        impl<'a, T: AsTensor + ?Sized> Operand for Option<$reference> {
            type Out<'s> = Option<&'s Tensor> where Self: 's;

            #[inline]
            fn pass<'s>(self, to: To, slot: &'s mut Slot, shared: Option<&'s Shared>) -> Option<&'s Tensor>
            where
                Self: 's,
            {
                self.map(|operand| operand.single(to, slot, shared))
            }
        }
    )* };
}

optional!(&'a T, &'a mut T);

/// A list of tensors as it is, or with casts among them: then the others are kept beside them, new handles of the same tensors.
fn cast_tensors<'s>(list: &'s [Tensor], to: To, slot: &'s mut Slot) -> &'s [Tensor] {
    if list.iter().all(|tensor| to.wanted(tensor).is_none()) {
        return list;
    }
    slot.list = list.iter().map(|operand| operand.owned(to)).collect();
    &slot.list
}

/// The same for references, which stay references: another argument may share their type.
fn cast_references<'s, T: AsTensor + ?Sized>(
    list: &'s [&'s T],
    to: To,
    slot: &'s mut Slot,
) -> &'s [&'s Tensor] {
    slot.casts = list
        .iter()
        .map(|operand| {
            let mut made = None;
            to.cast(operand.as_tensor(), &mut made, None);
            made
        })
        .collect();
    let tensors =
        slot.casts.iter().zip(list).map(|(cast, operand)| cast.as_ref().unwrap_or(operand.as_tensor()));
    native::references(tensors, &mut slot.pointers)
}

macro_rules! lists {
    ($($cast:ident [$($generics:tt)*] $list:ty => $out:ty),* $(,)?) => { $(
        impl<$($generics)*> Operand for $list {
            type Out<'s> = $out where Self: 's;

            #[inline]
            fn pass<'s>(self, to: To, slot: &'s mut Slot, _shared: Option<&'s Shared>) -> $out where Self: 's {
                $cast(self, to, slot)
            }
        }
    )* };
}

lists!(
    cast_tensors ['a] &'a [Tensor] => &'s [Tensor],
    cast_tensors ['a] &'a Vec<Tensor> => &'s [Tensor],
    cast_tensors ['a, const N: usize] &'a [Tensor; N] => &'s [Tensor],
    cast_references ['a, 'b, T: AsTensor + ?Sized] &'a [&'b T] => &'s [&'s Tensor],
    cast_references ['a, 'b, T: AsTensor + ?Sized] &'a Vec<&'b T> => &'s [&'s Tensor],
    cast_references ['a, 'b, T: AsTensor + ?Sized, const N: usize] &'a [&'b T; N] => &'s [&'s Tensor],
);
