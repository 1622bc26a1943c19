//! Products of differences of low values: areas of boxes.
use super::rule::{Facts, Level, Rule, plain_name};
use crate::errors::{Errors, Message};
use crate::plan::{Call, Spelling};
use quote::ToTokens;
use syn::{BinOp, Expr};

const DOC: &str = r"
### What it does
Finds the product of two differences of low tensors, as in the area of a box: `(x2 - x1) * (y2 - y1)`, also where `relu`,
`clamp` or `+ 1.` stand between. The square of one difference is none.

### Why is this bad
f16 ends at 65504: a box of more than 255 x 255 has an area of inf, and an IoU of NaN or 0. In bf16 nothing overflows, but
its 8 bits round coordinates from 256 on to even numbers, and every area to three digits.

### Example
```compile_fail
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn areas(features: &Tensor, w: &Tensor) -> Tensor {
    let boxes = features.matmul(w);
    let (x1, y1, x2, y2) = (boxes.select(1, 0), boxes.select(1, 1), boxes.select(1, 2), boxes.select(1, 3));
    (x2 - x1) * (y2 - y1)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::Tensor;

#[amp]
fn areas(features: &Tensor, w: &Tensor) -> Tensor {
    let boxes = features.matmul(w);
    let (x1, y1, x2, y2) = (boxes.select(1, 0), boxes.select(1, 1), boxes.select(1, 2), boxes.select(1, 3));
    #[amp(full)]
    {
        (x2 - x1) * (y2 - y1)
    }
}
```
The block has to begin where the differences are taken: what was rounded before stays rounded.
";

pub(super) const RULE: Rule = Rule { id: "coordinate_product", level: Level::Deny, doc: DOC, check };

fn check(facts: &Facts<'_>, errors: &mut Errors) {
    for call in facts.calls().filter(|call| multiplies(call) && call.facts.iter().all(|fact| fact.is_low())) {
        let (Some(one), Some(other)) =
            (difference(facts, call.operands[0]), difference(facts, call.operands[1]))
        else {
            continue;
        };
        if one.label == other.label || same(one, other) {
            continue;
        }
        let what = match facts.limits().name() {
            "f16" => format!("f16 ends at 65504{}: above 255 x 255 the product is inf", facts.limits().why()),
            _ => "bf16 has 8 bits: coordinates from 256 on are rounded to even numbers".to_owned(),
        };
        let message = Message::new("product of two differences of low values")
            .rule(RULE.id)
            .note(format!("{what}{}", facts.since(call.facts[0])))
            .help("put the differences and their product in a `#[amp(full)] { .. }` block");
        errors.push(call.span, message);
    }
}

fn multiplies(call: &Call<'_>) -> bool {
    match call.spelling {
        Spelling::Binary(op) => matches!(op, BinOp::Mul(_)),
        _ => matches!(plain_name(call), "mul" | "multiply") && call.operands.len() == 2,
    }
}

/// The difference of two low tensors that an operand is, bounds and shifts aside.
fn difference<'a>(facts: &Facts<'a>, operand: &'a Expr) -> Option<&'a Call<'a>> {
    let mut call = facts.maker(operand)?;
    for _ in 0..16 {
        let low = |call: &Call<'_>| call.facts.len() == 2 && call.facts.iter().all(|fact| fact.is_low());
        let subtracts = match call.spelling {
            Spelling::Binary(op) => matches!(op, BinOp::Sub(_)),
            _ => matches!(plain_name(call), "sub" | "subtract"),
        };
        if subtracts && low(call) {
            return Some(call);
        }
        let between = match call.spelling {
            Spelling::Binary(op) => matches!(op, BinOp::Add(_) | BinOp::Sub(_)) && !call.facts[1].is_low(),
            _ => matches!(
                plain_name(call),
                "relu"
                    | "abs"
                    | "clamp"
                    | "clamp_min"
                    | "clamp_max"
                    | "unsqueeze"
                    | "squeeze"
                    | "squeeze_dim"
            ),
        };
        call = facts.maker(call.operands.first().filter(|_| between)?)?;
    }
    None
}

/// Whether two differences are the same, written twice.
fn same(one: &Call<'_>, other: &Call<'_>) -> bool {
    let written = |call: &Call<'_>| {
        call.operands
            .iter()
            .map(|operand| crate::syntax::shape::bare(operand).to_token_stream().to_string())
            .collect::<Vec<_>>()
    };
    written(one) == written(other)
}
