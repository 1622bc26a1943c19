//! Numbers beyond what the low dtype can hold.
use super::rule::{Facts, Level, Rule};
use super::scalars::{Scalar, Use, meet_low};
use crate::errors::{Errors, Message};
use crate::syntax::shape::{end, start};

const DOC: &str = r"
### What it does
Finds numbers that are too large for the low dtype, where they meet a tensor that is low: `masked_fill(&mask, -1e9)`.
They are asked of the dtype that the attribute fixes; where it is known only at run time, of f16, which ends at 65504.
bf16 goes as far as f32, so that with `dtype = bf16` only the likes of `f32::MIN` are found.

### Why is this bad
What happens depends on the operation (measured with libtorch 2.11):

| where the number stands | what a tensor in f16 does with `1e5` |
|---|---|
| written: `masked_fill`, `fill_`, `index_fill`, `scatter_value`, `pad`, `full_like`, `Tensor::full` | refused at run time: `value cannot be converted to type c10::Half without overflow` (a single element is filled with inf); tch panics even in `f_masked_fill` |
| a bound: `clamp`, `clamp_min`, `clamp_max` | refused as well |
| chosen: `where_scalarother`, `nan_to_num` | becomes inf |
| added or subtracted | every result is inf |
| a factor | computed in f32 and then rounded: inf from 0.66 on |
| a divisor | `x / 1e5` is fine; from `3.4e7` on, where `x / 1e8` is 0 below 3, it is found |

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn scores(q: &Tensor, k: &Tensor, mask: &Tensor) -> Tensor {
    q.matmul(&k.tr()).masked_fill(mask, -1e9)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn scores(q: &Tensor, k: &Tensor, mask: &Tensor) -> Tensor {
    q.matmul(&k.tr()).masked_fill(mask, f64::NEG_INFINITY)
}
```
Where a row may be masked as a whole, so that softmax over it would be NaN: `-65504.`, the lowest number of f16. Or a full
block around the operation, or `#[amp(dtype = bf16)]`.
";

pub(super) const RULE: Rule = Rule { id: "huge_literal", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for scalar in meet_low(facts) {
        let (limits, value) = (scalar.limits, scalar.value);
        let huge = match scalar.usage {
            Use::Write | Use::Bound => limits.refuses(value),
            Use::Choice | Use::Term | Use::Factor => limits.overflows(value),
            Use::Divisor => value.is_finite() && value.abs() > 1. && limits.vanishes(value.recip()),
            Use::Comparison => false,
        };
        if huge {
            errors.push_between(start(scalar.expr), end(scalar.expr), message(&scalar));
        }
    }
}

fn message(scalar: &Scalar<'_>) -> Message {
    let (limits, value) = (scalar.limits, scalar.value);
    let (name, max) = (limits.name(), limits.max_written());
    let operation = scalar.operation();
    let what = match scalar.usage {
        Use::Write | Use::Bound => format!("`{operation}` refuses more at run time"),
        Use::Term => "every result is inf".to_owned(),
        Use::Factor => format!("the product is inf from {} on", limits.overflow_from(value)),
        Use::Divisor => format!("the quotient is 0 below {}", limits.underflow_below(value.recip())),
        Use::Choice | Use::Comparison => "more becomes inf".to_owned(),
    };
    let literal = limits.max_literal();
    let sign = if value < 0. { "-" } else { "" };
    let infinity = if value < 0. { "f64::NEG_INFINITY" } else { "f64::INFINITY" };
    let help = match scalar.usage {
        Use::Write | Use::Choice => {
            format!("write `{infinity}` or `{sign}{literal}`, or put the operation in a `#[amp(full)]` block")
        }
        Use::Bound => format!("write `{sign}{literal}`, or put the operation in a `#[amp(full)]` block"),
        _ => "put the operation in a `#[amp(full)]` block".to_owned(),
    };
    Message::new(format!("{} is too large for {name}", scalar.shown()))
        .rule(RULE.id)
        .note(format!("the largest {name} is {max}{}: {what}{}", limits.why(), scalar.since))
        .help(help)
}
