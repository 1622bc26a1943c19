//! What class a layer has, by its type: also behind a reference, a `Box`, an `Rc` or an `Arc`.
use crate::native::{self, BF16, Recognized, recognize};
use crate::plan::LayerClass;
use crate::region;
use tch::nn::{self, RNN as _};
use tch::{Device, Kind, Tensor};

/// What a layer call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Low, with weights that libtorch casts and that can be looked at first.
    Low,
    /// Low, with weights that nobody sees, but for what their dtype is.
    Recurrent {
        in_f32: bool,
    },
    /// f32.
    Full,
    Follow,
    Opaque,
}

impl Layer {
    /// Whether the plan knows the type.
    pub(super) fn class(self) -> LayerClass {
        match self {
            Self::Low | Self::Recurrent { .. } => LayerClass::Low,
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
        } else if let Some(lstm) = recognize::<M, nn::LSTM>(layer) {
            Self::recurrent(|| lstm.zero_state(0).0.0)
        } else if let Some(gru) = recognize::<M, nn::GRU>(layer) {
            Self::recurrent(|| gru.zero_state(0).0)
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

    /// A recurrent layer, whose weights nobody sees; a state of it is where they are, in their dtype. libtorch's autocast computes such
    /// a layer on CUDA in f16, also where bf16 was asked for and no loss is scaled (`_cudnn_rnn_cast_reflatten` of
    /// `AutocastRNN.cpp`): there it is in f32.
    fn recurrent(state: impl FnOnce() -> Tensor) -> Self {
        let low = region::low_kinds();
        if low.is_none() {
            return Self::Recurrent { in_f32: false };
        }
        let state = state();
        let in_f32 = state.kind() == Kind::Float;
        let is_full = in_f32 && state.device().is_cuda() && low.on(1) == Some(BF16);
        if is_full { Self::Full } else { Self::Recurrent { in_f32 } }
    }

    /// The class now that the input of `seq` is known. Few sequences do not pay on a CPU: a training step of two LSTM layers of width
    /// 256 over 64 tokens takes 1.9 times as long in bf16 as in f32 with one sequence, 1.3 times with four and 0.9 times with eight
    /// (Xeon with AMX, two threads); GRUs gain later still. tch has batches first unless told otherwise.
    pub(super) fn of_sequences(self, input: &Tensor) -> Self {
        let is_small =
            || input.device() == Device::Cpu && input.size().first().is_some_and(|&batch| batch < 8);
        if self == (Self::Recurrent { in_f32: true }) && is_small() { Self::Full } else { self }
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

/// Where a recurrent layer lies, which is its name while a region lasts.
pub(super) fn address<M: ?Sized>(layer: &M) -> usize {
    let lstm = recognize::<M, nn::LSTM>(layer).map(|lstm| std::ptr::from_ref(lstm).addr());
    lstm.or_else(|| recognize::<M, nn::GRU>(layer).map(|gru| std::ptr::from_ref(gru).addr()))
        .unwrap_or_default()
}

/// A tensor of what a recurrent layer returned, which all of its weights are in.
pub(super) fn output<T>(result: &T) -> Option<&Tensor> {
    if let Some(state) = recognize::<T, nn::GRUState>(result) {
        Some(&state.0)
    } else if let Some(state) = recognize::<T, nn::LSTMState>(result) {
        Some(&state.0.0)
    } else if let Some((output, _)) = recognize::<T, (Tensor, nn::GRUState)>(result) {
        Some(output)
    } else {
        recognize::<T, (Tensor, nn::LSTMState)>(result).map(|(output, _)| output)
    }
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
