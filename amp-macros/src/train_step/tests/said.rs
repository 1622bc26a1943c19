//! What is said, in full.
use super::{accusations, step};
use expect_test::expect_file;
use std::fmt::Write;

#[test]
fn messages_say_what_why_and_what_to_write() {
    let bodies = [
        "opt.step();",
        "loss.backward(); opt.step(); opt.step();",
        "opt.clip_grad_norm(1.); loss.backward(); opt.step();",
        "opt.backward_step(loss); opt.clip_grad_value(1.);",
        "loss.backward(); opt.zero_grad(); opt.step();",
        "loss.backward(); opt.clip_grad_norm(1.); loss.backward(); opt.step();",
        "loss.backward();",
        "opt.lr();",
        "timed!(loss.backward()); opt.step();",
    ];
    let others = [
        ("fn step(loss: &Tensor) { loss.backward(); }", ""),
        ("fn step(opt: &mut nn::Optimizer) { loss.backward(); }", ""),
        ("fn step(opt: &OptimWrapper) { loss.backward(); }", ""),
        ("fn step(&mut self) { loss.backward(); }", "self.opts[i]"),
        ("fn step(opt: &mut OptimWrapper) { loss.backward(); opt.step(); }", "optt"),
        ("fn step(g: &mut OptimWrapper, d: &mut OptimWrapper) { loss.backward(); g.step(); d.step(); }", ""),
    ];
    let mut said = String::new();
    let steps = bodies.iter().map(|body| (step(body), ""));
    for (code, optimizer) in steps.chain(others.map(|(code, optimizer)| (code.to_owned(), optimizer))) {
        let found = accusations(&code, optimizer);
        assert!(!found.is_empty(), "{code}");
        writeln!(said, "// {}", code.replace('\n', " ")).unwrap();
        for error in &found {
            writeln!(said, "{}:{}: {}\n", error.line, error.column, error.text).unwrap();
        }
    }
    expect_file!["said.txt"].assert_eq(&said);
}
