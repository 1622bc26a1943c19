//! Values read back between backward and step.
use super::rule::{Facts, Level, Rule, plain_name};
use crate::errors::{Errors, Message};
use crate::plan::Spelling;

const DOC: &str = r"
### What it does
Allowed unless `#[amp(train_step, deny(host_sync))]` asks for it. Finds `double_value`, `int64_value`, `f64::try_from(&loss)`
and `print` between a `backward` and the `step` after it.

### Why is this bad
The update reads nothing back from the device. A value that is read in between makes the host wait until the whole backward
has run, and the device wait for the host's next launch.

### Example
```compile_fail
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step, deny(host_sync))]
fn train(optim: &mut OptimWrapper, x: &Tensor, w: &Tensor) -> f64 {
    let loss = x.matmul(w).square().mean(tch::Kind::Float);
    loss.backward();
    let value = loss.double_value(&[]);
    optim.step();
    value
}
```

### Use instead
```no_run
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step, deny(host_sync))]
fn train(optim: &mut OptimWrapper, x: &Tensor, w: &Tensor) -> f64 {
    let loss = x.matmul(w).square().mean(tch::Kind::Float);
    loss.backward();
    optim.step();
    loss.double_value(&[])
}
```
";

pub(super) const RULE: Rule = Rule { id: "host_sync", level: Level::Allow, doc: DOC, check };

/// tch's methods that bring a value to the host, with their operands.
const READS: &[(&str, usize)] = &[("double_value", 2), ("int64_value", 2), ("print", 1)];

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    if facts.args.train_step.is_none() {
        return;
    }
    let mut reads = Vec::new();
    let mut after_backward = false;
    for call in facts.calls() {
        let name = plain_name(call);
        let is_method = matches!(call.spelling, Spelling::Method);
        match name {
            "backward" if is_method => {
                after_backward = true;
                reads.clear();
            }
            "step" if is_method && call.operands.len() == 1 => {
                for (span, name) in reads.drain(..) {
                    let message =
                        Message::new(format!("`{name}` waits for the device between backward and step"))
                            .rule(RULE.id)
                            .note("the host stands still until the whole backward has run")
                            .help("read it after the step");
                    errors.push(span, message);
                }
                after_backward = false;
            }
            "try_from" if after_backward => reads.push((call.span, "try_from".to_owned())),
            _ if after_backward && is_method && READS.contains(&(name, call.operands.len())) => {
                reads.push((call.span, call.name.clone()));
            }
            _ => {}
        }
    }
}
