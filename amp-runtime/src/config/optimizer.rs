//! Reading the optimizer: torch's names, torch's defaults.
use super::reader::{Field, Table};
use crate::optim::{Adam, AdamW, OptimError, OptimizerConfig, Sgd};

type Read = fn(&mut Table) -> OptimizerConfig;
const TYPES: [(&str, Read); 3] = [("SGD", sgd), ("Adam", adam), ("AdamW", adamw)];

pub(super) fn read(field: &Field) -> Option<OptimizerConfig> {
    field.table(|table| {
        let Some(read) = table.required("type").and_then(|field| field.word(&TYPES)) else {
            table.ignore_rest();
            return None;
        };
        let optimizer = read(table);
        // torch chooses a kernel by these; here it is always the fused one
        for choice in ["fused", "foreach"] {
            table.optional(choice).and_then(|field| field.flag());
        }
        if let Err(error) = optimizer.validate() {
            note(table, &error);
        }
        Some(optimizer)
    })
}

/// Notes a number out of range under the table that it came from.
pub(super) fn note(table: &Table, error: &OptimError) {
    match error {
        OptimError::InvalidValue { field, value, wants, .. } => table.note_invalid(field, value, wants),
        // a default may have taken the place of what is already noted
        OptimError::Nesterov { .. } if !table.is_clean() => {}
        OptimError::Nesterov { .. } => {
            table.note_invalid("nesterov", &true, "used with a momentum above 0 and no dampening");
        }
        other => table.note_invalid("type", other, "an optimizer with valid numbers"),
    }
}

fn sgd(table: &mut Table) -> OptimizerConfig {
    let default = Sgd::default();
    OptimizerConfig::Sgd(Sgd {
        lr: table.number("lr", default.lr),
        momentum: table.number("momentum", default.momentum),
        dampening: table.number("dampening", default.dampening),
        weight_decay: table.number("weight_decay", default.weight_decay),
        nesterov: table.flag("nesterov", default.nesterov),
        maximize: table.flag("maximize", default.maximize),
    })
}

fn adam(table: &mut Table) -> OptimizerConfig {
    let default = Adam::default();
    OptimizerConfig::Adam(Adam {
        lr: table.number("lr", default.lr),
        betas: betas(table, default.betas),
        eps: table.number("eps", default.eps),
        weight_decay: table.number("weight_decay", default.weight_decay),
        amsgrad: table.flag("amsgrad", default.amsgrad),
        maximize: table.flag("maximize", default.maximize),
    })
}

fn adamw(table: &mut Table) -> OptimizerConfig {
    let default = AdamW::default();
    OptimizerConfig::AdamW(AdamW {
        lr: table.number("lr", default.lr),
        betas: betas(table, default.betas),
        eps: table.number("eps", default.eps),
        weight_decay: table.number("weight_decay", default.weight_decay),
        amsgrad: table.flag("amsgrad", default.amsgrad),
        maximize: table.flag("maximize", default.maximize),
    })
}

fn betas(table: &mut Table, default: (f64, f64)) -> (f64, f64) {
    let read = |field: Field| match field.list()?.as_slice() {
        [first, second] => Some((first.number()?, second.number()?)),
        _ => field.wants("a list of two numbers"),
    };
    table.field("betas").and_then(read).unwrap_or(default)
}
