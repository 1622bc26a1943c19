//! The only op table, a file per kind of operation.
use crate::policy::op::Op;

mod arithmetic;
mod full;
mod full_output;
mod indexing;
mod interpolation;
mod layers;
mod losses;
mod low;
mod shapes;
mod solvers;
mod widest;

/// Every operation that the macro knows.
pub(super) fn rows() -> impl Iterator<Item = &'static Op> {
    let files = [
        low::ROWS,
        full::ROWS,
        losses::ROWS,
        interpolation::ROWS,
        solvers::ROWS,
        full_output::ROWS,
        widest::ROWS,
        arithmetic::ROWS,
        layers::ROWS,
        shapes::ROWS,
        indexing::ROWS,
    ];
    files.into_iter().flatten().copied().flatten()
}
