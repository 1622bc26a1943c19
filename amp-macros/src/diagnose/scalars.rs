//! Where a number meets a low tensor, and what libtorch's kernels do with it there.
use super::limits::Limits;
use super::number;
use super::rule::{Facts, plain_name, stays_low};
use crate::args::Low;
use crate::plan::{Call, Spelling};
use crate::syntax::shape::kind_literal;
use syn::{BinOp, Expr};

/// What a number is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Written into the tensor: libtorch refuses what is beyond the dtype's largest value.
    Write,
    /// A bound of the values: refused as well.
    Bound,
    /// Stands for elements or for inf, and is converted without a check.
    Choice,
    /// Added or subtracted: computed in f32, the result is rounded.
    Term,
    /// Multiplied: computed in f32, the result is rounded.
    Factor,
    /// Divided by.
    Divisor,
    /// Compared with, where it matters whether it is 0.
    Comparison,
}

/// A method, how many arguments it has, and its numbers: their positions, the receiver being 0, and their uses.
type Method = (&'static str, usize, &'static [(usize, Use)]);

/// Every method with such a number.
const METHODS: &[Method] = &[
    ("masked_fill", 2, &[(2, Use::Write)]),
    ("index_fill", 3, &[(3, Use::Write)]),
    ("scatter_value", 3, &[(3, Use::Write)]),
    ("fill", 1, &[(1, Use::Write)]),
    ("fill_diagonal", 2, &[(1, Use::Write)]),
    ("full_like", 1, &[(1, Use::Write)]),
    ("pad", 3, &[(3, Use::Write)]),
    ("threshold", 2, &[(2, Use::Write)]),
    ("clamp", 2, &[(1, Use::Bound), (2, Use::Bound)]),
    ("clip", 2, &[(1, Use::Bound), (2, Use::Bound)]),
    ("clamp_min", 1, &[(1, Use::Bound)]),
    ("clamp_max", 1, &[(1, Use::Bound)]),
    ("where_scalarother", 2, &[(2, Use::Choice)]),
    ("nan_to_num", 3, &[(1, Use::Choice), (2, Use::Choice), (3, Use::Choice)]),
    ("add_scalar", 1, &[(1, Use::Term)]),
    ("sub_scalar", 1, &[(1, Use::Term)]),
    ("subtract_scalar", 1, &[(1, Use::Term)]),
    ("rsub_scalar", 1, &[(1, Use::Term)]),
    ("mul_scalar", 1, &[(1, Use::Factor)]),
    ("multiply_scalar", 1, &[(1, Use::Factor)]),
    ("div_scalar", 1, &[(1, Use::Divisor)]),
    ("divide_scalar", 1, &[(1, Use::Divisor)]),
    ("true_divide_scalar", 1, &[(1, Use::Divisor)]),
    ("ge", 1, &[(1, Use::Comparison)]),
    ("greater_equal", 1, &[(1, Use::Comparison)]),
    ("lt", 1, &[(1, Use::Comparison)]),
    ("less", 1, &[(1, Use::Comparison)]),
    ("gt", 1, &[(1, Use::Comparison)]),
    ("greater", 1, &[(1, Use::Comparison)]),
    ("le", 1, &[(1, Use::Comparison)]),
    ("less_equal", 1, &[(1, Use::Comparison)]),
];

/// A number that meets a low tensor.
pub(super) struct Scalar<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) expr: &'a Expr,
    pub(super) value: f64,
    pub(super) usage: Use,
    /// For a note: what made the tensor low.
    pub(super) since: String,
    pub(super) limits: Limits,
}

impl Scalar<'_> {
    /// The operation as one writes it.
    pub(super) fn operation(&self) -> String {
        match self.call.spelling {
            Spelling::Binary(op) => quote::ToTokens::to_token_stream(op).to_string(),
            _ => self.call.name.clone(),
        }
    }

    /// The number, and what it stands for where it is only a name.
    pub(super) fn shown(&self) -> String {
        let written = number::written(self.expr);
        match self.expr {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                format!("`{written}` is {:e}, which", self.value)
            }
            _ => format!("`{written}`"),
        }
    }
}

/// Every number of a function that meets a low tensor.
pub(super) fn meet_low<'a>(facts: &Facts<'a>) -> Vec<Scalar<'a>> {
    let mut found = Vec::new();
    for call in facts.calls() {
        for (tensor, position, usage) in uses(call) {
            if let Some(expr) = call.operands.get(position)
                && stays_low(call, tensor)
                && let Some(value) = number::value(expr, &facts.names)
            {
                let since = facts.since(call.facts[tensor]);
                found.push(Scalar { call, expr, value, usage, since, limits: facts.limits() });
            }
        }
        if let Some((position, limits)) = created_low(facts, call)
            && let Some(value) = number::value(call.operands[position], &facts.names)
        {
            let expr = call.operands[position];
            found.push(Scalar { call, expr, value, usage: Use::Write, since: String::new(), limits });
        }
    }
    found
}

/// `Tensor::full(size, number, (Kind::Half, device))`, `x.new_full(..)`, also with `low.kind()`: the number's position.
fn created_low<'a>(facts: &Facts<'a>, call: &'a Call<'a>) -> Option<(usize, Limits)> {
    let options = match (plain_name(call), call.spelling, call.operands.len()) {
        ("full", Spelling::Function, 3) => 2,
        ("new_full", Spelling::Method, 4) => 3,
        _ => return None,
    };
    let Expr::Tuple(pair) = call.operands[options] else { return None };
    let kind = pair.elems.first()?;
    let limits = match kind_literal(kind).as_deref() {
        Some("Half") => Limits::of(Some(Low::F16)),
        Some("BFloat16") => Limits::of(Some(Low::Bf16)),
        Some(_) => return None,
        None => {
            let asked = facts.maker(kind)?;
            let low = asked.name == "kind" && asked.facts.first().is_some_and(|fact| fact.is_low());
            low.then(|| facts.limits())?
        }
    };
    Some((options - 1, limits))
}

/// Which operand is the tensor, which the number, and what for.
fn uses(call: &Call<'_>) -> Vec<(usize, usize, Use)> {
    match call.spelling {
        Spelling::Binary(op) => match op {
            BinOp::Add(_) | BinOp::Sub(_) => vec![(0, 1, Use::Term), (1, 0, Use::Term)],
            BinOp::Mul(_) => vec![(0, 1, Use::Factor), (1, 0, Use::Factor)],
            BinOp::AddAssign(_) | BinOp::SubAssign(_) => vec![(0, 1, Use::Term)],
            BinOp::MulAssign(_) => vec![(0, 1, Use::Factor)],
            BinOp::Div(_) | BinOp::DivAssign(_) => vec![(0, 1, Use::Divisor)],
            _ => Vec::new(),
        },
        Spelling::Method | Spelling::Function => {
            let name = plain_name(call);
            let name = name.strip_suffix('_').unwrap_or(name);
            if name == "where_scalarself" && call.operands.len() == 3 {
                return vec![(2, 1, Use::Choice)];
            }
            let arity = call.operands.len().saturating_sub(1);
            let method = METHODS.iter().find(|(method, args, _)| *method == name && *args == arity);
            method.map_or_else(Vec::new, |(_, _, numbers)| {
                numbers.iter().map(|(position, usage)| (0, *position, *usage)).collect()
            })
        }
    }
}
