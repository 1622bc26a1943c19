//! Writes that would land in a copy.
use super::rule::{Facts, Level, Rule};
use crate::errors::{Errors, Message};
use crate::plan::{Call, Held, Island, Spelling, Tensorness};
use crate::policy::{Class, Form};
use crate::syntax::shape;

const DOC: &str = r"
### What it does
Finds operations that write into an operand (the table knows which do; a trailing underscore alone says nothing) and whose
policy would have to cast that operand first: `exp_` on a low tensor, `addmm_` on a tensor in f32, `+=` on a low tensor in a
full block.

### Why is this bad
A cast makes a copy. The write would land in the copy, and the tensor that the code names would stay as it was; or the
operation would run in a precision that its policy does not allow.

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn weights(x: &Tensor, w: &Tensor) -> Tensor {
    let mut h = x.matmul(w);
    let _ = h.exp_();
    h
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn weights(x: &Tensor, w: &Tensor) -> Tensor {
    let h = x.matmul(w);
    h.exp()
}
```
";

pub(super) const RULE: Rule = Rule { id: "in_place", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for call in facts.calls() {
        let Some(position) = written_operand(call) else { continue };
        let Some(fact) = call.facts.get(position) else { continue };
        let assigns = call.name.ends_with("_assign");
        let class = if assigns && call.island == Island::Full { Some(Class::Full) } else { call.class };
        let (has, needs) = match class {
            Some(Class::Full | Class::FullOutput) if fact.is_low() => ("low", "f32"),
            Some(Class::Low) if fact.held == Held::Full && fact.tensor == Tensorness::Yes => {
                ("f32", "low precision")
            }
            _ => continue,
        };
        let target = shape::name(call.operands[position])
            .map_or_else(|| "its operand".to_owned(), |name| format!("`{name}`"));
        let (name, help) = match call.spelling {
            Spelling::Binary(op) => {
                let op = quote::ToTokens::to_token_stream(op).to_string();
                let plain = op.trim_end_matches('=').to_owned();
                let left = target.strip_prefix('`').map_or("..", |name| name.trim_end_matches('`'));
                (op, format!("write `&{left} {plain} ..`, and use what it gives"))
            }
            _ => {
                (call.name.clone(), format!("write `{}`, and use what it returns", out_of_place(&call.name)))
            }
        };
        let message = Message::new(format!("`{name}` would write into a copy of {target}"))
            .rule(RULE.id)
            .note(format!(
                "it runs in {needs}, and {target} is {has}: a cast makes a copy{}",
                facts.since(*fact)
            ))
            .help(help);
        errors.push(call.span, message);
    }
}

/// Which operand is written into.
fn written_operand(call: &Call<'_>) -> Option<usize> {
    if call.name.ends_with("_assign") && matches!(call.spelling, Spelling::Binary(_)) {
        return Some(0);
    }
    let op = call.op.filter(|op| op.in_place)?;
    Some(usize::from(op.form == Form::Method && op.name.contains("_out")))
}

fn out_of_place(name: &str) -> String {
    match name.find("_out") {
        Some(at) => name[..at].to_owned(),
        None => name.trim_end_matches('_').to_owned(),
    }
}
