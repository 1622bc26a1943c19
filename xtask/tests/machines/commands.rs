//! What the commands hand to cargo after set-up.
use crate::world::{World, outcome};

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
    world.run(&["demo", "--steps", "3"]).succeeds("");
    world.run(&["bench", "--", "--quick"]).succeeds("");
    world.run(&["bench", "other"]).succeeds("");
    let lines = [
        line("run --release --package quickstart -- --steps 3"),
        line("bench --package amp-tests --bench step -- --quick"),
        line("bench --package amp-tests --bench other --"),
    ];
    assert_eq!(world.calls("cargo"), lines);
}

#[test]
fn a_callers_libtorch_reaches_cargo_as_the_link_only() {
    let world = World::new();
    let torch = world.torch("opt/libtorch", "2.11.0");
    let mut demo = world.command(&["demo"]);
    outcome(demo.env("LIBTORCH", torch).env("LIBTORCH_USE_PYTORCH", "1")).succeeds("set up from LIBTORCH");
    assert_eq!(world.calls("cargo"), [line("run --release --package quickstart --")]);
}

#[test]
fn a_failed_demo_fails_and_a_wrong_command_line_is_told_apart() {
    let world = World::new();
    outcome(world.command(&["demo"]).env("FAILING", "run"))
        .fails("`cargo run --release --package quickstart --` failed");
    assert_eq!(world.run(&["tset"]).code, 2);
}
