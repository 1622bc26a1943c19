//! Operations in macro tokens that cannot be read, or behind a name.
use super::rule::{Facts, Level, Rule};
use crate::errors::{Errors, Message};

const DOC: &str = r"
### What it does
Finds operations of the table inside macro calls whose tokens `#[amp]` cannot read, and operations that are handed on as
a value: `Tensor::softmax`. The macros of the standard library, `vec!`, `assert!`, `println!` and their like, can be read.

### Why is this bad
What the macro does not see it cannot cast: the operation would run at whatever precision its operands have, and the plan
would not list it.

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

macro_rules! twice {
    ($value:expr) => {
        $value + $value
    };
}

#[amp]
fn forward(x: &Tensor, w: &Tensor) -> Tensor {
    twice!(x.matmul(w))
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

macro_rules! twice {
    ($value:expr) => {
        &$value + &$value
    };
}

#[amp]
fn forward(x: &Tensor, w: &Tensor) -> Tensor {
    let h = x.matmul(w);
    twice!(h)
}
```
";

pub(super) const RULE: Rule = Rule { id: "unseen_site", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for (span, op) in &facts.plan.unseen {
        let message = Message::new(format!("`{op}` stands where `#[amp]` cannot see how it is called"))
            .rule(RULE.id)
            .note("tokens of a macro and names of functions are left as they are, so that nothing would be cast")
            .help(format!("call `{op}` in a statement of its own or in a closure, or mark this one `#[amp(skip)]`"));
        errors.push(*span, message);
    }
}
