//! Every row names a method or function of tch, and says the truth about its arguments.
use crate::registry::{Param, TCH};
use amp_runtime::policy::OPS;
use std::collections::BTreeMap;

/// Parameters that hold tensors of indices, masks, sizes or statistics: never floating, or never cast.
const NEVER_CAST: &[&str] = &[
    "batch_sizes",
    "condition",
    "dropout_mask",
    "index",
    "indices",
    "input_lengths",
    "mask",
    "offsets",
    "repeats",
    "running_mean",
    "running_var",
    "target_lengths",
    "targets",
];

/// Whether a tensor parameter is left out of a row with reason: it holds classes, or only lends its shape.
fn is_left_out(op: &str, param: &str) -> bool {
    NEVER_CAST.contains(&param)
        || matches!((op, param), ("view_as" | "reshape_as" | "expand_as", "other"))
        || (param == "target"
            && (op.contains("nll_loss") && op != "poisson_nll_loss"
                || op.starts_with("multilabel_margin_loss")))
}

fn complaints(
    check: impl Fn(&amp_runtime::policy::OpInfo, &crate::registry::Function) -> Vec<String>,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for op in OPS {
        match TCH.get(op.name) {
            Some(function) => {
                complaints.extend(
                    check(op, function).into_iter().map(|complaint| format!("{}: {complaint}", op.name)),
                );
            }
            None => complaints.push(format!("{}: tch has no such method", op.name)),
        }
    }
    complaints
}

const NONE: [&str; 0] = [];

#[test]
fn every_row_is_a_method_or_function_of_tch() {
    let wrong = complaints(|op, function| {
        let form = if function.takes_self { "method" } else { "function" };
        let mut wrong = Vec::new();
        if op.form != form {
            wrong.push(format!("is a {form}"));
        }
        if op.arity != function.arity() {
            wrong.push(format!("has {} arguments", function.arity()));
        }
        if op.in_place != function.writes {
            wrong.push(format!("writes: {}", function.writes));
        }
        wrong
    });
    assert_eq!(wrong, NONE);
}

#[test]
fn every_operand_is_a_tensor_and_every_other_tensor_has_a_reason() {
    let wrong = complaints(|op, function| {
        let mut wrong = Vec::new();
        for (position, (name, param)) in function.params.iter().enumerate() {
            let named = op.operands.contains(&position);
            if named && *param != Param::Tensor {
                wrong.push(format!("`{name}` at {position} is no tensor"));
            }
            if named && is_left_out(op.name, name) {
                wrong.push(format!("`{name}` at {position} is never cast"));
            }
            if !named && *param == Param::Tensor && !is_left_out(op.name, name) {
                wrong.push(format!("`{name}` at {position} is a tensor"));
            }
            let chooses = matches!(param, Param::MaybeKind | Param::Kind);
            if op.kind == Some(position) && !chooses {
                wrong.push(format!("`{name}` at {position} is no dtype"));
            }
            // The rewriting hands over an `Option<Kind>`.
            if op.class == "FullOutput" && op.kind == Some(position) && *param != Param::MaybeKind {
                wrong.push(format!("`{name}` at {position} cannot be left out"));
            }
        }
        if let Some(last) = op.operands.last().filter(|last| **last >= function.params.len()) {
            wrong.push(format!("nothing stands at {last}"));
        }
        wrong
    });
    assert_eq!(wrong, NONE);
}

#[test]
fn every_row_names_the_operator_behind_it() {
    let wrong = complaints(|op, function| match &function.torch {
        Some(torch) if op.torch.split('.').next() != Some(torch) => {
            vec![format!("calls {torch}, not {}", op.torch)]
        }
        _ => Vec::new(),
    });
    assert_eq!(wrong, NONE);
}

#[test]
fn the_rows_are_counted() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for op in OPS {
        *counts.entry(op.class).or_default() += 1;
    }
    println!("{} rows: {counts:?}", OPS.len());
    for class in ["Low", "Full", "FullOutput", "Widest", "Follow", "Banned"] {
        assert!(counts.contains_key(class), "no row is {class}");
    }
    assert_eq!(counts.len(), 6);
}
