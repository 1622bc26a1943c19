//! What may be cast: tensors, and what owns or borrows one.
use std::cell::{Ref, RefMut};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, MutexGuard, RwLockReadGuard, RwLockWriteGuard};
use tch::Tensor;

/// A tensor, or what owns or borrows one.
pub trait AsTensor {
    /// The tensor.
    fn as_tensor(&self) -> &Tensor;
}

impl AsTensor for Tensor {
    #[inline]
    fn as_tensor(&self) -> &Tensor {
        self
    }
}

macro_rules! as_tensor_through {
    ($($owner:ty),* $(,)?) => { $(
        impl<T: AsTensor + ?Sized> AsTensor for $owner {
            #[inline]
            fn as_tensor(&self) -> &Tensor {
                (**self).as_tensor()
            }
        }
    )* };
}

as_tensor_through!(
    &T,
    &mut T,
    Box<T>,
    Rc<T>,
    Arc<T>,
    Ref<'_, T>,
    RefMut<'_, T>,
    MutexGuard<'_, T>,
    RwLockReadGuard<'_, T>,
    RwLockWriteGuard<'_, T>,
);

/// What a layer's own signature takes as `&Tensor`: a reference to an owning pointer may be what it asks for.
pub trait Lent: AsTensor {}

impl Lent for Tensor {}
impl<T: Lent + ?Sized> Lent for &T {}
impl<T: Lent + ?Sized> Lent for &mut T {}
impl<T: Lent + ?Sized> Lent for Ref<'_, T> {}
impl<T: Lent + ?Sized> Lent for RefMut<'_, T> {}
impl<T: Lent + ?Sized> Lent for MutexGuard<'_, T> {}
impl<T: Lent + ?Sized> Lent for RwLockReadGuard<'_, T> {}
impl<T: Lent + ?Sized> Lent for RwLockWriteGuard<'_, T> {}

/// A value that dereferences to a tensor and is none of the above: a newtype.
pub struct Dereferenced<N>(pub(super) N);

impl<N: Deref<Target = Tensor>> AsTensor for Dereferenced<N> {
    #[inline]
    fn as_tensor(&self) -> &Tensor {
        &self.0
    }
}
