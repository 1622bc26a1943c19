//! Numbers that a reader can see: literals, named limits of the number types, names of such, and arithmetic of them.
use super::names::Names;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprPath, Lit, UnOp};

/// The value of an expression that is a number whatever runs; none for all others.
pub(super) fn value(expr: &Expr, names: &Names<'_>) -> Option<f64> {
    let value = |expr: &Expr| value(expr, names);
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Float(float) if float.suffix() == "f32" => float.base10_parse::<f32>().ok().map(f64::from),
            Lit::Float(float) => float.base10_parse().ok(),
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => value(&unary.expr).map(|number| -number),
        Expr::Paren(paren) => value(&paren.expr),
        Expr::Group(group) => value(&group.expr),
        Expr::Cast(cast) => value(&cast.expr).map(|number| through(number, &cast.ty)),
        Expr::Path(path) => named(path).or_else(|| names.bound(path).and_then(value)),
        Expr::Binary(binary) => {
            let (left, right) = (value(&binary.left)?, value(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => Some(left + right),
                BinOp::Sub(_) => Some(left - right),
                BinOp::Mul(_) => Some(left * right),
                BinOp::Div(_) if right != 0. => Some(left / right),
                _ => None,
            }
        }
        // `Some(-1e9)` for an optional number, `f64::from(f32::MIN)`
        Expr::Call(call) if call.args.len() == 1 && is_plain(&call.func) => value(&call.args[0]),
        _ => None,
    }
}

/// The number as it was written, without the spaces that tokens print with.
pub(super) fn written(expr: &Expr) -> String {
    match expr {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => format!("-{}", written(&unary.expr)),
        Expr::Paren(paren) => format!("({})", written(&paren.expr)),
        Expr::Group(group) => written(&group.expr),
        Expr::Cast(cast) => format!("{} as {}", written(&cast.expr), cast.ty.to_token_stream()),
        Expr::Binary(binary) => {
            format!("{} {} {}", written(&binary.left), binary.op.to_token_stream(), written(&binary.right))
        }
        Expr::Call(call) if call.args.len() == 1 => {
            format!("{}({})", written(&call.func), written(&call.args[0]))
        }
        _ => expr.to_token_stream().to_string().replace(" :: ", "::"),
    }
}

/// What is left of a number after `as`.
fn through(number: f64, ty: &syn::Type) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "that is what `as f32` does")]
    match ty.to_token_stream().to_string().as_str() {
        "f32" => f64::from(number as f32),
        "f64" => number,
        _ => number.trunc(),
    }
}

/// `f32::MIN`, `std::f64::EPSILON`, `i64::MAX`
fn named(path: &ExprPath) -> Option<f64> {
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (name, of) = (names.next()?, names.next()?);
    let number = match (of.as_str(), name.as_str()) {
        ("f32", "MIN") => f64::from(f32::MIN),
        ("f32", "MAX") => f64::from(f32::MAX),
        ("f32", "EPSILON") => f64::from(f32::EPSILON),
        ("f32", "MIN_POSITIVE") => f64::from(f32::MIN_POSITIVE),
        ("f64", "MIN") => f64::MIN,
        ("f64", "MAX") => f64::MAX,
        ("f64", "EPSILON") => f64::EPSILON,
        ("f64", "MIN_POSITIVE") => f64::MIN_POSITIVE,
        ("f32" | "f64", "INFINITY") => f64::INFINITY,
        ("f32" | "f64", "NEG_INFINITY") => f64::NEG_INFINITY,
        ("i64" | "isize", "MIN") => -(2f64.powi(63)),
        ("i64" | "isize", "MAX") => 2f64.powi(63),
        ("i32", "MIN") => f64::from(i32::MIN),
        ("i32", "MAX") => f64::from(i32::MAX),
        _ => return None,
    };
    Some(number)
}

/// `Some`, `f64::from`, `Scalar::from`: what hands its argument on.
fn is_plain(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Some" || last.ident == "from")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> (Option<f64>, String) {
        let expr: Expr = syn::parse_str(source).unwrap();
        (value(&expr, &Names::default()), written(&expr))
    }

    #[test]
    fn numbers_in_all_their_spellings() {
        for (source, number) in [
            ("1e-8", 1e-8),
            ("-1e9", -1e9),
            ("1e-8_f64", 1e-8),
            ("1_000_000i64", 1e6),
            ("-70000", -70000.),
            ("f64::MIN", f64::MIN),
            ("std::f64::EPSILON", f64::EPSILON),
            ("f32::MIN as f64", f64::from(f32::MIN)),
            ("-f32::MAX as f64", f64::from(f32::MIN)),
            ("f64::from(f32::MIN)", f64::from(f32::MIN)),
            ("1e-8f32 as f64", f64::from(1e-8f32)),
            ("1. - 1e-7", 1. - 1e-7),
            ("(1e5)", 1e5),
            ("Some(1e5)", 1e5),
            ("10 as f64", 10.),
            ("core::f64::NEG_INFINITY", f64::NEG_INFINITY),
        ] {
            assert_eq!(of(source), (Some(number), source.to_owned()));
        }
    }

    #[test]
    fn what_is_decided_elsewhere_is_no_number() {
        for source in ["eps", "self.eps", "f(1e-8)", "1e-8f64.sqrt()", "-x", "1. / 0.", "true", "Some(eps)"] {
            assert_eq!(of(source).0, None, "{source}");
        }
    }
}
