//! From a loss to gradients that carry the loss scale.
use super::error::OptimWrapperError;
use super::wrapper::{OptimWrapper, Phase, Result};
use crate::native::{self, TensorList};
use crate::region::{self, Region};
use tch::{Device, Kind, Tensor};

impl OptimWrapper {
    /// Scales the loss and computes its gradients.
    pub(super) fn differentiate(&mut self, loss: &Tensor) -> Result<()> {
        self.differentiate_for(loss, None)
    }

    /// The same for all leaves of the loss, or only for `leaves`.
    pub(super) fn differentiate_for(&mut self, loss: &Tensor, leaves: Option<&TensorList>) -> Result<()> {
        self.begin_batch()?;
        let wide = self.widened(loss)?;
        self.add_batch(|wrapper, factor| {
            let share = wrapper.loss_gradient(wide.device(), wide.kind(), factor)?;
            backward(&wide, &share, leaves)
        })
    }

    /// Refuses a batch where the gradients are unscaled already, or the last update was an error.
    pub(super) fn begin_batch(&mut self) -> Result<()> {
        if matches!(self.phase, Phase::Unscaled { .. }) {
            return Err(OptimWrapperError::BackwardAfterUnscale);
        }
        // What may be an error is one before this batch leaves gradients, which the next would be added to.
        if self.last_is_strict() { self.settle() } else { Ok(()) }
    }

    /// The loss in f32 or f64, if it is one that can be trained on.
    pub(super) fn widened(&self, loss: &Tensor) -> Result<Tensor> {
        if loss.numel() != 1 {
            return Err(OptimWrapperError::LossShape(loss.size()));
        }
        let wide = match loss.kind() {
            Kind::Float | Kind::Double => loss.shallow_clone(),
            // One f16 element times 65536 would be inf.
            Kind::Half | Kind::BFloat16 => loss.f_to_kind(Kind::Float)?,
            other => return Err(OptimWrapperError::LossKind(other)),
        };
        if !loss.requires_grad() {
            return Err(OptimWrapperError::LossWithoutGraph);
        }
        // What regions did last is known at no cost; whether this loss is from there, the graph says.
        if !self.scaler.is_enabled()
            && region::recorded_in_f16(self.optimizer.device())
            && native::computed_in(loss, native::F16)
        {
            return Err(OptimWrapperError::F16Loss { built_for: self.precision });
        }
        Ok(wide)
    }

    /// Counts a batch, once `backward` has added its gradients: it hears what the loss is divided by.
    pub(super) fn add_batch(&mut self, backward: impl FnOnce(&mut Self, u32) -> Result<()>) -> Result<()> {
        let factor = self.accumulation.loss_factor()?;
        if self.accumulation.window == 0 {
            self.refuse_stray_gradients()?;
        }
        if let Err(error) = backward(self, factor) {
            // It may have failed halfway: what it left is no gradient of anything.
            self.drop_window()?;
            return Err(error);
        }
        self.accumulation.count();
        self.phase = Phase::Scaled;
        Ok(())
    }

    /// Those that no backward of this wrapper computed.
    pub(super) fn refuse_stray_gradients(&self) -> Result<()> {
        self.optimizer
            .first_gradient()
            .map_or(Ok(()), |name| Err(OptimWrapperError::StrayGradient { name: name.to_owned() }))
    }

    /// The gradient of `loss / factor * scale`, as libtorch computes the others from there: one element.
    pub(super) fn loss_gradient(&mut self, device: Device, kind: Kind, factor: u32) -> Result<Tensor> {
        // The scale lives where the parameters are, wherever the loss is.
        let scale = self.scaler.backward_scale(self.optimizer.device())?;
        let scale = scale.f_to_device_(device, kind, false, false)?;
        Ok(if factor == 1 { scale } else { scale.f_div_scalar(f64::from(factor))? })
    }
}

/// The gradients of a loss whose own is `gradient`.
pub(super) fn backward(wide: &Tensor, gradient: &Tensor, leaves: Option<&TensorList>) -> Result<()> {
    // The graph knows its dtypes; a region around the step must not cast what it computes.
    let _outside = Region::suspend();
    // The graph has what it needs of the casts of weights, and lets go of it on its way; a step within a region would keep the rest.
    native::drop_casts();
    Ok(native::backward(wide, gradient, leaves)?)
}
