//! A whole run: every row, then table, chart and JSON.
use crate::cli::RunArgs;
use crate::contest::{Rules, row};
use crate::entrant::{Entrant, Hardware, Numbers};
use crate::machine::Machine;
use crate::models::Spec;
use crate::process::Python;
use crate::results::Results;
use crate::{chart, page, table};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

pub(crate) fn run(args: &RunArgs) -> Result<()> {
    if args.device == Hardware::Cuda && !tch::Cuda::is_available() {
        bail!("there is no CUDA GPU here, or libtorch was built without it\nhelp: `--device cpu`");
    }
    let asked = args.models.iter().map(|name| Spec::find(name)).collect::<Result<Vec<_>>>()?;
    let specs = if asked.is_empty() { Spec::usual(args.device) } else { asked };
    let rules = Rules {
        device: args.device,
        threads: args.threads,
        rounds: usize::from(args.rounds),
        keep_memory: args.keep_memory,
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
