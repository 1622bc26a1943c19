//! Words of the attribute that change nothing.
use super::rule::{Facts, Level, Rule};
use crate::args::Args;
use crate::errors::{Errors, Message, suggestion};
use crate::policy::{self, Class};

const DOC: &str = r#"
### What it does
Finds overrides in `low(..)` and `full(..)` that no call in the function answers to, or that say what the op table says; marks in
the body that hold nothing; and rules in `deny(..)` and `allow(..)` that do not exist.

### Why is this bad
The code says that an operation runs in a precision of its own, and it does not: mostly a typing error.

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp(full(gelo))]
fn activated(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w).gelu("none")
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp(full(gelu))]
fn activated(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w).gelu("none")
}
```
"#;

pub(super) const RULE: Rule = Rule { id: "unused_word", level: Level::Deny, doc: DOC, check: marks };

/// The marks of a function; an attribute on an `impl` block is used by any of its functions, so [`check`] runs once for that.
fn marks(facts: &Facts<'_>, errors: &mut Errors) {
    for span in &facts.plan.unused_marks {
        let message = Message::new("this mark changes nothing").rule(RULE.id);
        errors.push(
            *span,
            message.note("there is nothing in it whose precision it decides").help("leave it out"),
        );
    }
}

/// Checks the words of one attribute against what its functions used.
pub(super) fn check(args: &Args, used: &[String], rules: &[&str], errors: &mut Errors) {
    if args.strictness(RULE.id) == Some(false) {
        return;
    }
    for word in args.low.iter().chain(&args.full).filter(|word| !used.iter().any(|name| *word == name)) {
        let name = word.to_string();
        let message = Message::new(format!("`{name}` is overridden and not called here")).rule(RULE.id);
        let help = if policy::named(&name).next().is_some() {
            format!("leave `{name}` out")
        } else {
            let known: Vec<&str> = policy::ops().map(|op| op.name).collect();
            near(&name, &known).unwrap_or_else(|| {
                format!("leave `{name}` out: neither the op table nor the function knows it")
            })
        };
        errors.push(word.span(), message.help(help));
    }
    for (words, class, listed) in [(&args.low, Class::Low, "low"), (&args.full, Class::Full, "full")] {
        for word in words {
            let name = word.to_string();
            let mut rows = policy::named(&name).peekable();
            if rows.peek().is_some() && rows.all(|op| op.class == class) {
                let message = Message::new(format!("`{name}` is {listed} already")).rule(RULE.id);
                errors.push(
                    word.span(),
                    message.note("the op table says so").help(format!("leave `{name}` out")),
                );
            }
        }
    }
    for word in args.deny.iter().chain(&args.allow) {
        let name = word.to_string();
        if !rules.contains(&name.as_str()) {
            let message = Message::new(format!("there is no rule `{name}`")).rule(RULE.id);
            errors.push(word.span(), message.help(suggestion(&name, rules)));
        }
    }
}

/// A question after the nearest name; none where the list would be long and none is near.
fn near(name: &str, known: &[&str]) -> Option<String> {
    let answer = suggestion(name, known);
    answer.starts_with("did you mean").then_some(answer)
}
