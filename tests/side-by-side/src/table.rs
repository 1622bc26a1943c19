//! The table on the terminal: ratios first.
use crate::entrant::Entrant;
use crate::results::{Measured, Row};
use std::fmt::Write as _;

const HEADS: &str = "vs PyTorch  vs own f32                                ms   quartiles        per second        peak MB  casts";

/// What the ratios mean.
pub(crate) const LEGEND: &str = "vs PyTorch: time against PyTorch's in the same numbers and layout, below 1 is faster\n\
                                 vs own f32: how much faster than the same system in f32";

/// One row of the contest, a line for each who took part.
pub(crate) fn of_row(row: &Row) -> String {
    let mut out = format!("\n{}, batch {}, {} parameters\n{HEADS}\n", row.model, row.batch, row.parameters);
    for one in &row.measured {
        let _ = writeln!(out, "{}", line(row, one));
    }
    for one in &row.absent {
        let _ = writeln!(out, "{:>22}  {}: {}", "-", layout(one.entrant), one.reason);
    }
    if let Some(remark) = &row.remark {
        let _ = writeln!(out, "{remark}");
    }
    out
}

/// Who, and how its images lie in memory: on a GPU both ways are measured.
fn layout(one: Entrant) -> String {
    one.label() + if one.channels_last { ", channels last" } else { "" }
}

#[allow(clippy::cast_precision_loss)] // bytes
fn line(row: &Row, one: &Measured) -> String {
    let ratio =
        row.pytorch_of(one).filter(|other| other.entrant != one.entrant).map(|other| one.ratio_to(other));
    let gain = row.full_of(one).filter(|full| full.entrant != one.entrant).map(|full| full.ratio_to(one));
    let shown = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x"));
    let peak = one.peak_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0}", bytes as f64 / 1e6));
    let casts = one.casts.map_or_else(|| "-".to_owned(), |casts| casts.to_string());
    format!(
        "{:>10}  {:>10}  {:<30} {:>8.2}  {:>7.2}..{:<8.2} {:>9.1} {:<6} {peak:>8} {casts:>6}",
        shown(ratio),
        shown(gain),
        layout(one.entrant),
        one.seconds * 1e3,
        one.quartiles[0] * 1e3,
        one.quartiles[1] * 1e3,
        one.per_second(row),
        row.unit,
    )
}
