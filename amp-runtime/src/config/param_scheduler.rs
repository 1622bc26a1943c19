//! Reading `param_scheduler`: the pieces of the learning rate's schedule.
use super::reader::{Field, Table};
use crate::schedule::{Curve, EtaMin, Piece, ScheduleError, Unit};

type Read = fn(&mut Table) -> Curve;
const TYPES: [(&str, Read); 7] = [
    ("LinearLR", linear),
    ("ConstantLR", constant),
    ("MultiStepLR", multi_step),
    ("StepLR", step),
    ("ExponentialLR", exponential),
    ("CosineAnnealingLR", cosine_annealing),
    ("PolyLR", poly),
];

/// One table, or a list of them.
pub(super) fn read(field: &Field) -> Option<Vec<Piece>> {
    if field.is_table() {
        return Some(vec![piece(field)?]);
    }
    Some(field.list()?.iter().filter_map(piece).collect())
}

fn piece(field: &Field) -> Option<Piece> {
    field.table(|table| {
        let Some(read) = table.required("type").and_then(|field| field.word(&TYPES)) else {
            table.ignore_rest();
            return None;
        };
        let curve = read(table);
        let begin = table.integer("begin", 0, 0);
        let end = table.optional("end").and_then(|field| field.integer(0));
        let by_epoch = table.flag("by_epoch", true);
        let unit = match (by_epoch, table.flag("convert_to_iter_based", false)) {
            (true, false) => Unit::Epochs,
            (true, true) => Unit::EpochsAsUpdates,
            (false, false) => Unit::Updates,
            (false, true) => {
                table.note_invalid("convert_to_iter_based", &true, "used with `by_epoch: true`");
                Unit::Updates
            }
        };
        let piece = Piece { curve, begin, end, unit };
        if table.is_clean()
            && let Err(error) = piece.validate()
        {
            note(table, &error);
        }
        Some(piece)
    })
}

fn note(table: &Table, error: &ScheduleError) {
    match error {
        ScheduleError::InvalidValue { field, value, wants, .. } => table.note_invalid(field, value, wants),
        ScheduleError::EmptyRange { begin, end, .. } => {
            table.note_invalid("end", end, &format!("more than `begin`, {begin}"));
        }
        ScheduleError::NoEnd { .. } => table.note_missing("end"),
        // how long an epoch is, a document does not say
        ScheduleError::NoEpochLength { .. } => {}
    }
}

fn linear(table: &mut Table) -> Curve {
    let start_factor = table.number("start_factor", 1. / 3.);
    Curve::Linear { start_factor, end_factor: table.number("end_factor", 1.) }
}

fn constant(table: &mut Table) -> Curve {
    Curve::Constant { factor: table.number("factor", 1. / 3.) }
}

fn multi_step(table: &mut Table) -> Curve {
    let milestones = table.required("milestones").and_then(|field| field.list()).unwrap_or_default();
    let milestones = milestones.iter().filter_map(|field| field.integer(0)).collect();
    Curve::MultiStep { milestones, gamma: table.number("gamma", 0.1) }
}

fn step(table: &mut Table) -> Curve {
    let step_size = table.required("step_size").and_then(|field| field.integer(1)).unwrap_or(1);
    Curve::Step { step_size, gamma: table.number("gamma", 0.1) }
}

fn exponential(table: &mut Table) -> Curve {
    Curve::Exponential { gamma: table.required("gamma").and_then(|field| field.number()).unwrap_or(1.) }
}

fn cosine_annealing(table: &mut Table) -> Curve {
    let t_max = table.optional("T_max").and_then(|field| field.integer(1));
    Curve::CosineAnnealing { t_max, eta_min: eta_min(table) }
}

fn poly(table: &mut Table) -> Curve {
    let power = table.number("power", 1.);
    Curve::Poly { power, eta_min: eta_min(table) }
}

fn eta_min(table: &mut Table) -> EtaMin {
    let lr = table.optional("eta_min").and_then(|field| field.number());
    let ratio = table.optional("eta_min_ratio").and_then(|field| field.number());
    match (lr, ratio) {
        (Some(_), Some(ratio)) => {
            table.note_invalid("eta_min_ratio", &ratio, "left out where `eta_min` is given");
            EtaMin::Ratio(ratio)
        }
        (None, Some(ratio)) => EtaMin::Ratio(ratio),
        (lr, None) => EtaMin::Lr(lr.unwrap_or(0.)),
    }
}
