//! The program as a user runs it, on the smallest model.
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_side-by-side"));
    command
        .args(["--models", "mlp", "--batch-sizes", "2", "--rounds", "1", "--threads", "1", "--out"])
        .arg(out);
    command.args(more).output().unwrap()
}

fn results(out: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(out.join("results.json")).unwrap()).unwrap()
}

#[test]
fn our_side_alone_is_measured_where_there_is_no_python() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["--numbers", "f32,bf16", "--python", "no-such-python"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let results = results(folder.path());
    let row = &results["rows"][0];
    assert_eq!((row["model"].as_str(), row["batch"].as_i64()), (Some("mlp"), Some(2)));
    let measured = row["measured"].as_array().unwrap();
    let [full, low] = &measured[..] else { panic!("{measured:?}") };
    assert!(full["seconds"].as_f64().unwrap() > 0. && low["seconds"].as_f64().unwrap() > 0.);
    // Something is cast in low precision, and the loss is nearly the same.
    assert!(low["casts"].as_u64().unwrap() > full["casts"].as_u64().unwrap());
    let loss = |one: &Value| one["loss"].as_f64().unwrap();
    assert!((loss(full) - loss(low)).abs() < 0.02 * loss(full) && loss(full) != loss(low), "{row}");
    // Who could not take part is named, with the reason.
    let absent = row["absent"].as_array().unwrap();
    assert!(
        absent.iter().all(|one| one["reason"].as_str().unwrap().contains("`no-such-python` does not start"))
    );
    assert!(!absent.is_empty());
    assert!(String::from_utf8_lossy(&done.stdout).contains("PyTorch bf16: `no-such-python` does not start"));
}

#[test]
fn both_sides_compute_the_same_loss() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["--systems", "amp,pytorch", "--numbers", "f32,bf16"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let results = results(folder.path());
    let measured = results["rows"][0]["measured"].as_array().unwrap();
    if measured.len() < 4 {
        return println!(
            "SKIPPED: no Python with torch 2.11 and safetensors: {}",
            results["rows"][0]["absent"]
        );
    }
    let loss = |place: usize| measured[place]["loss"].as_f64().unwrap();
    assert!((loss(0) - loss(1)).abs() < 1e-5 * loss(0), "{} and {}", loss(0), loss(1));
    let chart = std::fs::read_to_string(folder.path().join("chart.svg")).unwrap();
    assert!(chart.contains("mlp, batch 2") && chart.contains("#[amp] bf16"), "{chart}");
}

/// A stand-in for Python that complains a lot, is ready, answers three requests and dies.
#[cfg(unix)]
#[test]
fn who_dies_in_the_middle_is_named_and_the_others_go_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let python = folder.path().join("python");
    let script = "#!/bin/sh\nfor i in $(seq 20000); do echo complaint $i >&2; done\n\
                  echo '{\"ready\":\"2.11.0\"}'\nfor answer in 4.2 '[0.01]' '[0.01,0.01]'; do read line; echo $answer; done\n\
                  read line; printf '%s\\n' 'out of memory\\nException raised from malloc' 'note: run with a backtrace' >&2\n";
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let done = run(
        folder.path(),
        &["--numbers", "bf16", "--systems", "amp,pytorch", "--python", python.to_str().unwrap()],
    );
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let row = &results(folder.path())["rows"][0];
    assert_eq!(
        (row["measured"].as_array().unwrap().len(), &row["absent"][0]["reason"]),
        (1, &"out of memory".into())
    );
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    let command = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_side-by-side")).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(
        command(&["--models", "resnet19"])
            .contains("there is no model `resnet19`\nhelp: there are mlp, resnet18")
    );
    assert!(command(&["--batch-sizes", "0"]).contains("0 is not in 1.."));
    assert!(command(&["--record", "--models", "mlp"]).contains("cannot be used with '--models"));
    assert!(command(&["--rounds", "0"]).contains("0 is not in 1.."));
    if !tch::Cuda::is_available() {
        assert!(command(&["--device", "cuda"]).contains("there is no CUDA GPU here"));
    }
}
