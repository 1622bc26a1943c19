//! The steps of `cargo xtask test`, in order and timed.
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::cargo;
use crate::error::Error;
use crate::workspace::Workspace;

/// The cheap checks come first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    Fmt,
    Clippy,
    Doc,
    Test,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Fmt => &["fmt", "--all", "--check"],
            Self::Clippy => &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            Self::Doc => &["doc", "--workspace", "--no-deps"],
            Self::Test => &["test", "--workspace"],
        }
    }
}

pub(crate) fn run(workspace: &Workspace, only: Option<Step>) -> Result<(), Error> {
    let steps: Vec<Step> =
        Step::value_variants().iter().copied().filter(|step| only.is_none_or(|only| *step == only)).collect();
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for (index, step) in steps.iter().enumerate() {
        let (number, count, name) = (index + 1, steps.len(), step.name());
        eprintln!("\n[{number}/{count}] {name}: cargo {}", step.args().join(" "));
        let start = Instant::now();
        let mut command = cargo::command(workspace, step.args().iter().copied());
        if *step == Step::Doc {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }
        outcome = cargo::succeed(&mut command);
        times.push((name.clone(), start.elapsed()));
        if let Err(cause) = outcome {
            outcome = Err(Error::Step { number, count, name, cause: Box::new(cause) });
            break;
        }
    }
    summarise(&times, outcome.is_ok());
    outcome
}

fn summarise(times: &[(String, Duration)], passed: bool) {
    eprintln!();
    for (name, time) in times {
        eprintln!("{name:<7}{:>7.1} s", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| time).sum();
    eprintln!("{:<7}{:>7.1} s{}", "total", total.as_secs_f64(), if passed { ", all passed" } else { "" });
}
