//! The demo: the detector on generated images, in bf16 and in f32, side by side.
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cargo;
use crate::error::Error;
use crate::workspace::Workspace;

/// Trains in bf16, draws what the model finds, trains in f32, and compares. The pictures' paths are printed at the end.
pub(crate) fn run(workspace: &Workspace, options: &[String]) -> Result<(), Error> {
    cargo::run(workspace, ["build", "--release", "--package", "detector"])?;
    let folder = workspace.root().join("target/demo");
    let runs = [("bf16", "bf16"), ("off", "f32")];
    for (amp, name) in runs {
        println!("\n== {name}: training ==");
        let work_dir = folder.join(name);
        let mut train = detector(workspace);
        train.args(["train", "cells", "--overwrite", "--amp", amp, "--work-dir"]).arg(&work_dir);
        if !options.is_empty() {
            train.arg("--cfg-options").args(options);
        }
        cargo::succeed(&mut train)?;
        println!("\n== {name}: test ==");
        cargo::succeed(detector(workspace).arg("test").arg(&work_dir))?;
    }
    let both = folder.join("bf16-and-f32.png");
    let mut plot = detector(workspace);
    plot.arg("plot").args(runs.map(|(_, name)| folder.join(name)));
    cargo::succeed(plot.arg("--out").arg(&both).args(["--legend", "bf16", "f32"]))?;
    let [bf16, full] = runs.map(|(_, name)| Run::read(&folder.join(name)));
    println!("\n            bf16        f32");
    if let (Some(bf16), Some(full)) = (bf16, full) {
        println!("s/step   {:>7.3}    {:>7.3}    {:.2}x faster", bf16.step, full.step, full.step / bf16.step);
        println!("mAP@0.5  {:>7.3}    {:>7.3}", bf16.map, full.map);
        println!("peak MB  {:>7.0}    {:>7.0}", bf16.memory, full.memory);
    }
    println!("\nLook at:");
    for (_, name) in runs {
        println!("  {}", folder.join(name).join("predictions.png").display());
    }
    println!("  {}", both.display());
    Ok(())
}

fn detector(workspace: &Workspace) -> Command {
    cargo::command(workspace, ["run", "--quiet", "--release", "--package", "detector", "--"])
}

/// What a run cost, and how good it is.
struct Run {
    /// The median of the seconds per step of its log lines.
    step: f64,
    map: f64,
    memory: f64,
}

impl Run {
    fn read(work_dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(work_dir.join("scalars.json")).ok()?;
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let numbers = |key: &str, of: &str| -> Vec<f64> {
            lines.iter().filter(|line| line.get(of).is_some()).filter_map(|line| line[key].as_f64()).collect()
        };
        let mut steps = numbers("time", "loss");
        steps.sort_by(f64::total_cmp);
        Some(Self {
            step: *steps.get(steps.len() / 2)?,
            map: *numbers("pascal_voc/mAP", "pascal_voc/mAP").last()?,
            memory: numbers("memory", "loss").into_iter().fold(0., f64::max),
        })
    }
}
