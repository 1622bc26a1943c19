//! How a row is written: one line, saying only what is special about it.
use super::op::{Class, Form, Op, Output};

/// `xs.name(..)`: its arguments without the receiver, and the positions of its tensors.
pub(super) const fn method(name: &'static str, arity: usize, operands: &'static [usize]) -> Op {
    plain(Form::Method, name, arity, operands)
}

/// `Tensor::name(..)`: its arguments, and the positions of its tensors.
pub(super) const fn function(name: &'static str, arity: usize, operands: &'static [usize]) -> Op {
    plain(Form::Function, name, arity, operands)
}

const fn plain(form: Form, name: &'static str, arity: usize, operands: &'static [usize]) -> Op {
    Op {
        name,
        class: Class::Follow,
        form,
        arity,
        operands,
        kind: None,
        output: Output::Tensor,
        in_place: false,
        view: false,
        alone: false,
        torch: name,
        reason: "",
    }
}

/// Rows that stand in one class for one reason.
pub(super) const fn group<const N: usize>(class: Class, reason: &'static str, mut rows: [Op; N]) -> [Op; N] {
    let mut row = 0;
    while row < N {
        rows[row].class = class;
        rows[row].reason = reason;
        // libtorch wraps nothing that writes, but may wrap what that is composed of.
        rows[row].alone |= rows[row].in_place && !matches!(class, Class::Follow);
        row += 1;
    }
    rows
}

impl Op {
    /// libtorch's operator, with its overload, where tch calls it something else.
    pub(super) const fn of(self, torch: &'static str) -> Self {
        Self { torch, ..self }
    }

    /// Composed by tch from other operators.
    pub(super) const fn own(self) -> Self {
        self.of("")
    }

    /// The position of the output's dtype.
    pub(super) const fn kind(self, position: usize) -> Self {
        Self { kind: Some(position), ..self }
    }

    /// Writes into an operand.
    pub(super) const fn writes(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// Shows all elements and copies none.
    pub(super) const fn view(self) -> Self {
        Self { view: true, ..self }
    }

    /// Runs with autocast suspended.
    pub(super) const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// Returns several tensors.
    pub(super) const fn tensors(self) -> Self {
        Self { output: Output::Tensors, ..self }
    }

    /// Returns no tensor.
    pub(super) const fn other(self) -> Self {
        Self { output: Output::Other, ..self }
    }
}
