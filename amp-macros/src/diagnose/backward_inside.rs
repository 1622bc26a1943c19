//! A backward pass in a region that is no training step.
use super::rule::{Facts, Level, Rule, plain_name};
use crate::errors::{Errors, Message};
use crate::plan::{Held, Spelling, Tensorness};

const DOC: &str = r"
### What it does
Finds `backward()` in an `#[amp]` function that is no training step.

### Why is this bad
Gradients in f16 need a loss scale: without one, what is below 6e-8 becomes 0, and nobody says so. A plain `backward()` knows
of no scale. It would also run under the region's autocast, where PyTorch's documentation warns against it.

### Example
```compile_fail
use amp_runtime::amp;
use tch::{Reduction, Tensor};

#[amp]
fn train(x: &Tensor, w: &Tensor, target: &Tensor) {
    let loss = x.matmul(w).mse_loss(target, Reduction::Mean);
    loss.backward();
}
```

### Use instead
A forward function that gives the loss; the backward belongs to the training step, which scales it:
```no_run
use amp_runtime::amp;
use tch::{Reduction, Tensor};

#[amp]
fn loss(x: &Tensor, w: &Tensor, target: &Tensor) -> Tensor {
    x.matmul(w).mse_loss(target, Reduction::Mean)
}
```
and `#[amp(train_step)]` on the function with the optimizer, or `OptimWrapper::backward_step`.
";

pub(super) const RULE: Rule = Rule { id: "backward_inside", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    if facts.args.train_step.is_some() {
        return;
    }
    for call in facts.calls().filter(|call| plain_name(call) == "backward" && call.operands.len() == 1) {
        let tensor = match call.facts[0].tensor {
            Tensorness::Yes => true,
            Tensorness::Unknown => call.facts[0].held != Held::Unknown,
            Tensorness::No => false,
        };
        if tensor && !matches!(call.spelling, Spelling::Binary(_)) {
            let message = Message::new(format!("`{}` in a forward region", call.name))
                .rule(RULE.id)
                .note("nothing scales the loss here, so that small gradients become 0 in f16")
                .help("return the loss, and call it in a function with `#[amp(train_step)]`");
            errors.push(call.span, message);
        }
    }
}
