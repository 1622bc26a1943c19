//! The calls of a training step: the methods of `OptimWrapper`, and `backward` of a loss.
use super::state::Op;
use syn::{Expr, ExprCall, ExprMethodCall, Ident};

/// A method of the wrapper.
pub(super) struct Method {
    name: &'static str,
    /// Its part in an update; none if it has none.
    pub(super) op: Option<Op>,
    /// Whether it returns a `Result`.
    pub(super) fallible: bool,
}

const fn method(name: &'static str, op: Option<Op>, fallible: bool) -> Method {
    Method { name, op, fallible }
}

/// All methods of a built wrapper. What is not here is a trait of the user's, and may do anything.
pub(super) const METHODS: &[Method] = &[
    method("backward", Some(Op::Backward), true),
    method("clip_grad_norm", Some(Op::Clip), true),
    method("clip_grad_value", Some(Op::Clip), true),
    method("step", Some(Op::Step), true),
    method("backward_step", Some(Op::Update), true),
    method("backward_step_clip", Some(Op::Update), true),
    method("backward_step_clip_norm", Some(Op::Update), true),
    method("update_params", Some(Op::Update), true),
    method("finish_window", Some(Op::FinishWindow), true),
    method("zero_grad", Some(Op::ZeroGrad), true),
    method("drop_window", Some(Op::ZeroGrad), true),
    method("capture", None, true),
    method("initialize_count_status", None, true),
    method("load_state", None, true),
    method("state", None, true),
    method("set_lr", None, true),
    method("set_lr_group", None, true),
    method("set_weight_decay", None, true),
    method("set_weight_decay_group", None, true),
    method("set_loss_scale", None, true),
    method("loss_scale", None, true),
    method("applied_updates", None, true),
    method("skipped_updates", None, true),
    method("lost_micro_batches", None, true),
    method("inner_count", None, false),
    method("precision", None, false),
    method("lr", None, false),
    method("momentum", None, false),
    method("groups", None, false),
];

impl Method {
    pub(super) fn named(name: &Ident) -> Option<&'static Self> {
        METHODS.iter().find(|method| name == method.name)
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// How the backward of a loss is written.
pub(super) enum Backward<'a> {
    /// `loss.backward()`
    Method(&'a ExprMethodCall),
    /// `Tensor::backward(&loss)`
    Function(&'a ExprCall, &'a Ident),
}

impl<'a> Backward<'a> {
    /// `backward` and `f_backward` of anything, without arguments: a loss has no other.
    pub(super) fn of(expr: &'a Expr) -> Option<Self> {
        match expr {
            Expr::MethodCall(call) => {
                (is_name(&call.method) && call.args.is_empty()).then_some(Self::Method(call))
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let mut segments = path.path.segments.iter().rev();
                let (name, of) = (segments.next()?, segments.next()?);
                let found = is_name(&name.ident) && of.ident == "Tensor" && call.args.len() == 1;
                found.then_some(Self::Function(call, &name.ident))
            }
            _ => None,
        }
    }

    pub(super) fn name(&self) -> &'a Ident {
        match self {
            Self::Method(call) => &call.method,
            Self::Function(_, name) => name,
        }
    }

    /// The loss as written: for a function, its argument.
    pub(super) fn loss(&self) -> &'a Expr {
        match self {
            Self::Method(call) => &call.receiver,
            Self::Function(call, _) => &call.args[0],
        }
    }

    /// Whether the `Result` is the user's.
    pub(super) fn is_fallible(&self) -> bool {
        self.name() == "f_backward"
    }
}

fn is_name(name: &Ident) -> bool {
    name == "backward" || name == "f_backward"
}
