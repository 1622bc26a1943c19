//! `xs.apply(&layer)` and its like: the layer's type says in which precision it runs.
use super::as_tensor::AsTensor;
use super::call::{Running, Where};
use super::slot::{Shared, Slot};
use crate::native::each_layer;
use crate::plan::LayerPlan;
use std::rc::Rc;
use std::sync::Arc;
use tch::{Tensor, nn};

/// A tensor about to be applied to a layer; the methods are tch's, with tch's signatures.
pub struct LayerCall<'s, T> {
    input: T,
    plan: &'static LayerPlan,
    slot: &'s mut Slot,
    shared: Option<&'s Shared>,
    place: Where,
}

impl<'s, T: AsTensor> LayerCall<'s, T> {
    #[inline]
    pub(super) fn new(
        input: T,
        plan: &'static LayerPlan,
        slot: &'s mut Slot,
        shared: Option<&'s Shared>,
    ) -> Self {
        Self { input, plan, slot, shared, place: Where::Open }
    }

    /// In an island of full precision.
    #[inline]
    pub(super) fn in_full(self) -> Self {
        Self { place: Where::FullIsland, ..self }
    }

    pub fn apply<M: nn::Module>(self, layer: &M) -> Tensor {
        self.run(layer, |xs| xs.apply(layer))
    }

    pub fn apply_t<M: nn::ModuleT>(self, layer: &M, train: bool) -> Tensor {
        self.run(layer, |xs| xs.apply_t(layer, train))
    }

    pub fn apply_opt<M: nn::Module>(self, layer: &Option<M>) -> Tensor {
        match layer {
            Some(layer) => self.apply(layer),
            None => self.input.as_tensor().shallow_clone(),
        }
    }

    pub fn apply_opt_t<M: nn::ModuleT>(self, layer: &Option<M>, train: bool) -> Tensor {
        match layer {
            Some(layer) => self.apply_t(layer, train),
            None => self.input.as_tensor().shallow_clone(),
        }
    }

    fn run<M>(self, layer: &M, forward: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let running = Running::begin(layer, self.plan, self.place);
        let tensor = self.input.as_tensor();
        let cast = running.to().and_then(|to| to.cast(tensor, &mut self.slot.made, self.shared));
        let guard = running.guard(tensor);
        let result = forward(cast.unwrap_or(tensor));
        drop(guard);
        running.end();
        result
    }
}

/// A layer of which it is known how it computes: tch's own, and those whose `forward` is `#[amp]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an opaque layer: how it computes is not known  [amp::opaque]",
    label = "runs under libtorch's own autocast, which this function denies",
    note = "write `#[amp]` on its `impl nn::Module`, apply the layers of an `nn::Sequential` one by one, or allow it here with `#[amp(allow(opaque))]`"
)]
pub trait KnownLayer {}

macro_rules! known_layers {
    ($($layer:ty),* $(,)?) => { $( impl KnownLayer for $layer {} )* };
}

each_layer!(known_layers);

impl<M: KnownLayer + ?Sized> KnownLayer for &M {}
impl<M: KnownLayer + ?Sized> KnownLayer for &mut M {}
impl<M: KnownLayer + ?Sized> KnownLayer for Box<M> {}
impl<M: KnownLayer + ?Sized> KnownLayer for Rc<M> {}
impl<M: KnownLayer + ?Sized> KnownLayer for Arc<M> {}
impl<M: KnownLayer> KnownLayer for Option<M> {}

/// A layer that has to be known.
#[inline]
pub fn known<M: KnownLayer + ?Sized>(layer: &M) -> &M {
    layer
}
