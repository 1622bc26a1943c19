//! Per-parameter learning rates and weight decays, by name and by kind of parameter (MMEngine's `paramwise_cfg`).
use super::error::OptimError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// MMEngine's `paramwise_cfg` with its names and precedence (`DefaultOptimWrapperConstructor`).
///
/// What a parameter is, is read from its name and shape: a `bias` by its last name; a norm layer by a 1-D `weight`; a
/// depthwise 2-D convolution by a 4-D weight whose second dimension is 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Paramwise {
    /// Substrings of parameter names: the longest match wins, the alphabetically first among equals, and rules out every
    /// other setting.
    pub custom_keys: BTreeMap<String, CustomKey>,
    /// Multiplies the learning rate of biases, except those of norm layers: 1.
    pub bias_lr_mult: Option<f64>,
    /// Multiplies the weight decay of biases, except those of norm layers where `norm_decay_mult` is set: 1.
    pub bias_decay_mult: Option<f64>,
    /// Multiplies the weight decay of norm layers' parameters: 1.
    pub norm_decay_mult: Option<f64>,
    /// Multiplies the weight decay of depthwise convolutions, of their biases where `bias_decay_mult` is not set: 1.
    pub dwconv_decay_mult: Option<f64>,
    /// Multiplies the weight decay of the 1-D parameters that none of the three above changed: 1.
    pub flat_decay_mult: Option<f64>,
    /// Skip a parameter that is registered twice instead of refusing it.
    pub bypass_duplicate: bool,
}

/// The setting of one entry of [`Paramwise::custom_keys`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CustomKey {
    /// Multiplies the learning rate: 1.
    pub lr_mult: f64,
    /// Multiplies the weight decay: 1.
    pub decay_mult: f64,
}

impl Default for CustomKey {
    fn default() -> Self {
        Self { lr_mult: 1., decay_mult: 1. }
    }
}

/// What multiplies a parameter's learning rate and weight decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Multipliers {
    pub(super) lr: f64,
    pub(super) decay: f64,
}

impl Paramwise {
    /// The first multiplier that is no finite number from 0 on.
    pub(super) fn validate(&self) -> Result<(), OptimError> {
        let own = [
            ("bias_lr_mult", self.bias_lr_mult),
            ("bias_decay_mult", self.bias_decay_mult),
            ("norm_decay_mult", self.norm_decay_mult),
            ("dwconv_decay_mult", self.dwconv_decay_mult),
            ("flat_decay_mult", self.flat_decay_mult),
        ];
        let custom = self.custom_keys.values();
        let custom = custom.flat_map(|key| [("lr_mult", key.lr_mult), ("decay_mult", key.decay_mult)]);
        let given = own.into_iter().filter_map(|(field, value)| Some((field, value?)));
        match given.chain(custom).find(|(_, value)| !(value.is_finite() && *value >= 0.)) {
            Some((field, value)) => Err(OptimError::InvalidValue {
                optimizer: "Paramwise",
                field,
                value,
                wants: "finite and at least 0",
            }),
            None => Ok(()),
        }
    }

    /// The multipliers of one parameter.
    pub(super) fn multipliers(&self, parameter: &Described<'_>) -> Multipliers {
        if let Some(custom) = self.custom_key(parameter.name) {
            return Multipliers { lr: custom.lr_mult, decay: custom.decay_mult };
        }
        let lr = if parameter.is_bias() && !parameter.in_norm { self.bias_lr_mult } else { None };
        // A rule without a multiplier leaves the parameter to the next.
        let decay = [
            (parameter.in_norm, self.norm_decay_mult),
            (parameter.is_bias(), self.bias_decay_mult),
            (parameter.in_depthwise, self.dwconv_decay_mult),
            (parameter.shape.len() == 1, self.flat_decay_mult),
        ];
        let decay = decay.into_iter().find_map(|(applies, multiplier)| multiplier.filter(|_| applies));
        Multipliers { lr: lr.unwrap_or(1.), decay: decay.unwrap_or(1.) }
    }

    fn custom_key(&self, name: &str) -> Option<CustomKey> {
        let matches = self.custom_keys.iter().filter(|(key, _)| name.contains(key.as_str()));
        // Keys come in alphabetical order; of the longest, the first is wanted, and `max_by_key` would give the last.
        matches.rev().max_by_key(|(key, _)| key.chars().count()).map(|(_, custom)| *custom)
    }

    /// The entries of `custom_keys` that are in none of the names.
    pub(super) fn unused_keys(&self, names: &[&str]) -> impl Iterator<Item = &str> {
        let keys = self.custom_keys.keys().map(String::as_str);
        keys.filter(|key| !names.iter().any(|name| name.contains(key)))
    }

    /// Whether anything multiplies a weight decay.
    pub(super) fn changes_decay(&self) -> bool {
        let settings =
            [self.bias_decay_mult, self.norm_decay_mult, self.dwconv_decay_mult, self.flat_decay_mult];
        settings.iter().any(Option::is_some)
            || self.custom_keys.values().any(|custom| !is_one(custom.decay_mult))
    }
}

/// What the rules look at.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) shape: &'a [i64],
    /// Whether the parameter belongs to a norm layer.
    pub(super) in_norm: bool,
    /// Whether the parameter belongs to a depthwise convolution.
    pub(super) in_depthwise: bool,
}

impl Described<'_> {
    fn is_bias(&self) -> bool {
        last_name(self.name) == "bias"
    }
}

fn is_one(multiplier: f64) -> bool {
    (multiplier - 1.).abs() < f64::EPSILON
}

/// The part of a parameter's name that its layer gave it.
pub(super) fn last_name(name: &str) -> &str {
    let last = name.rsplit('.').next().unwrap_or(name);
    // tch tells layers on the same path apart by `__<number>`.
    match last.rsplit_once("__") {
        Some((plain, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            plain
        }
        _ => last,
    }
}
