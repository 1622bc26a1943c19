//! Operations that have no place in a region, and what does their work.
use super::rule::{Facts, Level, Rule, plain_name};
use crate::errors::{Errors, Message};
use crate::plan::{Call, Tensorness};
use crate::policy::Class;
use syn::Expr;

const DOC: &str = r"
### What it does
Finds operations that a region must not run, `binary_cross_entropy` above all, and the pair of `sigmoid` and then it.

### Why is this bad
The loss takes the logarithm of a probability. In low precision a sigmoid is exactly 1 from logits of 9 on (f16) and of 7 on
(bf16). Measured at a logit of 10 in f16, for a target of 0: a loss of 100 instead of 10, and a gradient of NaN. On CUDA,
libtorch's autocast refuses the operation at run time. `binary_cross_entropy_with_logits` computes the same from the logits,
in f32, with no such edge.

### Example
```compile_fail
use amp_runtime::amp;
use tch::{Reduction, Tensor};

#[amp]
fn loss(logits: &Tensor, target: &Tensor) -> Tensor {
    logits.sigmoid().binary_cross_entropy(target, None::<Tensor>, Reduction::Mean)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::{Reduction, Tensor};

#[amp]
fn loss(logits: &Tensor, target: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits(target, None::<Tensor>, None::<Tensor>, Reduction::Mean)
}
```
Where only probabilities are at hand: a full block, in which the operation runs in f32.
";

pub(super) const RULE: Rule = Rule { id: "banned_op", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for call in facts.calls().filter(|call| call.class == Some(Class::Banned)) {
        if call.facts[0].tensor != Tensorness::No {
            errors.push(call.span, message(facts, call).rule(RULE.id));
        }
    }
}

fn message<'a>(facts: &Facts<'a>, call: &'a Call<'a>) -> Message {
    let name = &call.name;
    if plain_name(call) != "binary_cross_entropy" {
        let reason = call.op.map_or("", |op| op.reason);
        return Message::new(format!("`{name}` must not run in low precision"))
            .note(reason)
            .help("put it in a `#[amp(full)]` block");
    }
    let replacement = "binary_cross_entropy_with_logits";
    let twin = if name.starts_with("f_") { "f_" } else { "" };
    match facts.maker(call.operands[0]).filter(|maker| plain_name(maker) == "sigmoid") {
        Some(sigmoid) => {
            let logits = sigmoid.operands[0];
            let on = match logits {
                Expr::Path(_) | Expr::Field(_) => written(logits),
                _ => "logits".to_owned(),
            };
            Message::new(format!("`sigmoid` and then `{name}` must not run in low precision"))
                .note("a low sigmoid is exactly 1 from logits of 9 on in f16, of 7 on in bf16: the loss is cut off, its gradient NaN")
                .help(format!("leave out `sigmoid` and write `{on}.{twin}{replacement}(..)`, which computes in f32"))
        }
        None => Message::new(format!("`{name}` must not run in low precision"))
            .note("the logarithm of a probability that was rounded to 0 or 1 is cut off, and its gradient NaN")
            .help(format!(
                "write `{twin}{replacement}(..)` on the logits, or, of probabilities, put it in a `#[amp(full)]` block"
            )),
    }
}

fn written(place: &Expr) -> String {
    quote::ToTokens::to_token_stream(place).to_string().replace(" . ", ".")
}
