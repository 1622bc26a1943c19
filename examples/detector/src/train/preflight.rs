//! Before training: does the chosen precision compute what f32 does, on a real batch, forward and backward?
use crate::model::{Detector, Targets};
use amp_runtime::{Precision, with_precision};
use anyhow::{Result, bail};
use std::fmt;
use tch::nn::VarStore;
use tch::{Kind, Tensor, no_grad};

/// Loss and norm of the gradients, in two precisions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preflight {
    precision: Precision,
    full: (f64, f64),
    low: (f64, f64),
    /// Cosine of the angle between the gradients.
    cosine: f64,
}

/// Gradients may differ by a few percent: bf16 keeps 8 bits of each number, and rounding errors mostly cancel out.
const LOSS_TOLERANCE: f64 = 0.05;
const NORM_TOLERANCE: f64 = 0.25;
const LEAST_COSINE: f64 = 0.9;

/// Against gradients that vanish in f16; a backward of which nothing is applied needs no dynamic scale.
const F16_SCALE: f64 = 1024.;

/// Runs a batch in f32 and in `precision`. Weights, statistics and gradients are afterwards as they were.
///
/// # Errors
/// A loss or a gradient that is not finite, in whichever precision.
pub fn preflight(
    model: &Detector,
    store: &VarStore,
    images: &Tensor,
    targets: &Targets,
    precision: Precision,
) -> Result<Preflight> {
    let kept: Vec<(Tensor, Tensor)> = store
        .variables()
        .into_values()
        .filter(|variable| !variable.requires_grad())
        .map(|variable| {
            let copy = variable.copy();
            (variable, copy)
        })
        .collect();
    let run = |precision| gradients(model, store, images, targets, precision);
    let both = run(Precision::Full).and_then(|full| Ok((full, run(precision)?)));
    no_grad(|| kept.into_iter().try_for_each(|(mut variable, copy)| variable.f_copy_(&copy)))?;
    let ((full_loss, full), (low_loss, low)) = both?;
    let (full_norm, low_norm) = (norm(&full)?, norm(&low)?);
    for (name, loss, norm) in [("f32", full_loss, full_norm), ("the chosen precision", low_loss, low_norm)] {
        if !(loss.is_finite() && norm.is_finite()) {
            bail!(
                "the first batch has a loss of {loss} and gradients of norm {norm} in {name}\n\
                 help: look at the data with `browse`; `--no-preflight` trains anyway"
            );
        }
    }
    let product: f64 = full
        .iter()
        .zip(&low)
        .map(|(a, b)| f64::try_from((a * b).sum(Kind::Double)))
        .sum::<Result<f64, _>>()?;
    let cosine = product / (full_norm * low_norm).max(f64::MIN_POSITIVE);
    Ok(Preflight { precision, full: (full_loss, full_norm), low: (low_loss, low_norm), cosine })
}

impl Preflight {
    /// Whether training in the chosen precision can be expected to go as in f32.
    pub fn agrees(&self) -> bool {
        let apart = |a: f64, b: f64| (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
        apart(self.low.0, self.full.0) < LOSS_TOLERANCE
            && apart(self.low.1, self.full.1) < NORM_TOLERANCE
            && self.cosine > LEAST_COSINE
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((loss, norm), (low_loss, low_norm)) = (self.full, self.low);
        write!(
            f,
            "preflight: loss {loss:.4} in f32, {low_loss:.4} in {0}; gradient norm {norm:.3} in f32, {low_norm:.3} in {0}; \
             cosine between the gradients {1:.4}: {2}",
            self.precision,
            self.cosine,
            if self.agrees() { "they agree" } else { "THEY DIFFER" }
        )
    }
}

/// The loss, and the gradients of all parameters in f32.
fn gradients(
    model: &Detector,
    store: &VarStore,
    images: &Tensor,
    targets: &Targets,
    precision: Precision,
) -> Result<(f64, Vec<Tensor>)> {
    let mut named: Vec<_> =
        store.variables().into_iter().filter(|(_, variable)| variable.requires_grad()).collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let variables: Vec<Tensor> = named.into_iter().map(|(_, variable)| variable).collect();
    let losses = with_precision(precision, || model.losses(images, targets));
    let scale = if precision == Precision::F16 { F16_SCALE } else { 1. };
    let gradients = Tensor::f_run_backward(&[&losses.total * scale], &variables, false, false)?;
    let gradients = gradients.into_iter().map(|gradient| gradient.to_kind(Kind::Float) / scale).collect();
    Ok((f64::try_from(&losses.total)?, gradients))
}

fn norm(gradients: &[Tensor]) -> Result<f64> {
    let squares: Result<f64, _> =
        gradients.iter().map(|gradient| f64::try_from(gradient.square().sum(Kind::Double))).sum();
    Ok(squares?.sqrt())
}
