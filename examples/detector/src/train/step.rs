//! One step of training.
use crate::model::{Detector, Losses, Targets};
use amp_runtime::prelude::*;
use amp_runtime::{OptimWrapperError, StepOutcome};
use tch::Tensor;

/// Forward, losses, backward, update: the loss is scaled, gradients are unscaled, checked and clipped, and an update that
/// overflowed is skipped, all by `optim`.
///
/// # Errors
/// As [`OptimWrapper::update_params`].
#[amp(train_step)]
pub fn step(
    model: &Detector,
    optim: &mut OptimWrapper,
    images: &Tensor,
    targets: &Targets,
) -> Result<(Losses, StepOutcome), OptimWrapperError> {
    let losses = model.losses(images, targets);
    losses.total.backward();
    let outcome = optim.step()?;
    Ok((losses, outcome))
}
