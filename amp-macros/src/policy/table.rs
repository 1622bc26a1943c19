//! The only op table.
use super::{Class, Form, Op, Output};

/// Every operation that the macro knows.
pub(crate) const OPS: &[Op] = &[
    Op { name: "matmul", class: Class::Low, form: Form::Method, arity: 1, operands: &[0, 1], kind: None, output: Output::Tensor, in_place: false, view: false, alone: false, torch: "matmul", reason: "" },
    Op { name: "exp", class: Class::Full, form: Form::Method, arity: 0, operands: &[0], kind: None, output: Output::Tensor, in_place: false, view: false, alone: false, torch: "exp", reason: "" },
    Op { name: "softmax", class: Class::FullOutput, form: Form::Method, arity: 2, operands: &[0], kind: Some(2), output: Output::Tensor, in_place: false, view: false, alone: false, torch: "softmax", reason: "" },
    Op { name: "relu", class: Class::Follow, form: Form::Method, arity: 0, operands: &[0], kind: None, output: Output::Tensor, in_place: false, view: false, alone: false, torch: "relu", reason: "" },
    Op { name: "tr", class: Class::Follow, form: Form::Method, arity: 0, operands: &[0], kind: None, output: Output::Tensor, in_place: false, view: true, alone: false, torch: "", reason: "" },
    Op { name: "relu_", class: Class::Follow, form: Form::Method, arity: 0, operands: &[0], kind: None, output: Output::Tensor, in_place: true, view: false, alone: false, torch: "relu_", reason: "" },
    Op { name: "binary_cross_entropy", class: Class::Banned, form: Form::Method, arity: 3, operands: &[0, 1, 2], kind: None, output: Output::Tensor, in_place: false, view: false, alone: false, torch: "binary_cross_entropy", reason: "" },
    Op { name: "dot", class: Class::Widest, form: Form::Method, arity: 1, operands: &[0, 1], kind: None, output: Output::Tensor, in_place: false, view: false, alone: false, torch: "dot", reason: "" },
];
