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
        } else if let Some(norm) = recognize::<M, nn::LayerNorm>(layer) {
            Self::norm(norm.ws.as_ref())
        } else if let Some(norm) = recognize::<M, nn::GroupNorm>(layer) {
            Self::norm(norm.ws.as_ref())
        } else if is::<M, nn::BatchNorm>(layer) || is::<M, nn::Embedding>(layer) {
            Self::Follow
        } else {
            Self::Opaque
        }
    }

    /// A norm with this scale. In low precision there is nothing to compute in f32 with: libtorch refuses the mix.
    fn norm(scale: Option<&Tensor>) -> Self {
        if scale.is_some_and(|scale| scale.kind() != Kind::Float) { Self::Follow } else { Self::Full }
    }
}

#[inline]
fn is<M: ?Sized, T: Recognized>(layer: &M) -> bool {
    recognize::<M, T>(layer).is_some()
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
