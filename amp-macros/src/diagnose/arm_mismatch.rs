//! Branches that come out in different precisions.
use super::rule::{Facts, Level, Rule};
use crate::errors::{Errors, Message};
use crate::plan::Held;

const DOC: &str = r"
### What it does
Finds an `if` or a `match` of which one arm is known to give a low tensor, and another one in f32.

### Why is this bad
The dtype of the result then depends on the data: what follows runs in one precision on one path and in another on the next,
and a `cat`, an in-place operation or a comparison of dtypes fails on some inputs only.

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn scores(x: &Tensor, w: &Tensor, probabilities: bool) -> Tensor {
    let logits = x.matmul(w);
    if probabilities { logits.softmax(-1, None) } else { logits }
}
```

### Use instead
`output = full` where the branch is what the function returns:
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp(output = full)]
fn scores(x: &Tensor, w: &Tensor, probabilities: bool) -> Tensor {
    let logits = x.matmul(w);
    if probabilities { logits.softmax(-1, None) } else { logits }
}
```
or a cast in one arm: `logits.to_kind(Kind::Float)`. With `output = full` the rule is silent in the whole function.
";

pub(super) const RULE: Rule = Rule { id: "arm_mismatch", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    if facts.args.output_full {
        return;
    }
    for join in &facts.plan.joins {
        let made = |held: Held| {
            let arm = join.arms.iter().find(|arm| arm.held == held)?;
            let call = arm.since.and_then(|index| facts.plan.calls.get(index));
            Some(call.map_or_else(String::new, |call| format!(" (`{}`)", call.name)))
        };
        if let (Some(low), Some(full)) = (made(Held::Low), made(Held::Full)) {
            let message = Message::new("the arms of this branch differ in precision")
                .rule(RULE.id)
                .note(format!("one is low{low} and one f32{full}: the dtype of what follows depends on the data"))
                .help("cast one arm with `to_kind(Kind::Float)`, or write `#[amp(output = full)]` if it is returned");
            errors.push(join.span, message);
        }
    }
}
