//! Right on some path, or not known to be wrong: nothing is said.
use super::{accused, step};

const BODIES: &[&str] = &[
    "opt.zero_grad(); loss.backward(); opt.clip_grad_norm(1.); opt.step();",
    "loss.backward(); opt.step(); opt.zero_grad();",
    "opt.backward_step(loss);",
    "let outcome = opt.update_params(loss)?; log(outcome);",
    "opt.backward_step_clip(loss, 0.5); opt.backward_step_clip_norm(loss, 0.5);",
    "loss.backward(); loss.backward(); opt.step();",
    "for xs in batches { loss.backward(); } opt.step();",
    "for xs in batches { loss.backward(); if last { opt.clip_grad_norm(1.); opt.step(); opt.zero_grad(); } }",
    "if first { loss.backward(); } opt.step();",
    "loss.backward(); if ready { opt.step(); } opt.clip_grad_norm(1.);",
    "loss.backward(); if bad { opt.zero_grad(); return; } opt.step();",
    "loss.backward(); if bad { opt.zero_grad(); } opt.step();",
    "loss.backward(); opt.zero_grad(); loss.backward(); opt.step();",
    "loss.backward(); opt.clip_grad_value(1.); opt.clip_grad_norm(1.); opt.step();",
    "loop { if started { opt.step(); } started = true; loss.backward(); }",
    "loop { opt.step(); loss.backward(); }",
    "while go() { loss.backward(); if big { opt.clip_grad_norm(1.); } opt.step(); }",
    "for _ in 0..2 { loss.backward(); opt.clip_grad_norm(1.); } opt.step();",
    "loop { loss.backward(); if skip { continue; } opt.step(); if done { break; } }",
    "'out: loop { loop { loss.backward(); if a { break 'out; } opt.step(); } } opt.step();",
    "match mode { A => loss.backward(), B if x => opt.zero_grad(), _ => return } opt.step();",
    "let Ok(x) = y else { return }; loss.backward(); opt.step();",
    "loss.backward(); opt.step(); return; opt.step();",
    "loss.backward(); opt.step(); panic!(); opt.step();",
    "loss.backward(); opt.step(); loop { wait(); } opt.step();",
    "ready && { loss.backward(); true }; opt.step();",
    // other steps
    "env.step(); gru.step(&x, &s); scheduler.step(); self.opt.step(); loss.backward(); opt.step(); env.step(); env.step();",
    "other.clip_grad_norm(1.); layers[0].step(); step(); loss.backward(); opt.step();",
    // somebody else has it
    "train(opt, loss);",
    "train(&mut opt, loss); opt.step();",
    "opt.my_own_step(); opt.step();",
    "let o = &mut opt; loss.backward(); o.step();",
    "let o = opt; o.step(); o.step();",
    "let mut update = |l: &Tensor| { l.backward(); opt.step(); }; update(loss);",
    "losses.iter().for_each(|l| l.backward()); opt.step();",
    "let mut step = || opt.step(); loss.backward(); step();",
    "loss.backward(); opt.step(); batches.for_each(|_| { prepare(opt); }); opt.step();",
    "let t = Trainer { opt }; t.run();",
    "run(Some(opt)); ",
    "my_macro!(opt); opt.step();",
    "let scaled = opt.backward(loss)?; scaled.unscale()?.step()?;",
    "opt.backward(loss)?.unscale()?.clip_grad(c)?.step()?;",
    "opt.backward(loss)?; opt.step()?;",
    "opt.backward(loss).unwrap().unscale();",
    "OptimWrapper::step(&mut opt);",
    "opt = next(); opt.step();",
    "*opt = next(); opt.step();",
    // read only
    "loss.backward(); log(&opt); println!(\"{}\", opt.lr()); opt.set_lr(0.1); opt.step();",
    "let lr = opt.lr(); let s = opt.state()?; loss.backward(); opt.step()?; save(&s, opt.loss_scale()?);",
    // shadowed
    "{ let opt = Options::new(); opt.step(); opt.step(); } loss.backward(); opt.step();",
    "for opt in opts { opt.step(); } loss.backward(); opt.step();",
    "opts.iter().for_each(|opt| opt.step()); loss.backward(); opt.step();",
    "if let Some(opt) = other { opt.step(); opt.clip_grad_norm(1.); } loss.backward(); opt.step();",
    "match x { Some(opt) if opt.step() => opt.step(), _ => {} } loss.backward(); opt.step();",
    // not entered
    "fn inner(opt: &mut OptimWrapper) { opt.step(); opt.step(); } loss.backward(); opt.step();",
    "#[amp(skip)] { loss.backward(); opt.step(); opt.step(); } ",
    "#[amp(skip)] loss.backward(); loss.backward(); opt.step();",
    "#[amp(full)] { loss.backward(); } opt.step();",
];

#[test]
fn what_may_be_right_is_not_accused() {
    for body in BODIES {
        accused(&step(body), "");
    }
}

#[test]
fn optimizers_are_found_by_their_type() {
    for parameter in [
        "opt: &mut OptimWrapper",
        "mut opt: OptimWrapper",
        "opt: &'a mut amp_runtime::OptimWrapper",
        "opt: &mut crate::ours::OptimWrapper",
        "mut opt: RefMut<'_, OptimWrapper>",
        "opt: &mut Box<OptimWrapper>",
        "mut opt: std::sync::MutexGuard<OptimWrapper>",
    ] {
        accused(&format!("fn step(n: i64, {parameter}) {{ loss.backward(); opt.step(); }}"), "");
        accused(
            &format!("fn step(n: i64, {parameter}) {{ loss.backward(); opt.step(); opt./*x*/step(); }}"),
            "",
        );
    }
}

#[test]
fn methods_of_what_holds_the_optimizer_may_do_anything() {
    for body in [
        "self.prepare(); self.opt.step();",
        "loss.backward(); self.opt.step(); self.accumulate(loss); self.opt.step();",
        "let Self { opt, .. } = self; opt.step(); opt.step();",
        "self.update();",
        "helper(self); self.opt.clip_grad_norm(1.); self.opt.step();",
        "*self = Self::new(); self.opt.step();",
    ] {
        accused(&format!("fn step(&mut self, loss: &Tensor) {{ {body} }}"), "self.opt");
    }
    accused(
        "fn f(opts: &mut [W], i: usize) { loss.backward(); opts[i].step(); opts[0].step(); opts[i].step(); }",
        "opts[0]",
    );
}

#[test]
fn two_optimizers_are_two() {
    for body in [
        "d.zero_grad(); #[amp(optimizer = d)] loss.backward(); d.step(); g.zero_grad(); #[amp(optimizer = g)] loss.backward(); g.step();",
        "d.backward_step(loss); g.backward_step(loss);",
        "for x in xs { #[amp(optimizer = d)] { x.loss().backward(); } d.step(); if n { #[amp(optimizer = g)] x.f_backward()?; g.step(); } }",
    ] {
        accused(
            &format!("fn step(g: &mut OptimWrapper, d: &mut OptimWrapper, loss: &Tensor) {{ {body} }}"),
            "",
        );
    }
    accused(
        "fn step(&mut self) { loss.backward(); self.g.step(); #[amp(optimizer = self.d)] loss.backward(); self.d.step(); }",
        "self.g",
    );
}

/// Each loop is walked until its states are known, and so are those in it: a few rounds each, not a few to the power of all.
#[test]
fn deep_loops_are_walked_in_time() {
    let depth = 14;
    let body =
        format!("{} loss.backward(); {}", "for x in xs { opt.step(); ".repeat(depth), "}".repeat(depth));
    accused(&step(&body), "");
}
