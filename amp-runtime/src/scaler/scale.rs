//! The scale itself: three numbers on the device, and how an update moves them.
use super::loss_scale::DynamicLossScale;
use tch::{Device, Kind, TchError, Tensor};

/// 0-dim tensors on the device of the gradients.
pub(super) struct Scale {
    /// f32.
    pub(super) value: Tensor,
    /// Clean updates since the scale last changed: i32, as the kernel wants it.
    pub(super) growth_tracker: Tensor,
    /// Overflows left before the scale backs off: i32.
    pub(super) hysteresis_tracker: Tensor,
}

impl Scale {
    pub(super) fn new(
        value: f64,
        growth_tracker: i64,
        hysteresis_tracker: i64,
        device: Device,
    ) -> Result<Self, TchError> {
        let counter = |count: i64| Tensor::f_full([] as [i64; 0], count, (Kind::Int, device));
        Ok(Self {
            value: Tensor::f_full([] as [i64; 0], value, (Kind::Float, device))?,
            growth_tracker: counter(growth_tracker)?,
            hysteresis_tracker: counter(hysteresis_tracker)?,
        })
    }

    /// Takes the scale to where it is needed: one that was set or loaded before the first batch is still on the CPU.
    pub(super) fn move_to(&mut self, device: Device) -> Result<(), TchError> {
        if self.value.device() != device {
            for tensor in [&mut self.value, &mut self.growth_tracker, &mut self.hysteresis_tracker] {
                *tensor = tensor.f_to(device)?;
            }
        }
        Ok(())
    }

    /// Follows `found_inf`, 0-dim f32, 0 or 1: `_amp_update_scale_`, then hysteresis, floor and ceiling.
    pub(super) fn update(&mut self, by: &DynamicLossScale, found_inf: &Tensor) -> Result<(), TchError> {
        let patient = by.hysteresis > 1;
        // The kernel backs off by itself where nobody has patience; else it only resets the tracker.
        let backoff = if patient { 1. } else { by.backoff_factor };
        let interval = i64::from(by.growth_interval);
        let _ = self.value.f_internal_amp_update_scale_(
            &self.growth_tracker,
            found_inf,
            by.growth_factor,
            backoff,
            interval,
        )?;
        if patient {
            self.back_off_when_spent(by, found_inf)?;
        }
        if by.min_scale > 0. || by.max_scale.is_finite() {
            // f32 knows no numbers between its largest and infinity.
            let ceiling = if by.max_scale > f64::from(f32::MAX) { f64::INFINITY } else { by.max_scale };
            let _ = self.value.f_clamp_(by.min_scale, ceiling)?;
        }
        Ok(())
    }

    /// Megatron's and DeepSpeed's hysteresis: an overflow spends one; with none left, the scale backs off.
    fn back_off_when_spent(&mut self, by: &DynamicLossScale, found_inf: &Tensor) -> Result<(), TchError> {
        let overflow = found_inf.f_to_kind(Kind::Bool)?;
        let clean = overflow.f_logical_not()?;
        let left = self.hysteresis_tracker.f_sub(&overflow.f_to_kind(Kind::Int)?)?.f_clamp_min(0)?;
        let spent = overflow.f_logical_and(&left.f_eq(0)?)?;
        // In f64, as the kernel does it: with f32 factors one scale in five comes out differently.
        let backed_off =
            self.value.f_to_kind(Kind::Double)?.f_mul_scalar(by.backoff_factor)?.f_to_kind(Kind::Float)?;
        self.value = backed_off.f_where_self(&spent, &self.value)?;
        // A clean update that leaves the tracker at 0 is one that grew.
        let refill = if by.consecutive_hysteresis {
            clean
        } else {
            clean.f_logical_and(&self.growth_tracker.f_eq(0)?)?
        };
        let full = left.f_full_like(i64::from(by.hysteresis))?;
        self.hysteresis_tracker = full.f_where_self(&refill, &left)?;
        Ok(())
    }
}
