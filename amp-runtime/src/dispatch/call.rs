//! `layer.forward(&xs)` and its like, whose signatures may be anything: what the layer is, is noted before the call.
use super::cast::To;
use super::class::{self, Layer};
use super::make::warn_of_f16_on_cpu;
use super::slot::{Shared, Slot};
use crate::native::{self, F16, HiddenWeights};
use crate::plan::{LayerClass, LayerPlan};
use crate::region::{self, Region};
use std::cell::Cell;
use tch::Tensor;

/// Where a layer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Open,
    /// Every layer gets its input in f32.
    FullIsland,
}

/// A layer call under way.
#[derive(Clone, Copy)]
pub(super) struct Running {
    layer: Layer,
    plan: &'static LayerPlan,
    place: Where,
    /// Where a recurrent layer lies.
    address: usize,
    /// How many regions had been entered before.
    entered: u64,
}

impl Running {
    #[inline]
    pub(super) fn begin<M: ?Sized>(layer: &M, plan: &'static LayerPlan, place: Where) -> Self {
        let kind = Layer::of(layer);
        if kind == Layer::Low && !region::low_kinds().is_none() {
            class::watch(layer);
        }
        let address = if let Layer::Recurrent { .. } = kind { class::address(layer) } else { 0 };
        Self { layer: kind, plan, place, address, entered: region::entered() }
    }

    /// `env.step(..)` and `iter.seq(..)`, which have nothing to do with layers.
    fn is_none(self) -> bool {
        self.layer == Layer::Opaque && ["step", "seq", "seq_init"].contains(&self.method())
    }

    /// The method, without what the plan writes around it: `step` of `self.lstm.step(..)`.
    fn method(self) -> &'static str {
        let call = self.plan.call.split('(').next().unwrap_or_default();
        call.rsplit('.').next().unwrap_or_default()
    }

    /// With what is known once the input is.
    fn with(self, input: &Tensor) -> Self {
        let is_sequence = matches!(self.layer, Layer::Recurrent { .. }) && self.method() == "seq";
        if is_sequence { Self { layer: self.layer.of_sequences(input), ..self } } else { self }
    }

    /// What the input is cast to.
    #[inline]
    pub(super) fn to(self) -> Option<To> {
        match (self.place, self.layer) {
            _ if self.is_none() => None,
            (Where::FullIsland, _) | (_, Layer::Full) => Some(To::Full),
            (_, Layer::Low | Layer::Recurrent { .. }) => Some(To::Low),
            (_, Layer::Follow | Layer::Opaque) => None,
        }
    }

    /// What has to hold while the layer runs.
    #[inline]
    pub(super) fn guard(self, input: &Tensor) -> Option<LayerGuard> {
        let low = region::low_kinds();
        if low.is_none() || self.place == Where::FullIsland {
            return None;
        }
        match self.layer {
            Layer::Full => Some(LayerGuard::Suspended { _region: region::island() }),
            Layer::Recurrent { .. } => match native::begin_recurrent(self.address) {
                HiddenWeights::Watched => None,
                HiddenWeights::Sought => Some(LayerGuard::Sought { address: self.address }),
                _ if self.method() == "step" => {
                    Some(LayerGuard::Uncached { before: native::set_cast_cache(false) })
                }
                _ => {
                    // Within one sequence the weights stay what they are; each step would cast them anew without the cache.
                    native::drop_ambient_casts();
                    None
                }
            },
            Layer::Low if low.on(0) == Some(F16) => {
                warn_of_f16_on_cpu(input);
                None
            }
            _ => None,
        }
    }

    /// Counts what the layer was.
    #[inline]
    pub(super) fn end(self) {
        if self.is_none() {
            return;
        }
        let class = match self.layer.class() {
            LayerClass::Opaque if region::entered() != self.entered => LayerClass::Amp,
            LayerClass::Opaque => {
                native::unseen_layer();
                LayerClass::Opaque
            }
            class => class,
        };
        self.plan.seen.record(class);
    }
}

/// What holds while a layer runs, also if it panics.
pub(super) enum LayerGuard {
    /// Autocast is off.
    Suspended { _region: Region },
    /// libtorch keeps no casts of weights.
    Uncached { before: bool },
    /// What a recurrent layer returns says which its weights are.
    Sought { address: usize },
}

impl Drop for LayerGuard {
    fn drop(&mut self) {
        if let Self::Uncached { before } = self {
            native::set_cast_cache(*before);
        }
    }
}

/// One call of a layer's own method.
pub struct Call {
    running: Cell<Option<Running>>,
    guard: Cell<Option<LayerGuard>>,
}

/// A layer that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked(());

impl Call {
    #[allow(clippy::new_without_default, reason = "generated code writes `new`, everywhere")]
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { running: Cell::new(None), guard: Cell::new(None) }
    }

    /// Notes what the layer is.
    #[inline]
    pub fn look<M: ?Sized>(&self, layer: &M, plan: &'static LayerPlan) -> Looked {
        self.running.set(Some(Running::begin(layer, plan, Where::Open)));
        Looked(())
    }

    /// The same in an island of full precision.
    #[inline]
    pub fn look_full<M: ?Sized>(&self, layer: &M, plan: &'static LayerPlan) -> Looked {
        self.running.set(Some(Running::begin(layer, plan, Where::FullIsland)));
        Looked(())
    }

    /// The input as the layer wants it; from here on it holds what the layer needs.
    #[inline]
    pub(super) fn input<'s>(
        &self,
        input: &'s Tensor,
        slot: &'s mut Slot,
        shared: Option<&'s Shared>,
    ) -> &'s Tensor {
        let Some(running) = self.running.get().map(|running| running.with(input)) else { return input };
        self.running.set(Some(running));
        let cast = running.to().and_then(|to| to.cast(input, &mut slot.made, shared));
        self.guard.set(running.guard(input));
        cast.unwrap_or(input)
    }
}

/// The call has returned.
#[inline]
pub fn called<T>(_looked: Looked, call: &Call, result: T) -> T {
    if let Some(LayerGuard::Sought { address }) = call.guard.take()
        && let Some(output) = class::output(&result)
    {
        native::end_recurrent(address, output);
    }
    if let Some(running) = call.running.take() {
        running.end();
    }
    result
}
