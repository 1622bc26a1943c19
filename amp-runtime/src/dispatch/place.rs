//! A place in front of the dot (a path, a field, an index): it is looked at, not moved.
use super::as_tensor::AsTensor;
use super::cast::To;
use super::gate::{IsTensor, NotTensor, Site};
use super::layer::LayerCall;
use super::operand::Single;
use super::slot::{Shared, Slot};
use super::widest::Widest;
use crate::plan::LayerPlan;
use std::ops::Deref;
use tch::Tensor;

/// A place.
pub struct Place<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Place<'_, T> {}

/// The method that casts a place `$to`, and its twin that shares the cast.
macro_rules! cast_method {
    ($vis:vis, $name:ident, $shared:ident, $to:expr) => {
        #[inline]
        $vis fn $name<'s>(self, _site: &Site<IsTensor>, slot: &'s mut Slot) -> &'s Tensor where 'a: 's {
            self.tensor().single($to, slot, None)
        }

        #[inline]
        $vis fn $shared<'s>(self, _site: &Site<IsTensor>, slot: &'s mut Slot, shared: &'s Shared) -> &'s Tensor
        where
            'a: 's,
        {
            self.tensor().single($to, slot, Some(shared))
        }
    };
}

/// The methods of a place that has a `tensor` and a `whole`.
macro_rules! methods {
    ($vis:vis, $whole:ty) => {
        cast_method!($vis, amp_low, amp_low_shared, To::Low);
        cast_method!($vis, amp_full, amp_full_shared, To::Full);

        #[inline]
        $vis fn amp_keep(self, site: &Site<IsTensor>) -> &'a $whole {
            site.note(self.tensor());
            self.whole()
        }

        #[inline]
        $vis fn amp_widest(self, _site: &Site<IsTensor>, _slot: &mut Slot) -> Widest<&'a Tensor> {
            Widest(self.tensor())
        }

        #[inline]
        $vis fn amp_weight<'s>(self, slot: &'s mut Slot) -> &'s Tensor where 'a: 's {
            self.tensor().single(To::LowWeight, slot, None)
        }

        #[inline]
        $vis fn amp_at<'s>(self, plan: &'static LayerPlan, slot: &'s mut Slot) -> LayerCall<'s, &'a Tensor> {
            LayerCall::new(self.tensor(), plan, slot, None)
        }

        #[inline]
        $vis fn amp_at_shared<'s>(
            self,
            plan: &'static LayerPlan,
            slot: &'s mut Slot,
            shared: &'s Shared,
        ) -> LayerCall<'s, &'a Tensor> {
            LayerCall::new(self.tensor(), plan, slot, Some(shared))
        }

        #[inline]
        $vis fn amp_at_full<'s>(self, plan: &'static LayerPlan, slot: &'s mut Slot) -> LayerCall<'s, &'a Tensor> {
            LayerCall::new(self.tensor(), plan, slot, None).in_full()
        }
    };
}

impl<'a, T: AsTensor + ?Sized> Place<'a, T> {
    fn tensor(self) -> &'a Tensor {
        self.0.as_tensor()
    }

    fn whole(self) -> &'a T {
        self.0
    }

    methods!(pub, T);
}

/// What dereferences to a tensor.
pub trait PlaceOfDeref<'a>: Copy {
    type Whole: ?Sized + 'a;
    fn tensor(self) -> &'a Tensor;
    fn whole(self) -> &'a Self::Whole;
    methods!(, Self::Whole);
}

impl<'a, N: Deref<Target = Tensor> + ?Sized> PlaceOfDeref<'a> for Place<'a, N> {
    type Whole = N;

    fn tensor(self) -> &'a Tensor {
        self.0
    }

    fn whole(self) -> &'a N {
        self.0
    }
}

/// A reference to what dereferences to a tensor.
pub trait PlaceOfDerefRef<'a>: Copy {
    type Whole: ?Sized + 'a;
    fn tensor(self) -> &'a Tensor;
    fn whole(self) -> &'a Self::Whole;
    methods!(, Self::Whole);
}

impl<'a, N: Deref<Target = Tensor> + ?Sized> PlaceOfDerefRef<'a> for Place<'a, &N> {
    type Whole = N;

    fn tensor(self) -> &'a Tensor {
        self.0
    }

    fn whole(self) -> &'a N {
        self.0
    }
}

/// A place that is no tensor, lent for a method whose name is also an operation's.
///
/// It can be looked at. A method that consumes it or writes to it does not compile, and then its name is in rustc's message:
/// write `#[amp(skip)]` on the statement, and the method is called as written.
pub struct WriteAmpSkip<'a, T: ?Sized>(&'a T);

impl<T: ?Sized> Deref for WriteAmpSkip<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0
    }
}

/// Methods that hand back what they got.
macro_rules! elsewhere {
    ($($name:ident($($argument:ty),*)),* $(,)?) => { $(
        #[inline]
        fn $name(self, $(_: $argument),*) -> WriteAmpSkip<'a, T> {
            WriteAmpSkip(self.whole())
        }
    )* };
}

/// Everything else: it comes back as it is.
pub trait PlaceElse<'a, T: ?Sized + 'a>: Sized {
    fn whole(self) -> &'a T;

    elsewhere! {
        amp_low(&Site<NotTensor>, &mut Slot),
        amp_low_shared(&Site<NotTensor>, &mut Slot, &Shared),
        amp_full(&Site<NotTensor>, &mut Slot),
        amp_full_shared(&Site<NotTensor>, &mut Slot, &Shared),
        amp_keep(&Site<NotTensor>),
        amp_widest(&Site<NotTensor>, &mut Slot),
        amp_weight(&mut Slot),
        amp_at(&LayerPlan, &mut Slot),
        amp_at_shared(&LayerPlan, &mut Slot, &Shared),
        amp_at_full(&LayerPlan, &mut Slot),
    }
}

impl<'a, T: ?Sized> PlaceElse<'a, T> for &Place<'a, T> {
    #[inline]
    fn whole(self) -> &'a T {
        self.0
    }
}
