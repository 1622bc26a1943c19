//! A value without a place (a call's result, an argument): it is moved in, and comes back as it was or cast.
use super::as_tensor::{AsTensor, Dereferenced, Lent};
use super::call::Call;
use super::cast::To;
use super::gate::{Gate, IsTensor, NotTensor, Site};
use super::layer::LayerCall;
use super::operand::{Operand, Receiver, Single};
use super::slot::{Shared, Slot};
use super::widest::Widest;
use crate::plan::LayerPlan;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use tch::{Kind, Tensor};

/// A value on its way through exactly one method.
pub struct Value<T> {
    /// Never dropped in here: some methods borrow the wrapper, which then outlives what the value borrows.
    inside: Option<ManuallyDrop<T>>,
}

/// Takes a value; reads like the constructor of [`Place`](super::place::Place).
#[allow(non_snake_case, reason = "it stands for a constructor")]
#[inline]
pub fn Value<T>(value: T) -> Value<T> {
    Value { inside: Some(ManuallyDrop::new(value)) }
}

impl<T> Value<T> {
    #[inline]
    fn take(&mut self) -> T {
        match self.inside.take() {
            Some(inside) => ManuallyDrop::into_inner(inside),
            None => unreachable!("a value goes through one method"),
        }
    }
}

/// Methods that hand back what they got, whatever the site.
macro_rules! elsewhere {
    ($([$($gate:ident)?] $name:ident($($argument:ty),*)),* $(,)?) => { $(
        #[inline]
        fn $name$(<$gate>)?(self, $(_: $argument),*) -> T {
            self.whole()
        }
    )* };
}

/// The method that casts a receiver `$to`, and its twin that shares the cast.
macro_rules! receiver_method {
    ($vis:vis, $receiver:ty, $name:ident, $shared:ident, $to:expr) => {
        #[inline]
        $vis fn $name<'s>(self, _site: &Site<IsTensor>, slot: &'s mut Slot) -> <$receiver as Receiver>::Out<'s>
        where
            $receiver: 's,
        {
            self.receiver().receive($to, slot, None)
        }

        #[inline]
        $vis fn $shared<'s>(
            self,
            _site: &Site<IsTensor>,
            slot: &'s mut Slot,
            shared: &'s Shared,
        ) -> <$receiver as Receiver>::Out<'s>
        where
            $receiver: 's,
        {
            self.receiver().receive($to, slot, Some(shared))
        }
    };
}

/// The methods of a value in front of the dot that has a `whole`, and a `receiver` to be cast.
macro_rules! receiver_methods {
    ($vis:vis, $whole:ty, $receiver:ty) => {
        receiver_method!($vis, $receiver, amp_low, amp_low_shared, To::Low);
        receiver_method!($vis, $receiver, amp_full, amp_full_shared, To::Full);

        #[inline]
        $vis fn amp_keep(self, site: &Site<IsTensor>) -> $whole {
            let whole = self.whole();
            site.note(Self::look(&whole));
            whole
        }

        #[inline]
        $vis fn amp_widest(self, _site: &Site<IsTensor>, _slot: &mut Slot) -> Widest<$receiver> {
            Widest(self.receiver())
        }

        #[inline]
        $vis fn amp_weight<'s>(self, slot: &'s mut Slot) -> <$receiver as Receiver>::Out<'s>
        where
            $receiver: 's,
        {
            self.receiver().receive(To::LowWeight, slot, None)
        }

        #[inline]
        $vis fn amp_at<'s>(self, plan: &'static LayerPlan, slot: &'s mut Slot) -> LayerCall<'s, $receiver> {
            LayerCall::new(self.receiver(), plan, slot, None)
        }

        #[inline]
        $vis fn amp_at_shared<'s>(
            self,
            plan: &'static LayerPlan,
            slot: &'s mut Slot,
            shared: &'s Shared,
        ) -> LayerCall<'s, $receiver> {
            LayerCall::new(self.receiver(), plan, slot, Some(shared))
        }

        #[inline]
        $vis fn amp_at_full<'s>(self, plan: &'static LayerPlan, slot: &'s mut Slot) -> LayerCall<'s, $receiver> {
            LayerCall::new(self.receiver(), plan, slot, None).in_full()
        }

        #[inline]
        $vis fn amp_probe(self, _site: &Site<IsTensor>) -> $whole {
            self.whole()
        }
    };
}

/// The method that casts an argument `$to`, and its twin that shares the cast.
macro_rules! argument_method {
    ($vis:vis, $whole:ty, $operand:ty, $name:ident, $shared:ident, $to:expr) => {
        #[inline]
        $vis fn $name<'s, K: Gate>(
            self,
            _site: &Site<K>,
            slot: &'s mut Slot,
        ) -> K::Pick<<$operand as Operand>::Out<'s>, $whole>
        where
            $operand: 's,
        {
            K::cast(self.whole(), |whole| Self::operand(whole).pass($to, slot, None))
        }

        #[inline]
        $vis fn $shared<'s, K: Gate>(
            self,
            _site: &Site<K>,
            slot: &'s mut Slot,
            shared: &'s Shared,
        ) -> K::Pick<<$operand as Operand>::Out<'s>, $whole>
        where
            $operand: 's,
        {
            K::cast(self.whole(), |whole| Self::operand(whole).pass($to, slot, Some(shared)))
        }
    };
}

/// The methods of an argument that has a `whole`, and an `operand` to be cast.
macro_rules! argument_methods {
    ($vis:vis, $whole:ty, $operand:ty) => {
        argument_method!($vis, $whole, $operand, amp_low_arg, amp_low_arg_shared, To::Low);
        argument_method!($vis, $whole, $operand, amp_full_arg, amp_full_arg_shared, To::Full);
    };
}

impl<T> Value<T> {
    #[inline]
    fn whole(mut self) -> T {
        self.take()
    }

    #[inline]
    fn receiver(self) -> T {
        self.whole()
    }

    #[inline]
    fn operand(whole: T) -> T {
        whole
    }

    #[inline]
    fn look(whole: &T) -> &Tensor
    where
        T: AsTensor,
    {
        whole.as_tensor()
    }
}

impl<T: Receiver> Value<T> {
    receiver_methods!(pub, T, T);
}

impl<T: Operand> Value<T> {
    argument_methods!(pub, T, T);
}

/// Operands of operators, which take values as well as references.
impl<T: Single> Value<T> {
    #[inline]
    pub fn amp_full_owned(self) -> Tensor {
        self.whole().owned(To::Full)
    }

    #[inline]
    pub fn amp_full_unless<K: Gate>(self, _site: &Site<K>) -> K::Pick<T, Tensor> {
        K::cast_unless(self.whole(), |operand| operand.owned(To::Full))
    }
}

impl<'a, T: Lent + ?Sized> Value<&'a T> {
    #[inline]
    pub fn amp_input<'s>(self, call: &Call, slot: &'s mut Slot) -> &'s Tensor
    where
        'a: 's,
    {
        call.input(self.whole().as_tensor(), slot, None)
    }

    #[inline]
    pub fn amp_input_shared<'s>(self, call: &Call, slot: &'s mut Slot, shared: &'s Shared) -> &'s Tensor
    where
        'a: 's,
    {
        call.input(self.whole().as_tensor(), slot, Some(shared))
    }
}

impl Value<Kind> {
    #[inline]
    pub fn amp_kind<K: Gate>(self, site: &Site<K>) -> K::Pick<Option<Kind>, Kind> {
        K::cast(self.whole(), |kind| site.output(Some(kind)))
    }

    #[inline]
    pub fn amp_kind_followed<K: Gate>(self, site: &Site<K>) -> K::Pick<Option<Kind>, Kind> {
        K::cast(self.whole(), |kind| site.followed(Some(kind)))
    }

    #[inline]
    pub fn amp_kind_full<K: Gate>(self, _site: &Site<K>) -> K::Pick<Option<Kind>, Kind> {
        K::cast(self.whole(), |kind| Site::<K>::output_of_full(Some(kind)))
    }
}

impl Value<Option<Kind>> {
    #[inline]
    pub fn amp_kind<K: Gate>(self, site: &Site<K>) -> K::Pick<Option<Kind>, Option<Kind>> {
        K::cast(self.whole(), |kind| site.output(kind))
    }

    #[inline]
    pub fn amp_kind_followed<K: Gate>(self, site: &Site<K>) -> K::Pick<Option<Kind>, Option<Kind>> {
        K::cast(self.whole(), |kind| site.followed(kind))
    }

    #[inline]
    pub fn amp_kind_full<K: Gate>(self, _site: &Site<K>) -> K::Pick<Option<Kind>, Option<Kind>> {
        K::cast(self.whole(), Site::<K>::output_of_full)
    }
}

/// What dereferences to a tensor.
pub trait ValueOfDeref: Sized {
    type Whole;
    type Receiver: Receiver;
    fn whole(self) -> Self::Whole;
    fn receiver(self) -> Self::Receiver;
    fn look(whole: &Self::Whole) -> &Tensor;
    receiver_methods!(, Self::Whole, Self::Receiver);
}

impl<N: Deref<Target = Tensor>> ValueOfDeref for Value<N> {
    type Whole = N;
    type Receiver = Dereferenced<N>;

    #[inline]
    fn whole(mut self) -> N {
        self.take()
    }

    #[inline]
    fn receiver(mut self) -> Dereferenced<N> {
        Dereferenced(self.take())
    }

    #[inline]
    fn look(whole: &N) -> &Tensor {
        whole
    }
}

/// A reference to what dereferences to a tensor.
pub trait ValueOfDerefRef: Sized {
    type Whole;
    type Receiver: Receiver + Operand;
    fn whole(self) -> Self::Whole;
    fn receiver(self) -> Self::Receiver;
    fn operand(whole: Self::Whole) -> Self::Receiver;
    fn look(whole: &Self::Whole) -> &Tensor;
    receiver_methods!(, Self::Whole, Self::Receiver);
    argument_methods!(, Self::Whole, Self::Receiver);
}

impl<'a, N: Deref<Target = Tensor> + ?Sized> ValueOfDerefRef for Value<&'a N> {
    type Whole = &'a N;
    type Receiver = &'a Tensor;

    #[inline]
    fn whole(mut self) -> &'a N {
        self.take()
    }

    #[inline]
    fn receiver(mut self) -> &'a Tensor {
        self.take()
    }

    #[inline]
    fn operand(whole: &'a N) -> &'a Tensor {
        whole
    }

    #[inline]
    fn look<'l>(whole: &'l &'a N) -> &'l Tensor {
        whole
    }
}

/// Numbers on the left of an operator whose right side may be a tensor.
pub trait ProbeNumber<T>: Sized {
    fn amp_probe(self, site: &Site<NotTensor>) -> T;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl ProbeNumber<$number> for Value<$number> {
            #[inline]
            fn amp_probe(mut self, _site: &Site<NotTensor>) -> $number {
                self.take()
            }
        }
    )* };
}

numbers!(i32, i64, f32, f64);

/// Everything else: it comes back as it is.
pub trait ValueElse<T>: Sized {
    fn whole(self) -> T;

    elsewhere! {
        [] amp_low(&Site<NotTensor>, &mut Slot),
        [] amp_low_shared(&Site<NotTensor>, &mut Slot, &Shared),
        [] amp_full(&Site<NotTensor>, &mut Slot),
        [] amp_full_shared(&Site<NotTensor>, &mut Slot, &Shared),
        [] amp_keep(&Site<NotTensor>),
        [] amp_widest(&Site<NotTensor>, &mut Slot),
        [] amp_weight(&mut Slot),
        [] amp_at(&LayerPlan, &mut Slot),
        [] amp_at_shared(&LayerPlan, &mut Slot, &Shared),
        [] amp_at_full(&LayerPlan, &mut Slot),
        [] amp_full_owned(),
        [] amp_input(&Call, &mut Slot),
        [] amp_input_shared(&Call, &mut Slot, &Shared),
        // What is neither tensor nor number decides for itself what it does with a tensor.
        [] amp_probe(&Site<IsTensor>),
        [K] amp_low_arg(&Site<K>, &mut Slot),
        [K] amp_low_arg_shared(&Site<K>, &mut Slot, &Shared),
        [K] amp_full_arg(&Site<K>, &mut Slot),
        [K] amp_full_arg_shared(&Site<K>, &mut Slot, &Shared),
        [K] amp_kind(&Site<K>),
        [K] amp_kind_followed(&Site<K>),
        [K] amp_kind_full(&Site<K>),
        [K] amp_full_unless(&Site<K>),
    }
}

impl<T> ValueElse<T> for &mut Value<T> {
    #[inline]
    fn whole(self) -> T {
        self.take()
    }
}
