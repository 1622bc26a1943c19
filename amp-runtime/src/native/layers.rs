//! A layer seen through a generic type: what trait bounds cannot say without `'static`.
use std::any::TypeId;
use std::rc::Rc;
use std::sync::Arc;
use tch::{Tensor, nn};

/// The types that a generic value may be recognized as. Each is free of lifetimes, which is what makes it sound.
pub(crate) trait Recognized: 'static + private::Sealed {}

mod private {
    pub(crate) trait Sealed {}
}

macro_rules! recognized {
    ($($layer:ty),* $(,)?) => { $(
        impl private::Sealed for $layer {}
        impl Recognized for $layer {}
    )* };
}

/// Hands tch's layers, all that are known, to a macro.
macro_rules! each_layer {
    ($with:ident) => {
        $with!(
            nn::Linear,
            nn::Conv1D,
            nn::Conv2D,
            nn::Conv3D,
            nn::ConvTranspose1D,
            nn::ConvTranspose2D,
            nn::ConvTranspose3D,
            nn::LSTM,
            nn::GRU,
            nn::LayerNorm,
            nn::GroupNorm,
            nn::BatchNorm,
            nn::Embedding,
        );
    };
}
pub(crate) use each_layer;

each_layer!(recognized);
recognized!(Tensor, nn::GRUState, nn::LSTMState, (Tensor, nn::GRUState), (Tensor, nn::LSTMState));

/// The value as a `T`, if that is what it is, or what it refers to or owns.
#[inline]
pub(crate) fn recognize<M: ?Sized, T: Recognized>(value: &M) -> Option<&T> {
    let id = typeid::of::<M>();
    let at: *const M = value;
    // SAFETY: `M` is the type read, up to lifetimes. `T` has none, and a reference within `M` outlives the borrow of `value`,
    // which is the lifetime that comes out.
    unsafe {
        if id == TypeId::of::<T>() {
            Some(&*at.cast::<T>())
        } else if id == TypeId::of::<&'static T>() {
            Some(*at.cast::<&T>())
        } else if id == TypeId::of::<&'static mut T>() {
            Some(&**at.cast::<&T>())
        } else if id == TypeId::of::<Box<T>>() {
            Some(&*at.cast::<Box<T>>())
        } else if id == TypeId::of::<Rc<T>>() {
            Some(&*at.cast::<Rc<T>>())
        } else if id == TypeId::of::<Arc<T>>() {
            Some(&*at.cast::<Arc<T>>())
        } else {
            None
        }
    }
}
