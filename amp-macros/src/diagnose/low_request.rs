//! A low dtype asked for where the policy computes in full.
use super::rule::{Facts, Level, Rule, plain_name};
use crate::errors::{Errors, Message};
use crate::plan::Held;
use crate::policy::Class;
use crate::syntax::shape::{end, kind_literal, start};

const DOC: &str = r"
### What it does
Finds a literal `Kind::Half` or `Kind::BFloat16` as the dtype of an operation that the policy runs in f32:
`softmax(-1, Kind::Half)`, `sum(Kind::BFloat16)`; and a `to_kind(Kind::Half)` whose result an operation in f32 uses.

### Why is this bad
The code says one thing and the region does another: the policy gives the operation's own dtype as f32 and does not follow
the request; a value that was rounded to low is cast back, with the digits lost that the operation needs.

### Example
```compile_fail
use amp_runtime::amp;
use tch::{Kind, Tensor};

#[amp]
fn attention(q: &Tensor, k: &Tensor) -> Tensor {
    q.matmul(&k.tr()).softmax(-1, Kind::Half)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn attention(q: &Tensor, k: &Tensor) -> Tensor {
    q.matmul(&k.tr()).softmax(-1, None)
}
```
Where the operation shall run in low precision: `#[amp(low(softmax))]` for the function, or `#[amp(low)]` on the statement.
";

pub(super) const RULE: Rule = Rule { id: "low_request", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    let mut said = Vec::new();
    for call in facts.calls() {
        let name = plain_name(call);
        let Some(op) = call.op else { continue };
        if let (Some(Class::FullOutput), Some(position)) = (call.class, op.kind)
            && let Some(kind) = call.operands.get(position)
            && let Some(low) = low_kind(kind)
        {
            let message = Message::new(format!("`{name}` is asked for {low}, and its policy is f32"))
                .rule(RULE.id)
                .note(format!(
                    "what the policy runs in f32 loses too much in {low}: the request is not followed"
                ))
                .help(format!("write `None`; or `#[amp(low)]` on the statement if `{name}` shall be low"));
            errors.push_between(start(kind), end(kind), message);
        }
        if call.class != Some(Class::Full) {
            continue;
        }
        for position in
            op.operands.iter().filter(|position| call.facts.get(**position).is_some_and(|fact| fact.is_low()))
        {
            let Some(cast) = facts.maker(call.operands[*position]) else { continue };
            let down =
                matches!(plain_name(cast), "to_kind" | "totype" | "to_dtype") && !cast.facts[0].is_low();
            let Some(kind) = cast.operands.get(1).filter(|_| down) else { continue };
            if let Some(low) = low_kind(kind)
                && !said.contains(&cast.label)
            {
                said.push(cast.label);
                let to = if cast.facts[0].held == Held::Full { "f32 to " } else { "" };
                let message = Message::new(format!("cast from {to}{low} and back: `{name}` runs in f32"))
                    .rule(RULE.id)
                    .note(format!("`{name}` casts its operand to f32, without the digits that {low} has not"))
                    .help(format!("leave out `{}`: the policy casts where it pays", cast.name));
                errors.push_between(start(kind), end(kind), message);
            }
        }
    }
}

fn low_kind(kind: &syn::Expr) -> Option<&'static str> {
    match kind_literal(kind).as_deref() {
        Some("Half") => Some("f16"),
        Some("BFloat16") => Some("bf16"),
        _ => None,
    }
}
