//! What the commands hand to cargo after set-up.
use crate::world::{World, outcome, put};

/// Without `LIBTORCH` cargo's `[env]` decides, exactly as for a plain command.
fn line(command: &str) -> String {
    format!("{command} LIBTORCH= LIBTORCH_USE_PYTORCH= RUSTDOCFLAGS=")
}

#[test]
fn test_runs_all_steps_in_order() {
    let world = World::new();
    let done = world.run(&["test"]);
    done.succeeds("[1/4] fmt: cargo fmt --all --check");
    done.succeeds(" s, all passed");
    let lines = [
        line("fmt --all --check"),
        line("clippy --workspace --all-targets -- -D warnings"),
        line("doc --workspace --no-deps") + "-D warnings",
        line("test --workspace"),
    ];
    assert_eq!(world.calls("cargo"), lines);
}

#[test]
fn test_stops_at_the_first_failure() {
    let world = World::new();
    let failed = outcome(world.command(&["test"]).env("FAILING", "clippy"));
    failed.fails("step 2 of 4 failed: clippy\nnote: `cargo clippy --workspace");
    assert_eq!(world.calls("cargo").len(), 2);
}

#[test]
fn test_runs_one_step_alone() {
    let world = World::new();
    world.run(&["test", "--only", "doc"]).succeeds("[1/1] doc");
    assert_eq!(world.calls("cargo"), [line("doc --workspace --no-deps") + "-D warnings"]);
}

#[test]
fn demo_and_bench_pass_arguments_on() {
    let world = World::new();
    world.run(&["demo", "train_cfg.max_epochs=2"]).succeeds("");
    world.run(&["bench", "--", "--quick"]).succeeds("");
    world.run(&["bench", "other"]).succeeds("");
    let demo = world.root().join("target/demo");
    let demo = demo.display();
    let detector = |rest: String| line(&format!("run --quiet --release --package detector -- {rest}"));
    let train = |amp: &str, name: &str| {
        let options = "--cfg-options train_cfg.max_epochs=2";
        detector(format!("train cells --overwrite --amp {amp} --work-dir {demo}/{name} {options}"))
    };
    let lines = [
        line("build --release --package detector"),
        train("bf16", "bf16"),
        detector(format!("test {demo}/bf16")),
        train("off", "f32"),
        detector(format!("test {demo}/f32")),
        detector(format!("plot {demo}/bf16 {demo}/f32 --out {demo}/bf16-and-f32.png --legend bf16 f32")),
        line("run --release --package side-by-side -- --quick"),
        line("bench --package amp-tests --bench other --"),
    ];
    assert_eq!(world.calls("cargo"), lines);
}

#[test]
fn a_bundle_is_whole_or_not_there_and_wants_an_empty_folder() {
    let world = World::new();
    let out = world.root().join("bundle");
    let run = || world.run(&["bundle", "--out", &out.display().to_string()]);
    // The workspace of this test has no references.
    run().fails("could not copy");
    assert!(!out.exists());
    let calls = world.calls("cargo");
    assert!(
        calls[0].starts_with("test --no-run --release --package amp-tests --test accumulation"),
        "{calls:?}"
    );
    assert!(calls[1].starts_with("build --release --package side-by-side"), "{calls:?}");
    put(&out.join("mine"), "");
    run().fails(&format!("`{}` is not empty", out.display()));
    assert!(out.join("mine").exists());
}

#[test]
fn a_callers_libtorch_reaches_cargo_as_the_link_only() {
    let world = World::new();
    let torch = world.torch("opt/libtorch", "2.11.0");
    let mut bench = world.command(&["bench"]);
    outcome(bench.env("LIBTORCH", torch).env("LIBTORCH_USE_PYTORCH", "1")).succeeds("set up from LIBTORCH");
    assert_eq!(world.calls("cargo"), [line("run --release --package side-by-side --")]);
}

#[test]
fn a_failed_demo_fails_and_a_wrong_command_line_is_told_apart() {
    let world = World::new();
    outcome(world.command(&["demo"]).env("FAILING", "run"))
        .fails("`cargo run --quiet --release --package detector -- train cells --overwrite --amp bf16 ");
    assert_eq!(world.run(&["tset"]).code, 2);
}
