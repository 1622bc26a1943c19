//! `GradScaler`: the order of scale, unscale, step and update, and what is kept between them.
use super::error::ScalerError;
use super::floor::FloorWatch;
use super::loss_scale::{Floor, LossScale};
use super::scale::Scale;
use crate::optim::{ClipGrad, Optimizer};
use std::collections::HashMap;
use tch::{Device, Kind, Tensor, no_grad};

/// Scales losses, unscales gradients, and updates the scale, as `torch.amp.GradScaler`.
///
/// Order of use: [`scale`](Self::scale) and `backward` of the result; [`unscale`](Self::unscale) where the gradients are
/// looked at or clipped; [`step`](Self::step) of each optimizer; [`update`](Self::update) once. All state is on the
/// gradients' device; nothing waits for the step under way. What differs from PyTorch: the scaled loss is computed in f32 (there, a
/// one-element f16 loss times 65536 is inf); gradients are divided by the scale that their backward used, even if it was
/// changed since; a norm that overflows skips the update; `step` leaves no gradients behind; and with [`LossScale::Off`]
/// the check for inf and NaN remains.
pub struct GradScaler {
    pub(super) config: LossScale,
    pub(super) scale: Option<Scale>,
    /// The scale of the first `scale` since the last update: what the gradients carry.
    backward_scale: Option<Tensor>,
    optimizers: HashMap<u64, Checked>,
    pub(super) floor: FloorWatch,
    /// The scale was never below this, and will not be.
    pub(super) smallest: f64,
}

/// What was found in one optimizer's gradients since the last update: 0-dim f32, exactly 0 or 1, for the fused kernels take
/// 2 or NaN for a reason to update.
struct Checked {
    stepped: bool,
    found_inf: Tensor,
    /// `found_inf`, or a norm that is not finite: skips the update, but is no reason to lower the scale.
    skip: Tensor,
}

type Result<T> = std::result::Result<T, ScalerError>;

impl GradScaler {
    /// A scaler in its first state; its tensors are made on the first loss's device.
    ///
    /// # Errors
    /// A number out of range.
    pub fn new(config: LossScale) -> Result<Self> {
        config.validate()?;
        let (floor, smallest) = (FloorWatch::default(), config.smallest());
        Ok(Self { config, scale: None, backward_scale: None, optimizers: HashMap::new(), floor, smallest })
    }

    /// Whether losses are scaled at all.
    pub fn is_enabled(&self) -> bool {
        self.config != LossScale::Off
    }

    /// How the scale behaves.
    pub fn config(&self) -> &LossScale {
        &self.config
    }

    /// `loss` times the scale, in f32 (f64 stays f64): call `backward` on it. Any shape, any device.
    ///
    /// # Errors
    /// A loss that is not floating-point.
    pub fn scale(&mut self, loss: &Tensor) -> Result<Tensor> {
        let wide = match loss.kind() {
            Kind::Float | Kind::Double => loss.shallow_clone(),
            Kind::Half | Kind::BFloat16 => loss.f_to_kind(Kind::Float)?,
            other => return Err(ScalerError::NotFloating(other)),
        };
        let scale = self.backward_scale(loss.device())?;
        if !self.is_enabled() {
            return Ok(wide);
        }
        Ok(wide.f_mul(&scale.f_to(loss.device())?)?)
    }

    /// The scale that gradients carry from now until the next update: 0-dim f32.
    pub(crate) fn backward_scale(&mut self, device: Device) -> Result<Tensor> {
        if let Some(scale) = &self.backward_scale {
            return Ok(scale.shallow_clone());
        }
        let scale = self.scale_on(device)?.value.shallow_clone();
        self.backward_scale = Some(scale.shallow_clone());
        Ok(scale)
    }

    /// Fixes the scale that gradients carry to what it was when they were saved.
    pub(crate) fn set_backward_scale(&mut self, scale: Tensor) -> Result<()> {
        self.smallest = self.smallest.min(f64::try_from(&scale)?);
        self.backward_scale = Some(scale);
        Ok(())
    }

    fn scale_on(&mut self, device: Device) -> Result<&mut Scale> {
        let (first, hysteresis) = match self.config {
            LossScale::Off => (1., 0),
            LossScale::Static(scale) => (scale, 0),
            LossScale::Dynamic(dynamic) => (dynamic.init_scale, i64::from(dynamic.hysteresis)),
        };
        match &mut self.scale {
            Some(scale) => {
                scale.move_to(device)?;
                Ok(scale)
            }
            none => Ok(none.insert(Scale::new(first, 0, hysteresis, device)?)),
        }
    }

    /// Divides the optimizer's gradients by the scale that their backward used, and notes whether one is not finite.
    ///
    /// # Errors
    /// Wrong order of calls, unusable gradients, or [`ScalerError::Collapsed`]; the gradients are then as they were.
    pub fn unscale(&mut self, optimizer: &mut Optimizer) -> Result<()> {
        match self.optimizers.get(&optimizer.serial()) {
            Some(Checked { stepped: true, .. }) => return Err(ScalerError::UnscaleAfterStep),
            Some(_) => return Err(ScalerError::AlreadyUnscaled),
            None => {}
        }
        if self.is_enabled() && self.backward_scale.is_none() {
            return Err(ScalerError::NeverScaled);
        }
        let device = optimizer.device();
        let scale = self.backward_scale(device)?.f_to(device)?;
        optimizer.gather()?;
        self.check_floor(optimizer)?;
        let found_inf = Tensor::f_zeros([], (Kind::Float, device))?;
        // PyTorch goes through f64, which rounds to the same f32: a quotient of two f32 is never that near to the middle of two others.
        let inv_scale = scale.f_reciprocal()?;
        optimizer.unscale(&found_inf, &inv_scale)?;
        let skip = if self.smallest >= 1. {
            found_inf.shallow_clone()
        } else {
            // A scale below 1 makes gradients larger: what the kernel just found finite may be inf by now.
            let skip = found_inf.f_detach_copy()?;
            optimizer.unscale(&skip, &Tensor::f_ones([], (Kind::Float, device))?)?;
            skip
        };
        self.optimizers.insert(optimizer.serial(), Checked { stepped: false, found_inf, skip });
        Ok(())
    }

    /// Acts on overflows at the floor, as far as they are known.
    fn check_floor(&mut self, optimizer: &Optimizer) -> Result<()> {
        let LossScale::Dynamic(dynamic) = self.config else { return Ok(()) };
        let in_a_row = self.floor.settle()?;
        match dynamic.on_floor {
            Floor::Error { after } if in_a_row >= after => {
                let names = optimizer.non_finite()?;
                if names.is_empty() {
                    // This update goes through, and ends the row.
                    return Ok(());
                }
                // Said once: who goes on all the same has as many tries again.
                self.floor = FloorWatch::default();
                Err(ScalerError::Collapsed {
                    in_a_row,
                    scale: dynamic.min_scale,
                    parameters: names.join(", "),
                })
            }
            Floor::Warn if in_a_row > 0 => {
                tracing::warn!(
                    in_a_row,
                    scale = dynamic.min_scale,
                    "gradients overflow although the loss scale is at its floor"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Limits every element of the optimizer's unscaled gradients to `[-clip_value, clip_value]`
    /// (`torch.nn.utils.clip_grad_value_`).
    ///
    /// # Errors
    /// Gradients that were not unscaled, or were stepped already.
    pub fn clip_grad_value(&mut self, optimizer: &mut Optimizer, clip_value: f64) -> Result<()> {
        ClipGrad::value(clip_value).validate()?;
        self.unscaled(optimizer)?;
        Ok(optimizer.clip_value(clip_value)?)
    }

    /// Scales the optimizer's unscaled gradients down to `max_norm` (`torch.nn.utils.clip_grad_norm_`); returns their norm
    /// before, 0-dim f32. If that is not finite, the update will be skipped.
    ///
    /// # Errors
    /// Gradients that were not unscaled, or were stepped already.
    pub fn clip_grad_norm(
        &mut self,
        optimizer: &mut Optimizer,
        max_norm: f64,
        norm_type: f64,
    ) -> Result<Tensor> {
        ClipGrad::Norm { max_norm, norm_type, error_if_nonfinite: false }.validate()?;
        let checked = self.unscaled(optimizer)?;
        no_grad(|| {
            let norm = optimizer.clip_norm(max_norm, norm_type)?;
            // inf and NaN are what differs from itself after a product with 0.
            checked.skip = checked.skip.f_maximum(&norm.f_mul_scalar(0.)?.f_ne(0.)?)?;
            Ok(norm)
        })
    }

    fn unscaled(&mut self, optimizer: &Optimizer) -> Result<&mut Checked> {
        match self.optimizers.get_mut(&optimizer.serial()) {
            Some(checked) if !checked.stepped => Ok(checked),
            Some(_) => Err(ScalerError::AlreadyStepped),
            None => Err(ScalerError::ClipBeforeUnscale),
        }
    }

    /// Updates the parameters, unless a gradient is not finite: then nothing changes, and that is decided on the device.
    /// Unscales first if that was not done. The gradients are gone afterwards.
    ///
    /// # Errors
    /// Wrong order of calls, or those of [`unscale`](Self::unscale).
    pub fn step(&mut self, optimizer: &mut Optimizer) -> Result<()> {
        match self.optimizers.get(&optimizer.serial()) {
            Some(Checked { stepped: true, .. }) => return Err(ScalerError::AlreadyStepped),
            Some(_) => {}
            None => self.unscale(optimizer)?,
        }
        let checked = self.unscaled(optimizer)?;
        no_grad(|| optimizer.update(&checked.skip))?;
        checked.stepped = true;
        Ok(optimizer.zero_grad()?)
    }

    /// What was found in the optimizer's gradients, and whether its update is skipped: 0-dim f32, 0 or 1.
    pub(crate) fn flags(&self, optimizer: &Optimizer) -> Option<(&Tensor, &Tensor)> {
        self.optimizers.get(&optimizer.serial()).map(|checked| (&checked.found_inf, &checked.skip))
    }

    /// Moves the scale by what was found since the last update in the gradients of all optimizers, and begins anew.
    ///
    /// # Errors
    /// [`ScalerError::NothingChecked`] when no gradients were unscaled or stepped.
    pub fn update(&mut self) -> Result<()> {
        let flags: Vec<Tensor> = self.optimizers.drain().map(|(_, checked)| checked.found_inf).collect();
        let Some(device) = flags.first().map(Tensor::device) else { return Err(ScalerError::NothingChecked) };
        self.backward_scale = None;
        let LossScale::Dynamic(dynamic) = self.config else { return Ok(()) };
        let value = self.scale_on(device)?.value.shallow_clone();
        let device = value.device();
        let mut found_inf = flags[0].f_to(device)?;
        for flag in &flags[1..] {
            found_inf = found_inf.f_maximum(&flag.f_to(device)?)?;
        }
        if dynamic.on_floor != Floor::Clamp {
            self.floor.observe(dynamic.min_scale, &found_inf, &value)?;
        }
        let scale = self.scale_on(device)?;
        Ok(no_grad(|| scale.update(&dynamic, &found_inf))?)
    }

    /// Forgets what was scaled and found since the last update, as if the gradients had never been.
    pub(crate) fn forget(&mut self) {
        self.optimizers.clear();
        self.backward_scale = None;
    }

    /// Sets the scale; gradients that exist already are still divided by the one that they carry.
    ///
    /// # Errors
    /// A scale that f32 cannot hold, or scaling that is off.
    pub fn set_scale(&mut self, scale: f64) -> Result<()> {
        LossScale::Static(scale).validate()?;
        if !self.is_enabled() {
            return Err(ScalerError::Off);
        }
        if let LossScale::Static(value) = &mut self.config {
            *value = scale;
        }
        let state = self.scale_on(self.device())?;
        state.value = state.value.f_full_like(scale)?;
        self.smallest = self.smallest.min(scale);
        Ok(())
    }

    /// The scale of the next loss; 1 when scaling is off. Waits for the device.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn get_scale(&self) -> Result<f64> {
        match (&self.scale, self.config) {
            (Some(scale), _) => Ok(f64::try_from(&scale.value)?),
            (None, LossScale::Off) => Ok(1.),
            (None, LossScale::Static(scale)) => Ok(scale),
            (None, LossScale::Dynamic(dynamic)) => Ok(dynamic.init_scale),
        }
    }

    /// Where the scale is; on the CPU until the first loss says otherwise.
    pub(super) fn device(&self) -> Device {
        self.scale.as_ref().map_or(Device::Cpu, |scale| scale.value.device())
    }
}
