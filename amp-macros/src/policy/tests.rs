//! The table agrees with itself.
use super::{Class, Form, Op, Output, find, named, ops};
use std::collections::BTreeSet;

/// The rows for which something is false.
fn those(is_wrong: impl Fn(&Op) -> bool) -> Vec<&'static str> {
    ops().filter(|op| is_wrong(op)).map(|op| op.name).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn no_two_rows_are_about_the_same_call() {
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = ops()
        .filter(|op| !seen.insert((op.name, op.form == Form::Method, op.arity)))
        .map(|op| op.name)
        .collect();
    assert_eq!(twice, NONE);
    // `Tensor::op(..)` falls back on the method: a function must not hide behind one
    let hidden = those(|op| {
        op.form == Form::Function
            && ops().any(|o| o.form == Form::Method && o.name == op.name && o.arity + 1 == op.arity)
    });
    assert_eq!(hidden, NONE);
}

#[test]
fn operands_are_arguments_in_order() {
    let arguments = |op: &Op| op.arity + usize::from(op.form == Form::Method);
    assert_eq!(those(|op| op.operands.is_empty()), NONE);
    assert_eq!(those(|op| op.operands.iter().any(|&position| position >= arguments(op))), NONE);
    assert_eq!(those(|op| !op.operands.is_sorted_by(|a, b| a < b)), NONE);
    assert_eq!(those(|op| op.kind.is_some_and(|position| position >= arguments(op))), NONE);
    assert_eq!(those(|op| op.kind.is_some_and(|position| op.operands.contains(&position))), NONE);
}

#[test]
fn an_output_dtype_stands_where_an_operation_chooses_it() {
    assert_eq!(those(|op| op.class == Class::FullOutput && op.kind.is_none()), NONE);
    // reductions that libtorch leaves alone still say what they return
    assert_eq!(those(|op| op.kind.is_some() && !matches!(op.class, Class::FullOutput | Class::Follow)), NONE);
    assert_eq!(those(|op| op.kind.is_some() && (op.in_place || op.output != Output::Tensor)), NONE);
}

#[test]
fn views_copy_nothing_and_compute_nothing() {
    assert_eq!(those(|op| op.view && op.class != Class::Follow), NONE);
    assert_eq!(those(|op| op.view && op.operands != [0]), NONE);
    assert_eq!(those(|op| op.view && (op.in_place || op.alone || op.output != Output::Tensor)), NONE);
}

#[test]
fn what_writes_says_so_and_is_suspended_where_libtorch_has_a_list() {
    assert_eq!(those(|op| op.in_place && op.alone == (op.class == Class::Follow)), NONE);
    assert_eq!(those(|op| op.name.contains("_out") && !op.in_place), NONE);
    // `view_` is tch's name for a view of any shape
    assert_eq!(those(|op| op.name.ends_with('_') && !op.in_place), ["view_"]);
}

#[test]
fn every_row_has_a_reason() {
    assert_eq!(those(|op| op.reason.is_empty() || op.reason.ends_with('.')), NONE);
}

#[test]
fn calls_are_found_by_name_form_and_arity() {
    let class = |form, name, arity| find(form, name, arity).map(|op| (op.name, op.class));
    assert_eq!(class(Form::Method, "matmul", 1), Some(("matmul", Class::Low)));
    assert_eq!(class(Form::Method, "f_matmul", 1), Some(("matmul", Class::Low)));
    assert_eq!(class(Form::Function, "matmul", 2), Some(("matmul", Class::Low)));
    assert_eq!(class(Form::Function, "f_matmul", 2), Some(("matmul", Class::Low)));
    assert_eq!(class(Form::Function, "einsum", 3), Some(("einsum", Class::Low)));
    // `Iterator::sum` and `i64::checked_pow` have other numbers of arguments
    assert_eq!(class(Form::Method, "sum", 0), None);
    assert_eq!(class(Form::Method, "einsum", 2), None);
    assert_eq!(class(Form::Function, "exp", 0), None);
    // tch's own `nll_loss` took the name of libtorch's
    assert_eq!(class(Form::Method, "nll_loss", 1), Some(("nll_loss", Class::Full)));
    assert_eq!(class(Form::Method, "f_nll_loss", 4), Some(("g_nll_loss", Class::Full)));
    assert_eq!(class(Form::Method, "f_add_scalar", 1), Some(("g_add_scalar", Class::Follow)));
    assert_eq!(named("softmax").map(|op| op.kind).collect::<Vec<_>>(), [Some(2)]);
}
