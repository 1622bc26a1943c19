//! A whole run: every row, then table, chart and JSON.
use crate::cli::RunArgs;
use crate::contest::{Rules, row};
use crate::entrant::{Entrant, Hardware, Numbers};
use crate::machine::{self, Machine};
use crate::models::Spec;
use crate::process::Python;
use crate::results::Results;
use crate::{chart, page, table};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::fs;
use std::path::Path;

pub(crate) fn run(args: &RunArgs) -> Result<()> {
    if args.device == Hardware::Cuda && !tch::Cuda::is_available() {
        bail!("there is no CUDA GPU here, or libtorch was built without it\nhelp: `--device cpu`");
    }
    takes_part(args)?;
    let asked = args.models.iter().map(|name| Spec::find(name)).collect::<Result<Vec<_>>>()?;
    let specs = if asked.is_empty() { Spec::usual(args.device) } else { asked };
    let rules = Rules {
        device: args.device,
        threads: args.threads,
        rounds: usize::from(args.rounds),
        keep_memory: args.keep_memory,
        gpu_memory: if args.device == Hardware::Cuda { machine::gpu_memory() } else { None },
        python: Python { program: args.python.clone(), path: args.python_path.clone().or_else(own_torch) },
    };
    let machine = Machine::look(args.device, args.threads, rules.rounds, args.keep_memory);
    println!("{}", machine.line());
    let mut results = Results { machine, rows: Vec::new() };
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make `{}`", args.out.display()))?;
    for spec in specs {
        let own = if args.device == Hardware::Cpu { spec.on_cpu } else { spec.on_gpu };
        let batches = if args.batch_sizes.is_empty() { &own[..] } else { &args.batch_sizes };
        // Where everyone is measured.
        let everyones = if args.device == Hardware::Cpu { batches[0] } else { batches[batches.len() / 2] };
        for &batch in batches {
            let all = Entrant::all(args.device, spec.convolutional);
            let entrants: Vec<Entrant> = all
                .into_iter()
                .filter(|one| wanted(args, *one) && (batch == everyones || is_everywhere(*one, spec, args)))
                .collect();
            let (row, torch) = row(spec, batch, &entrants, &rules, |what| eprintln!("{what}"))?;
            results.machine.torch = results.machine.torch.take().or(torch);
            println!("{}", table::of_row(&row));
            results.rows.push(row);
            // A run takes long: what is measured is kept at once.
            write(&args.out.join("results.json"), &serde_json::to_string_pretty(&results)?)?;
        }
    }
    println!("{}\n", table::LEGEND);
    let low = if args.device == Hardware::Cpu { Numbers::Bf16 } else { Numbers::F16 };
    write(&args.out.join("chart.svg"), &chart::svg(&results, low)?)?;
    println!("{}\n{}", args.out.join("results.json").display(), args.out.join("chart.svg").display());
    if args.record {
        page::record(&results)?;
    }
    Ok(())
}

/// Refuses who is asked for by name and takes no part on this hardware, or not in these numbers.
fn takes_part(args: &RunArgs) -> Result<()> {
    let all: Vec<Entrant> =
        Entrant::all(args.device, true).into_iter().filter(|one| wanted(args, *one)).collect();
    let word =
        |value: Option<PossibleValue>| value.map_or_else(String::new, |value| value.get_name().to_owned());
    let systems = args.systems.iter().filter(|&&system| all.iter().all(|one| one.system != system));
    let numbers = args.numbers.iter().filter(|&&numbers| all.iter().all(|one| one.numbers != numbers));
    let absent = systems.map(ValueEnum::to_possible_value);
    let mut absent = absent.chain(numbers.map(ValueEnum::to_possible_value));
    match absent.next() {
        Some(first) => bail!(
            "`{}` takes no part on {} as it was asked for\nhelp: leave it out; on GPUs only there are TF32, graphs and `tch-autocast`, which is f16; graphs are measured in TF32 and f16",
            word(first),
            word(args.device.to_possible_value()),
        ),
        None => Ok(()),
    }
}

fn wanted(args: &RunArgs, one: Entrant) -> bool {
    (args.systems.is_empty() || args.systems.contains(&one.system))
        && (args.numbers.is_empty() || args.numbers.contains(&one.numbers))
}

/// Whether an entrant is measured at each batch size. A CPU without instructions for f16 computes it number by number, and `torch.compile` works on its C++ for minutes: the
/// smallest batch shows them. On a GPU the middle one shows what compiling gives, and what it means to leave images as they
/// are. Whoever is asked for is measured everywhere.
fn is_everywhere(one: Entrant, spec: Spec, args: &RunArgs) -> bool {
    let compiled = one.is_compiled() && !args.systems.contains(&one.system);
    let aside = match args.device {
        Hardware::Cpu => one.numbers == Numbers::F16 && !args.numbers.contains(&Numbers::F16),
        Hardware::Cuda => spec.convolutional && !one.channels_last,
    };
    !compiled && !aside
}

/// The folder that the set-up's torch package lies in.
fn own_torch() -> Option<std::path::PathBuf> {
    let torch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.libtorch/torch").canonicalize().ok()?;
    torch.parent().map(Path::to_owned)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod checks {
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn who_takes_no_part_is_not_measured_in_silence() {
        let asked = |arguments: &str| {
            let words = std::iter::once("side-by-side").chain(arguments.split_whitespace());
            super::takes_part(&Cli::parse_from(words).run).map_err(|error| error.to_string())
        };
        for whole in
            ["", "--systems amp,pytorch --numbers bf16", "--device cuda --systems amp-graph --numbers tf32"]
        {
            assert_eq!(asked(whole), Ok(()), "{whole}");
        }
        for (lacking, who) in [
            ("--systems amp,amp-graph", "`amp-graph`"),
            ("--numbers tf32", "`tf32`"),
            ("--device cuda --systems pytorch-graph --numbers bf16", "`pytorch-graph`"),
        ] {
            let said = asked(lacking).unwrap_err();
            assert!(said.starts_with(who), "{lacking}: {said}");
        }
    }
}
