//! `explain`: what `#[amp]` decided in this program.
use crate::bbox::{BBox, Object};
use crate::build;
use crate::cli::ExplainArgs;
use crate::config::{Config, Overrides};
use amp_runtime::plan::{self, FunctionPlan};
use amp_runtime::{Precision, with_precision};
use anyhow::{Result, bail};
use std::path::Path;
use tch::Device;

pub(super) fn run(args: &ExplainArgs) -> Result<()> {
    let wanted = args.function.as_deref().unwrap_or_default();
    let plans: Vec<&FunctionPlan> = plan::all().filter(|plan| plan.function.contains(wanted)).collect();
    if plans.is_empty() {
        let names: Vec<&str> = plan::all().map(|plan| plan.function).collect();
        bail!("no `#[amp]` function has `{wanted}` in its path\nhelp: there are {}", names.join(", "));
    }
    run_once()?;
    if args.json {
        let list: serde_json::Value = plans.iter().map(|plan| plan.to_json()).collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
    } else {
        for plan in plans {
            println!("{plan}\n");
        }
    }
    Ok(())
}

/// What a layer call does is known when it has run: each model computes the losses of a small image once.
fn run_once() -> Result<()> {
    for name in ["bench", "cells"] {
        let config = Config::load(Path::new(name), Overrides::default())?;
        let (_store, model) = build::model(&config.sections.model, 3, Device::Cpu)?;
        let object = Object { bbox: BBox::new(8., 8., 40., 40.), class: 0, ignored: false };
        let targets = model.targets(&[&[object]], 64, 64);
        let images = model.images(&[127; 64 * 64 * 3], 64, 64);
        with_precision(Precision::Bf16, || model.losses(&images, &targets));
    }
    Ok(())
}
