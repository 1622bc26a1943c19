//! What a low dtype can hold.
use crate::args::Low;
use half::{bf16, f16};

/// The dtype that literals are asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    low: Low,
    /// Fixed by the attribute; otherwise f16 is only one that it may be.
    fixed: bool,
}

impl Limits {
    /// Of a region's dtype; f16's where it is known only at run time.
    pub(super) fn of(precision: Option<Low>) -> Self {
        Self { low: precision.unwrap_or(Low::F16), fixed: precision.is_some() }
    }

    /// As the field writes it.
    pub(super) fn name(self) -> &'static str {
        match self.low {
            Low::F16 => "f16",
            Low::Bf16 => "bf16",
        }
    }

    /// For a note: why this dtype.
    pub(super) fn why(self) -> &'static str {
        if self.fixed { "" } else { ", and which dtype is low is known only at run time" }
    }

    /// Nearest value that the dtype has.
    pub(super) fn round(self, number: f64) -> f64 {
        match self.low {
            Low::F16 => f16::from_f64(number).to_f64(),
            Low::Bf16 => bf16::from_f64(number).to_f64(),
        }
    }

    /// Largest finite value.
    pub(super) fn max(self) -> f64 {
        match self.low {
            Low::F16 => f16::MAX.to_f64(),
            Low::Bf16 => bf16::MAX.to_f64(),
        }
    }

    /// As one writes it.
    pub(super) fn max_written(self) -> &'static str {
        match self.low {
            Low::F16 => "65504",
            Low::Bf16 => "3.38e38",
        }
    }

    /// The same as a literal of Rust.
    pub(super) fn max_literal(self) -> &'static str {
        match self.low {
            Low::F16 => "65504.",
            Low::Bf16 => "3.38e38",
        }
    }

    /// Smallest literal that does not become 0, as one writes it.
    pub(super) fn least_written(self) -> &'static str {
        match self.low {
            Low::F16 => "6e-8",
            Low::Bf16 => "1e-40",
        }
    }

    /// Smallest literal whose reciprocal is finite, as one writes it.
    pub(super) fn least_divisor_written(self) -> &'static str {
        match self.low {
            Low::F16 => "1.6e-5",
            Low::Bf16 => "3e-39",
        }
    }

    /// From where on a factor takes values beyond the largest.
    pub(super) fn overflow_from(self, factor: f64) -> String {
        short(self.max() / factor.abs())
    }

    /// Below what a factor takes values to 0.
    pub(super) fn underflow_below(self, factor: f64) -> String {
        let least = match self.low {
            Low::F16 => f16::MIN_POSITIVE_SUBNORMAL.to_f64(),
            Low::Bf16 => bf16::MIN_POSITIVE_SUBNORMAL.to_f64(),
        };
        short(least / 2. / factor.abs())
    }

    /// The nearest value below one, as one writes it.
    pub(super) fn below_one_written(self) -> &'static str {
        match self.low {
            Low::F16 => "0.9995",
            Low::Bf16 => "0.996",
        }
    }

    /// libtorch refuses to convert it: finite, and beyond the largest value.
    pub(super) fn refuses(self, number: f64) -> bool {
        number.is_finite() && number.abs() > self.max()
    }

    /// Arithmetic with it gives inf, rounding as the kernels round.
    pub(super) fn overflows(self, number: f64) -> bool {
        number.is_finite() && self.round(number).is_infinite()
    }

    /// Not zero, and zero in the dtype.
    pub(super) fn vanishes(self, number: f64) -> bool {
        number != 0. && self.round(number) == 0.
    }

    /// Near one and not one, and one in the dtype.
    pub(super) fn becomes_one(self, number: f64) -> bool {
        number.abs() != 1. && self.round(number).abs() == 1.
    }
}

/// Two digits, in powers where there would be many zeros.
fn short(number: f64) -> String {
    let text = format!("{number:.1e}");
    match text.parse::<f64>() {
        Ok(rounded) if (1e-3..1e6).contains(&rounded) => rounded.to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literals_that_messages_advise_survive_and_are_the_ends() {
        for low in [Low::F16, Low::Bf16] {
            let limits = Limits::of(Some(low));
            let number = |written: &str| written.parse::<f64>().unwrap();
            assert!(!limits.refuses(number(limits.max_written())));
            assert_eq!(number(limits.max_literal()), number(limits.max_written()));
            assert!(limits.refuses(number(limits.max_written()) * 1.01));
            assert!(!limits.vanishes(number(limits.least_written())));
            assert!(limits.vanishes(number(limits.least_written()) / 4.));
            let divisor = number(limits.least_divisor_written());
            assert!(!limits.overflows(1. / limits.round(divisor)) && limits.overflows(1. / (divisor / 1.2)));
            let below = number(limits.below_one_written());
            assert!(!limits.becomes_one(below));
            assert!(limits.becomes_one(1. - (1. - below) / 4.));
        }
    }

    #[test]
    fn an_unknown_dtype_is_asked_of_f16() {
        assert_eq!(Limits::of(None).name(), "f16");
        assert!(Limits::of(None).vanishes(1e-8) && !Limits::of(Some(Low::Bf16)).vanishes(1e-8));
        assert!(Limits::of(None).refuses(1e5) && !Limits::of(Some(Low::Bf16)).refuses(1e5));
        // libtorch refuses f32's limits in bf16 as well
        assert!(Limits::of(Some(Low::Bf16)).refuses(f64::from(f32::MIN)));
        // beyond the largest value, and yet nearest to it: refused where it is written, harmless in a sum
        assert!(Limits::of(None).refuses(65510.) && !Limits::of(None).overflows(65510.));
    }
}
