//! What class a layer has, by its type: also behind a reference, a `Box`, an `Rc` or an `Arc`.
use crate::native::{self, Recognized, recognize};
use crate::plan::LayerClass;
use tch::{Kind, Tensor, nn};

/// What a layer call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Low, with weights that libtorch casts and that can be looked at first.
    Low,
    /// Low, with weights that nobody sees.
    Recurrent,
    /// f32.
    Full,
    Follow,
    Opaque,
}

impl Layer {
    /// Whether the plan knows the type.
    pub(super) fn class(self) -> LayerClass {
        match self {
            Self::Low | Self::Recurrent => LayerClass::Low,
            Self::Full => LayerClass::Full,
            Self::Follow => LayerClass::Follow,
            Self::Opaque => LayerClass::Opaque,
        }
    }

    /// The class of a layer, looked up by its type, which the compiler knows.
    #[inline]
    pub(super) fn of<M: ?Sized>(layer: &M) -> Self {
        let is_low = is::<M, nn::Linear>(layer)
            || is::<M, nn::Conv2D>(layer)
            || is::<M, nn::Conv1D>(layer)
            || is::<M, nn::Conv3D>(layer)
            || is::<M, nn::ConvTranspose1D>(layer)
            || is::<M, nn::ConvTranspose2D>(layer)
            || is::<M, nn::ConvTranspose3D>(layer);
        if is_low {
            Self::Low
        } else if is::<M, nn::LSTM>(layer) || is::<M, nn::GRU>(layer) {
            Self::Recurrent
        } else if let Some(weight) = normed::<M>(layer) {
            // With weights in low precision there is nothing to compute in f32 with: libtorch refuses the mix.
            if weight.is_some_and(|weight| weight.kind() != Kind::Float) { Self::Follow } else { Self::Full }
        } else if is::<M, nn::BatchNorm>(layer) || is::<M, nn::Embedding>(layer) {
            Self::Follow
        } else {
            Self::Opaque
        }
    }
}

#[inline]
fn is<M: ?Sized, T: Recognized>(layer: &M) -> bool {
    recognize::<M, T>(layer).is_some()
}

/// The scale of a norm over a layer or its groups, where it has one; none where the layer is no such norm.
#[inline]
fn normed<M: ?Sized>(layer: &M) -> Option<Option<&Tensor>> {
    recognize::<M, nn::LayerNorm>(layer)
        .map(|norm| norm.ws.as_ref())
        .or_else(|| recognize::<M, nn::GroupNorm>(layer).map(|norm| norm.ws.as_ref()))
}

/// Before libtorch casts the weights of a layer: what it keeps of them must be what they are.
#[inline]
pub(super) fn watch<M: ?Sized>(layer: &M) {
    macro_rules! watch {
        ($($layer:ty),*) => { $(
            if let Some(layer) = recognize::<M, $layer>(layer) {
                native::watch_weight(&layer.ws);
                if let Some(bias) = &layer.bs {
                    native::watch_weight(bias);
                }
                return;
            }
        )* };
    }
    watch!(
        nn::Linear,
        nn::Conv2D,
        nn::Conv1D,
        nn::Conv3D,
        nn::ConvTranspose1D,
        nn::ConvTranspose2D,
        nn::ConvTranspose3D
    );
}
