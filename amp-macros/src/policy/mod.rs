//! Which operation runs at which precision: the rows of the one table, and how they are found.
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

mod op;
mod print;
mod reason;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use op::{Class, Form, Op, Output};
pub(crate) use print::print_table;

/// The row of a method or function of tch, by its name and number of arguments; none if it is no operation of the table.
///
/// The number keeps `Iterator::sum()` and `i64::pow` out. `f_` twins are found under their own name, which is that of the
/// `g_` twin for some: `f_add` is `g_add`. `Tensor::matmul(&a, &b)` is the method with its receiver as first argument: the
/// positions of its row are the same.
pub(crate) fn find(form: Form, name: &str, arity: usize) -> Option<&'static Op> {
    static ROWS: LazyLock<HashMap<(&str, Form, usize), &Op>> =
        LazyLock::new(|| ops().map(|op| ((op.name, op.form, op.arity), op)).collect());
    let listed = |name: &str| match (form, ROWS.get(&(name, form, arity))) {
        (Form::Function, None) => ROWS.get(&(name, Form::Method, arity.checked_sub(1)?)).copied(),
        (_, row) => row.copied(),
    };
    match name.strip_prefix("f_") {
        // the infallible name may have been taken by tch itself, with other arguments
        Some(twin) => listed(twin).or_else(|| listed(&format!("g_{twin}"))),
        None => listed(name),
    }
}

/// All rows of a name.
pub(crate) fn named(name: &str) -> impl Iterator<Item = &'static Op> {
    ops().filter(move |op| op.name == name)
}

/// Whether some row has the name.
pub(crate) fn is_named(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| ops().map(|op| op.name).collect());
    NAMES.contains(name)
}

/// Every row.
pub(crate) fn ops() -> impl Iterator<Item = &'static Op> {
    table::rows()
}
