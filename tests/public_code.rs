//! Public code as it stands: every function in tch's own layers, models and examples takes `#[amp]`, or is refused by a rule.
#[path = "public_code/marked.rs"]
mod marked;
#[path = "public_code/package.rs"]
mod package;
#[path = "public_code/sources.rs"]
mod sources;

use package::{Package, Refused, Report, reports};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The functions that a rule refuses, with the rule: mistakes in mixed precision, and training loops in forward regions.
const REFUSED: &[(&str, &str, &str)] = &[
    ("examples/custom_optimizer/mod.rs", "run", "backward_inside"),
    ("examples/mnist/mnist_linear.rs", "run", "backward_inside"),
    ("examples/vae/mod.rs", "loss", "banned_op"),
    ("nn/optimizer.rs", "backward_step", "backward_inside"),
    ("nn/optimizer.rs", "backward_step_clip", "backward_inside"),
    ("nn/optimizer.rs", "backward_step_clip_norm", "backward_inside"),
];

const MAIN: &str = "//! Copies of tch's sources, plain and with `#[amp]`.
#![allow(warnings)]
mod amped;
mod plain;
mod root;
mod run;

fn main() {
    run::main();
}
";

fn file_of(report: &Report) -> PathBuf {
    report.file.components().skip_while(|part| part.as_os_str() != "amped").skip(1).collect()
}

/// The rule whose message this is: its name in brackets.
fn rule(message: &str) -> Option<String> {
    let (_, after) = message.split_once("[amp::")?;
    let (name, _) = after.split_once(']')?;
    name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_').then(|| name.to_owned())
}

fn build(package: &Package) -> Output {
    package.cargo(&["build", "--message-format=json"])
}

#[test]
fn tchs_own_code() {
    let Some(tch) = sources::tch() else {
        eprintln!(
            "SKIPPED: tch's sources are not in the local cargo registry, so no public code was compiled"
        );
        return;
    };
    let all = sources::all(&tch);
    let package = Package::new("public_code");
    let stand_ins = package.write_stand_ins();
    let more = format!(
        "torch-sys = \"0.24\"\nanyhow = \"1\"\nclap = {{ version = \"4\", features = [\"derive\"] }}\nrand = \"0.8\"\n\
         safetensors = \"0.3\"\nserde_json = \"1\"\nlazy_static = \"1\"\n{stand_ins}"
    );
    package.write_manifest("2021", &more);
    package.write("src/main.rs", MAIN);

    let mut refused = Refused::new();
    let mut found: BTreeSet<(String, String, String)> = BTreeSet::new();
    let whole = package.write_copies(&all, &refused);
    assert!(whole > 600, "only {whole} functions were found");
    // rustc stops before it has seen all: a refused function is taken out, and the rest is looked at again.
    let mut output = build(&package);
    for _ in 0..4 {
        if output.status.success() {
            break;
        }
        let reports = reports(&output);
        let broken: Vec<&Report> = reports.iter().filter(|report| rule(&report.message).is_none()).collect();
        let shown: Vec<String> = broken.iter().map(|report| format!("{report:?}")).collect();
        assert!(
            broken.is_empty() && !reports.is_empty(),
            "{}\n{}",
            shown.join("\n"),
            String::from_utf8_lossy(&output.stderr)
        );
        for report in &reports {
            let text = fs::read_to_string(package.folder.join(&report.file)).unwrap();
            let name = marked::function_at(&text, report.line)
                .unwrap_or_else(|| panic!("{report:?} is in no function"));
            let file = file_of(report);
            found.insert((file.display().to_string(), name.0.clone(), rule(&report.message).unwrap()));
            refused.entry(file).or_default().insert(name);
        }
        package.write_copies(&all, &refused);
        output = build(&package);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let count: usize = refused.values().map(BTreeSet::len).sum();
    println!("{} of {whole} functions take `#[amp]`, {count} are refused by a rule:", whole - count);
    for (file, function, rule) in &found {
        println!("    (\"{file}\", \"{function}\", \"{rule}\"),");
    }
    let expected: BTreeSet<_> =
        REFUSED.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
    assert_eq!(found, expected, "the refused functions are not those that are known");

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let ran = Command::new(target.join("debug/public_code"))
        .env("YOLO_CONFIG", tch.join("examples/yolo/yolo-v3.cfg"))
        .output()
        .expect("the models run");
    println!("{}", String::from_utf8_lossy(&ran.stdout));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
