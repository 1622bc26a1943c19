//! Wrong on every path: the error stands at the call, and nowhere else.
use super::{MARK, accused, step};

const BODIES: &[&str] = &[
    // step before backward
    "opt./*x*/step();",
    "opt./*x*/step(); loss.backward();",
    "let outcome = opt./*x*/step(); loss.backward(); opt.step();",
    "opt.zero_grad(); opt./*x*/step()?; loss.backward();",
    "if ready { opt./*x*/step(); } else { loss.backward(); opt.step(); }",
    "for _ in 0..3 { opt./*x*/step(); opt.zero_grad(); }",
    "match mode { Mode::A => opt./*x*/step(), Mode::B => { loss.backward(); opt.step() } }",
    "if let Some(x) = xs { log(x); } opt./*x*/step();",
    "let Some(x) = xs else { opt./*x*/step(); return }; loss.backward(); opt.step();",
    "let x = { opt./*x*/step(); 1 }; loss.backward(); opt.step();",
    "unsafe { opt./*x*/step(); } loss.backward();",
    "loss.backward(); opt.step(); opt.zero_grad(); opt./*x*/step();",
    "(*opt)./*x*/step(); loss.backward();",
    "assert!(opt./*x*/step().is_ok()); loss.backward();",
    "if opt./*x*/step().is_ok() && other() { loss.backward(); }",
    "let _ = opt./*x*/step(); loss.backward();",
    "println!(\"{:?}\", opt./*x*/step()); loss.backward();",
    "env.step(); gru.step(); opt./*x*/step();",
    // two steps
    "loss.backward(); opt.step(); opt./*x*/step();",
    "loss.backward(); opt.step(); opt./*x*/step(); opt./*x*/step();",
    "opt.backward_step(loss); opt./*x*/step();",
    "opt.update_params(loss)?; opt./*x*/step()?;",
    "opt.backward_step_clip_norm(loss, 1.); log(); opt./*x*/step();",
    "loss.backward(); if a { opt.step(); } else { opt.step(); } opt./*x*/step();",
    "loss.backward(); if a { opt.step(); return; } opt.step(); opt./*x*/step();",
    "for xs in batches { loss.backward(); opt.step(); opt./*x*/step(); }",
    "loop { loss.backward(); opt.step(); if done { break } } opt./*x*/step();",
    "loss.backward(); opt.step(); for _ in 0..3 { opt./*x*/step(); }",
    "opt./*x*/clip_grad_norm(1.); opt./*x*/step();",
    "loss.backward(); opt.step(); match x { 0 => opt./*x*/step(), _ => {} }",
    "'a: { loss.backward(); if x { opt.step(); break 'a; } opt.step(); } opt./*x*/step();",
    "f(&mut opt); loss.backward(); opt.step(); opt./*x*/step();",
    "let mut update = || { loss.backward(); opt.step(); opt./*x*/step(); }; update();",
    "opt.finish_window(); opt./*x*/step();",
    // clip before backward
    "opt./*x*/clip_grad_norm(1.); loss.backward(); opt.step();",
    "opt./*x*/clip_grad_value(1.); loss.backward(); opt.step();",
    "opt.zero_grad(); opt./*x*/clip_grad_norm(max(1., 2.))?; loss.backward(); opt.step();",
    "for _ in 0..2 { if a { opt./*x*/clip_grad_norm(1.); opt.zero_grad(); } } loss.backward(); opt.step();",
    // clip after step
    "loss.backward(); opt.step(); opt./*x*/clip_grad_norm(1.);",
    "opt.backward_step(loss); opt./*x*/clip_grad_value(1.);",
    "for xs in batches { loss.backward(); opt.step(); opt./*x*/clip_grad_norm(1.); }",
    "while go() { loss.backward(); opt.step()?; if big { opt./*x*/clip_grad_norm(1.); } }",
    // zero_grad between
    "loss.backward(); opt.zero_grad(); opt./*x*/step();",
    "loss.backward(); opt.zero_grad(); opt./*x*/clip_grad_norm(1.); opt.step();",
    "loss.backward(); opt.clip_grad_norm(1.); opt.zero_grad(); opt./*x*/step();",
    "for xs in batches { loss.backward(); opt.zero_grad(); opt./*x*/step(); }",
    "loss.backward(); if a { opt.zero_grad(); opt./*x*/step(); } else { opt.step(); }",
    // backward after clip
    "loss.backward(); opt.clip_grad_norm(1.); loss./*x*/backward(); opt.step();",
    "loss.backward(); opt.clip_grad_value(1.); opt./*x*/backward_step(loss);",
    "Tensor::backward(loss); opt.clip_grad_norm(1.); Tensor::/*x*/backward(&loss); opt.step();",
    "loss.backward(); opt.clip_grad_norm(1.); loss./*x*/f_backward()?; opt.step();",
    "opt.backward(loss)?; opt.clip_grad_norm(1.); opt./*x*/backward(loss)?; opt.step();",
    // no step
    "loss./*x*/backward();",
    "opt.zero_grad(); loss./*x*/backward();",
    "loss.backward(); opt.clip_grad_norm(1.); opt.zero_grad(); loss./*x*/backward(); opt.lr();",
    "for xs in batches { f(xs).loss()./*x*/backward(); env.step(); }",
    // unseen
    "my_macro!(loss./*x*/backward()); opt.backward_step(loss);",
    "spawn(async { loss./*x*/backward(); }); opt.backward_step(loss);",
];

#[test]
fn what_is_wrong_on_every_path_is_accused_at_its_token() {
    for body in BODIES {
        assert!(body.contains(MARK), "{body}");
        accused(&step(body), "");
    }
}

/// Over several lines, in a position that is not that of the statement.
#[test]
fn the_token_is_the_call_in_the_middle_of_a_chain() {
    accused(&step("loss.backward();\nopt.step();\n    opt\n        ./*x*/step()\n        .unwrap();"), "");
}

#[test]
fn functions_without_an_optimizer_are_told_what_to_write() {
    for code in [
        "fn /*x*/step(loss: &Tensor) { loss.backward(); }",
        "fn /*x*/step(&mut self, loss: &Tensor) { loss.backward(); self.opt.step(); }",
        "fn step(opt: /*x*/&mut nn::Optimizer, loss: &Tensor) { opt.backward_step(loss); }",
        "fn step(opt: /*x*/&OptimWrapper, loss: &Tensor) { loss.backward(); }",
        "fn /*x*/step((a, b): (&mut OptimWrapper, i64), loss: &Tensor) { loss.backward(); }",
        "fn /*x*/step(opt: &mut OptimWrapper) { opt.set_lr(0.1); }",
    ] {
        accused(code, "");
    }
}

#[test]
fn a_named_optimizer_has_to_be_a_place() {
    for named in ["opts[i]", "self.opt()", "*opts.get_mut(0).unwrap()", "1"] {
        let found = super::accusations("fn step(&mut self, loss: &Tensor) { loss.backward(); }", named);
        assert_eq!(found.len(), 1, "{named}: {found:?}");
        assert!(found[0].text.contains("is no place that can be followed"), "{}", found[0].text);
    }
    accused("fn step(&mut self) { #[amp(optimizer = /*x*/opts[i])] loss.backward(); }", "");
}

#[test]
fn a_named_optimizer_has_to_be_there() {
    let two = "fn step(opt_g: &mut OptimWrapper, opt_d: &mut OptimWrapper, loss: &Tensor)";
    for (code, help) in [
        (
            format!("{two} {{ #[amp(optimizer = /*x*/optg)] loss.backward(); opt_g.step(); }}"),
            "did you mean `opt_g`?",
        ),
        (
            format!("{two} {{ #[amp(optimizer = /*x*/critic.opt)] loss.backward(); opt_g.step(); }}"),
            "known are `opt_g` and `opt_d`",
        ),
        (
            "fn step(loss: &Tensor) { #[amp(optimizer = /*x*/opt)] loss.backward(); }".to_owned(),
            "name a parameter, a field or a local",
        ),
    ] {
        accused(&code, "");
        let said = &super::accusations(&code, "")[0].text;
        assert!(said.contains(help), "{said}");
    }
    let local = "fn step(loss: &Tensor) { let mut opt = new(); #[amp(optimizer = opt)] loss.backward(); opt.step(); }";
    accused(local, "");
    assert_eq!(
        super::accusations("fn step(opt: &mut OptimWrapper) { loss.backward(); opt.step(); }", "optt").len(),
        1
    );
}

#[test]
fn fields_are_followed_by_name() {
    for body in [
        "self.opt./*x*/step();",
        "loss.backward(); self.opt.step(); self.opt./*x*/step();",
        "loss.backward(); self.opt.step(); self.env.step(); self.model.forward(x); self.opt./*x*/step();",
        "self.forward(&loss); loss.backward(); self.opt.step(); (self.opt)./*x*/clip_grad_norm(1.);",
        "loss.backward(); self.opt.step(); let lr = self.lr; (*self).opt./*x*/step();",
    ] {
        accused(&format!("fn step(&mut self, loss: &Tensor) {{ {body} }}"), "self.opt");
    }
    accused(
        "fn f(t: &mut T) { loss.backward(); t.1[0].step(); t.1[1].step(); t.1[0]./*x*/step(); }",
        "t.1[0]",
    );
}

#[test]
fn optimizers_of_the_body_are_followed_from_their_declaration() {
    for body in [
        "let mut opt = OptimWrapper::builder(Sgd::default()).build(&vs)?; opt./*x*/step()?; loss.backward();",
        "for _ in 0..3 { let mut opt = build().build(&vs).unwrap(); opt./*x*/step(); loss.backward(); }",
        "let opt = &mut trainer.opt; loss.backward(); opt.step(); opt./*x*/step();",
        "if let Some(opt) = &mut self.opt { loss.backward(); opt.step(); opt./*x*/step(); }",
    ] {
        accused(&format!("fn step() -> Result<()> {{ {body} Ok(()) }}"), "opt");
    }
}

#[test]
fn each_of_two_optimizers_has_its_own_order() {
    for body in [
        "#[amp(optimizer = d)] loss.backward(); d.step(); #[amp(optimizer = g)] loss.backward(); g.step(); d./*x*/step();",
        "#[amp(optimizer = d)] loss.backward(); g./*x*/step(); d.step();",
        "#[amp(optimizer = d)] { loss.backward(); d.step(); d./*x*/step(); } g.backward_step(loss);",
        "#[amp(optimizer = d)] let () = loss./*x*/backward(); g.backward_step(loss);",
        "loss./*x*/backward(); d.step(); g.backward_step(loss);",
        "Tensor::/*x*/backward(loss); loss./*x*/f_backward()?; d.step(); g.step();",
    ] {
        let unnamed = body.contains("loss./*x*/backward(); d.step()") || body.contains("Tensor::");
        let code = format!("fn step(g: &mut OptimWrapper, d: &mut OptimWrapper, loss: &Tensor) {{ {body} }}");
        if unnamed {
            let found = super::accusations(&code, "");
            assert!(found.iter().any(|error| error.text.contains("whose gradients")), "{found:?}");
        } else {
            accused(&code, "");
        }
    }
}
