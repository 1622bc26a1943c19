//! Numbers that the low dtype takes for 0, and bounds that it takes for 1.
use super::rule::{Facts, Level, Rule, plain_name};
use super::scalars::{Scalar, Use, meet_low};
use crate::errors::{Errors, Message};
use crate::syntax::shape::{end, start};

const DOC: &str = r"
### What it does
Finds numbers that become 0 in the low dtype, where they meet a tensor that is low: `x + 1e-8`, `clamp_min(1e-12)`; and
bounds that become 1: `clamp(0., 1. - 1e-7)`. They are asked of the dtype that the attribute fixes; where it is known only
at run time, of f16, whose least number above zero is 6e-8. bf16 has numbers as small as f32's, so that with
`dtype = bf16` an epsilon of `1e-8` does its work; but one that is to stay below 1 must be larger there, at 0.996.

### Why is this bad
Such numbers stand where something must not be 0 (measured with libtorch 2.11):

| where the number stands | what a tensor in f16 does with `1e-8` |
|---|---|
| added or subtracted | where the tensor is 0 the result is 0; everywhere else nothing changes |
| a bound: `clamp`, `clamp_min`, `clamp_max` | the bound is 0 |
| written: `fill_`, `masked_fill`, `Tensor::full`, ...; chosen: `where_scalarother`, `nan_to_num` | 0 |
| a factor | computed in f32 and then rounded: 0 below 3 |
| a divisor | inf from 6.6e-4 on; found up to `1.5e-5`, whose reciprocal is beyond f16 |
| compared with, where 0 comes out on the other side: `x.ge(1e-8)`, `x.lt(1e-8)` | the comparison is with 0 |

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn normalised(x: &Tensor, w: &Tensor) -> Tensor {
    let h = x.matmul(w).relu();
    &h / (h.amax(-1, true) + 1e-8)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn normalised(x: &Tensor, w: &Tensor) -> Tensor {
    let h = x.matmul(w).relu();
    &h / (h.amax(-1, true) + 1e-4)
}
```
Or a full block around the operation, where the epsilon must be that small.
";

pub(super) const RULE: Rule = Rule { id: "tiny_literal", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for scalar in meet_low(facts) {
        let (limits, value) = (scalar.limits, scalar.value);
        let tiny = match scalar.usage {
            Use::Write | Use::Choice | Use::Term | Use::Factor => limits.vanishes(value),
            Use::Bound => limits.vanishes(value) || limits.becomes_one(value),
            Use::Divisor => value != 0. && value.abs() < 1. && limits.overflows(value.recip()),
            Use::Comparison => limits.vanishes(value) && zero_is_on_the_other_side(&scalar),
        };
        if tiny {
            let message = if limits.becomes_one(value) { one(&scalar) } else { zero(&scalar) };
            errors.push_between(start(scalar.expr), end(scalar.expr), message.rule(RULE.id));
        }
    }
}

/// `x >= tiny` is false for 0, and `x >= 0` is true; `x > tiny` and `x > 0` agree.
fn zero_is_on_the_other_side(scalar: &Scalar<'_>) -> bool {
    let name = plain_name(scalar.call).trim_end_matches('_');
    let above = matches!(name, "ge" | "greater_equal" | "lt" | "less");
    above == (scalar.value > 0.)
}

fn zero(scalar: &Scalar<'_>) -> Message {
    let (limits, value) = (scalar.limits, scalar.value);
    let (name, least) = (limits.name(), limits.least_written());
    let what = match scalar.usage {
        Use::Write | Use::Choice => "this is 0".to_owned(),
        Use::Bound => "the bound is 0".to_owned(),
        Use::Term => "0 stays 0, and no other value changes".to_owned(),
        Use::Factor => format!("the product is 0 below {}", limits.underflow_below(value)),
        Use::Divisor => format!("the quotient is inf from {} on", limits.overflow_from(value.recip())),
        Use::Comparison => "the comparison is with 0".to_owned(),
    };
    let help = match scalar.usage {
        Use::Factor => "put the operation in a `#[amp(full)]` block".to_owned(),
        Use::Divisor => {
            let divisor = limits.least_divisor_written();
            format!("write `{divisor}` or more, or put the operation in a `#[amp(full)]` block")
        }
        Use::Term | Use::Bound => format!(
            "write `{least}` or more (`{}` where it is divided by), or put it in a `#[amp(full)]` block",
            limits.least_divisor_written()
        ),
        _ => format!("write `{least}` or more, or put the operation in a `#[amp(full)]` block"),
    };
    Message::new(format!("{} is too small for {name}", scalar.shown()))
        .note(format!("the least {name} above zero is {least}{}: {what}{}", limits.why(), scalar.since))
        .help(help)
}

fn one(scalar: &Scalar<'_>) -> Message {
    let limits = scalar.limits;
    let (name, below) = (limits.name(), limits.below_one_written());
    Message::new(format!("{} is 1 in {name}", scalar.shown()))
        .note(format!(
            "the nearest {name} below 1 is {below}{}: the bound is 1{}",
            limits.why(),
            scalar.since
        ))
        .help(format!("write `{below}`, or put the operation in a `#[amp(full)]` block"))
}
