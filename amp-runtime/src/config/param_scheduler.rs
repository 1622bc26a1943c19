//! Reading `param_scheduler`: the pieces of the learning rate's schedule.
use super::reader::{Field, Table};
use crate::schedule::{Curve, EtaMin, Piece, ScheduleError, Unit};

type Read = fn(&mut Table) -> Option<Curve>;
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
    let pieces: Vec<_> = field.list()?.iter().map(piece).collect();
    pieces.into_iter().collect()
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
                table.note_invalid("convert_to_iter_based", true, "used with `by_epoch: true`");
                Unit::Updates
            }
        };
        let piece = Piece { curve: curve?, begin, end, unit };
        if table.is_clean() {
            note(table, piece.validate());
        }
        Some(piece)
    })
}

fn note(table: &Table, checked: Result<(), ScheduleError>) {
    match checked {
        Ok(()) | Err(ScheduleError::NoEpochLength { .. }) => {}
        Err(ScheduleError::InvalidValue { field, value, wants, .. }) => {
            table.note_invalid(field, value, wants)
        }
        Err(ScheduleError::EmptyRange { begin, end, .. }) => {
            table.note_invalid("end", end, format!("more than `begin`, {begin}"));
        }
        Err(ScheduleError::NoEnd { .. }) => table.note_missing("end"),
    }
}

fn linear(table: &mut Table) -> Option<Curve> {
    let start_factor = table.number("start_factor", 1. / 3.);
    Some(Curve::Linear { start_factor, end_factor: table.number("end_factor", 1.) })
}

fn constant(table: &mut Table) -> Option<Curve> {
    Some(Curve::Constant { factor: table.number("factor", 1. / 3.) })
}

fn multi_step(table: &mut Table) -> Option<Curve> {
    let milestones = table.required("milestones").and_then(|field| field.list());
    let gamma = table.number("gamma", 0.1);
    let milestones: Vec<_> = milestones?.iter().map(|field| field.integer(0)).collect();
    Some(Curve::MultiStep { milestones: milestones.into_iter().collect::<Option<_>>()?, gamma })
}

fn step(table: &mut Table) -> Option<Curve> {
    let step_size = table.required("step_size").and_then(|field| field.integer(1));
    let gamma = table.number("gamma", 0.1);
    Some(Curve::Step { step_size: step_size?, gamma })
}

fn exponential(table: &mut Table) -> Option<Curve> {
    Some(Curve::Exponential { gamma: table.required("gamma")?.number()? })
}

fn cosine_annealing(table: &mut Table) -> Option<Curve> {
    let t_max = table.optional("T_max").and_then(|field| field.integer(1));
    Some(Curve::CosineAnnealing { t_max, eta_min: eta_min(table) })
}

fn poly(table: &mut Table) -> Option<Curve> {
    let power = table.number("power", 1.);
    Some(Curve::Poly { power, eta_min: eta_min(table) })
}

fn eta_min(table: &mut Table) -> EtaMin {
    let lr = table.optional("eta_min").and_then(|field| field.number());
    let ratio = table.optional("eta_min_ratio").and_then(|field| field.number());
    match (lr, ratio) {
        (Some(_), Some(ratio)) => {
            table.note_invalid("eta_min_ratio", ratio, "left out where `eta_min` is given");
            EtaMin::Ratio(ratio)
        }
        (None, Some(ratio)) => EtaMin::Ratio(ratio),
        (lr, None) => EtaMin::Lr(lr.unwrap_or(0.)),
    }
}
