//! What the analysis knows: precision along every path, casts that are needed, casts that are shared.
use crate::analyse::analyse;
use crate::args::Args;
use crate::errors::Errors;
use crate::plan::{Held, Plan, Tensorness};
use crate::policy::Class::{Follow, Full, Low};
use crate::syntax::labels::Labelled;

/// The plan of `fn f(xs: &Tensor, w: &Tensor, n: f64, c: bool) { body }`, looked at.
fn plan<R>(body: &str, look: impl FnOnce(&Plan<'_>) -> R) -> R {
    plan_with("", body, look)
}

fn plan_with<R>(args: &str, body: &str, look: impl FnOnce(&Plan<'_>) -> R) -> R {
    let item = format!("fn f(&self, xs: &Tensor, w: &Tensor, n: f64, c: bool) -> Tensor {{ {body} }}");
    let function: syn::ItemFn = syn::parse_str(&item).unwrap_or_else(|error| panic!("{error}: {body}"));
    let mut errors = Errors::new();
    let args = Args::parse(args.parse().unwrap(), &mut errors);
    assert!(errors.finish().is_none());
    let labelled = Labelled::new(*function.block);
    look(&analyse(&function.sig, &labelled, &args))
}

/// What is known of the receiver of the call `probe`.
fn probed(body: &str) -> (Tensorness, Held) {
    plan(body, |plan| {
        let probe = plan.calls.iter().rfind(|call| call.name == "probe").expect("no `probe` in the body");
        (probe.facts[0].tensor, probe.facts[0].held)
    })
}

fn held(body: &str) -> Held {
    probed(body).1
}

#[test]
fn operations_give_the_precision_of_their_class() {
    assert_eq!(held("xs.probe()"), Held::Unknown);
    assert_eq!(held("xs.matmul(w).probe()"), Held::Low);
    assert_eq!(held("xs.matmul(w).relu().view([1]).probe()"), Held::Low);
    assert_eq!(held("xs.matmul(w).exp().probe()"), Held::Full);
    assert_eq!(held("xs.matmul(w).softmax(-1, Kind::Float).probe()"), Held::Full);
    assert_eq!(held("xs.matmul(w).softmax(-1, xs.kind()).probe()"), Held::Full);
    assert_eq!(held("xs.matmul(w).softmax(-1, Kind::Double).probe()"), Held::Unknown);
    assert_eq!(held("xs.matmul(w).mean(Kind::Float).probe()"), Held::Full);
    assert_eq!(held("xs.matmul(w).mean(None).probe()"), Held::Low);
    assert_eq!(held("xs.matmul(w).mean(self.kind).probe()"), Held::Unknown);
    assert_eq!(held("xs.matmul(w).to_kind(Kind::Float).probe()"), Held::Full);
    assert_eq!(held("xs.matmul(w).to_kind(self.kind).probe()"), Held::Unknown);
    assert_eq!(
        held("let y = xs.exp() + xs.matmul(w); y.probe()"),
        Held::Unknown,
        "one may be without dimensions"
    );
    assert_eq!(held("let y = xs.matmul(w) * 2.0 + n; y.probe()"), Held::Low);
    assert_eq!(held("let y = 1. / xs.matmul(w); y.probe()"), Held::Full);
    assert_eq!(held("Tensor::cat(&[xs.matmul(w), w.matmul(xs)], 0).probe()"), Held::Low);
    assert_eq!(held("Tensor::cat(&[xs.matmul(w), w.exp()], 0).probe()"), Held::Unknown);
}

#[test]
fn names_hold_what_was_bound_last() {
    assert_eq!(held("let y = xs.matmul(w); let y = y.exp(); y.probe()"), Held::Full);
    assert_eq!(held("let y = xs.exp(); { let y = xs.matmul(w); } y.probe()"), Held::Full);
    assert_eq!(held("let mut y = xs.exp(); y = xs.matmul(w); y.probe()"), Held::Low);
    assert_eq!(held("let y; y = xs.matmul(w); y.probe()"), Held::Low);
    assert_eq!(held("let (a, b) = (xs.matmul(w), xs.exp()); b.probe(); a.probe()"), Held::Low);
    assert_eq!(
        held("let y = Some(xs.matmul(w)); if let Some(y) = y { y.probe() } else { xs.relu() }"),
        Held::Low
    );
    assert_eq!(held("let y = xs.f_matmul(w)?; y.probe()"), Held::Low);
    assert_eq!(held("let y = xs.f_matmul(w).unwrap().f_relu()?; y.probe()"), Held::Low);
    assert_eq!(held("let parts = xs.matmul(w).chunk(2, 0); parts[0].probe()"), Held::Low);
    assert_eq!(held("let mut y = xs.matmul(w); change(&mut y); y.probe()"), Held::Unknown);
    assert_eq!(held("let mut y = xs.matmul(w); y += xs.exp(); y.probe()"), Held::Unknown);
}

#[test]
fn paths_are_joined() {
    assert_eq!(held("let y = if c { xs.matmul(w) } else { xs.exp() }; y.probe()"), Held::Unknown);
    assert_eq!(held("let y = if c { xs.matmul(w) } else { w.matmul(xs) }; y.probe()"), Held::Low);
    assert_eq!(held("let y = if c { xs.matmul(w) } else { return xs.exp() }; y.probe()"), Held::Low);
    assert_eq!(held("let y = match n { 0. => xs.matmul(w), _ => panic!() }; y.probe()"), Held::Low);
    assert_eq!(
        held("let y = match n { 0. => xs.matmul(w), 1. if c => xs.exp(), _ => w.matmul(w) }; y.probe()"),
        Held::Unknown
    );
    assert_eq!(held("let mut y = xs.matmul(w); if c { y = xs.exp(); } y.probe()"), Held::Unknown);
    assert_eq!(held("let mut y = xs.matmul(w); if c { y = xs.exp(); return y; } y.probe()"), Held::Low);
    assert_eq!(held("let Some(y) = self.f_matmul(w) else { return xs.exp() }; xs.exp().probe()"), Held::Full);
    assert_eq!(held("let mut y = xs.matmul(w); for _ in 0..3 { y.probe(); y = y.exp(); }"), Held::Unknown);
    assert_eq!(held("let mut y = xs.matmul(w); for _ in 0..3 { y = y.matmul(w); } y.probe()"), Held::Unknown);
    assert_eq!(held("let y = xs.matmul(w); for _ in 0..3 { y.exp(); } y.probe()"), Held::Low);
    assert_eq!(held("let mut y = xs.matmul(w); let mut f = || y = xs.exp(); f(); y.probe()"), Held::Unknown);
    let left = "let mut y = xs.exp(); 'a: { y = xs.matmul(w); if c { break 'a; } y = xs.exp(); }";
    assert_eq!(held(&format!("{left} y.probe()")), Held::Unknown);
    assert_eq!(held("let y = 'a: { if c { break 'a xs.matmul(w); } xs.exp() }; y.probe()"), Held::Unknown);
    assert_eq!(held("let mut y = xs.exp(); put!(y => xs.matmul(w)); y.probe()"), Held::Unknown);
    let inner = "let mut y = xs.exp(); if c { 'a: { y = xs.matmul(w); break 'a; } }";
    assert_eq!(held(&format!("{inner} y.probe()")), Held::Unknown);
    assert_eq!(held("'a: loop { let y = xs.matmul(w); if c { break 'a; } y.probe(); }"), Held::Low);
}

#[test]
fn what_is_no_tensor_is_told_by_what_is_written() {
    for body in [
        "n.probe()",
        "2.5.probe()",
        "(n as f32).probe()",
        "(0..3).probe()",
        "let k = 3; k.probe()",
        "(|x| x).probe()",
    ] {
        assert_eq!(probed(body).0, Tensorness::No, "{body}");
    }
    for body in ["self.x.probe()", "make().probe()", "xs.size().probe()", "let y = self.list[0]; y.probe()"] {
        assert_eq!(probed(body).0, Tensorness::Unknown, "{body}");
    }
}

/// Names of the calls that are sites.
fn sites(body: &str) -> Vec<String> {
    plan(body, |plan| plan.calls.iter().filter(|call| call.is_site()).map(|call| call.name.clone()).collect())
}

#[test]
fn other_calls_of_the_same_name_are_no_sites() {
    assert_eq!(
        sites("n.exp(); self.values.iter().sum::<f64>(); self.values.iter().sum(); xs.size()[0].pow(2);"),
        ["pow"]
    );
    assert_eq!(sites("#[amp(skip)] { xs.matmul(w); xs.exp(); }"), [""; 0]);
    assert_eq!(sites("const N: usize = exp(2); [0; f.exp()]; async { xs.exp() };"), [""; 0]);
    assert_eq!(sites("async move |ys: Tensor| ys.matmul(w).exp();"), [""; 0], "it runs on another thread");
}

/// How many casts there are, and the slots that they share.
fn casts(body: &str) -> (usize, Vec<Option<usize>>) {
    plan(body, |plan| {
        let slots: Vec<_> = plan.calls.iter().flat_map(|call| &call.casts).map(|cast| cast.slot).collect();
        (slots.len(), slots)
    })
}

#[test]
fn known_operands_are_not_cast_again() {
    assert_eq!(casts("let y = xs.matmul(w); y.matmul(&y)").0, 2);
    assert_eq!(casts("let y = xs.exp(); y.log()").0, 1);
    assert_eq!(casts("xs.linear(w, None::<Tensor>)").0, 2);
    assert_eq!(casts("xs.softmax(-1, Kind::Float).log()").0, 0);
}

#[test]
fn a_binding_is_cast_once_in_a_run_of_a_block() {
    let shared = |body: &str| casts(body).1.iter().filter(|slot| slot.is_some()).count();
    assert_eq!(shared("xs.matmul(&self.q); xs.matmul(&self.k); xs.matmul(&self.v);"), 3);
    assert_eq!(shared("xs.matmul(&self.q); if c { xs.matmul(&self.k); }"), 2);
    assert_eq!(shared("if c { xs.matmul(&self.q); } else { xs.matmul(&self.k); }"), 2);
    assert_eq!(shared("xs.matmul(&self.q); xs.exp();"), 0, "two precisions");
    assert_eq!(shared("xs.matmul(&self.q); for _ in 0..2 { xs.matmul(&self.k); }"), 0, "a loop");
    assert_eq!(shared("for _ in 0..2 { xs.matmul(&self.q); xs.matmul(&self.k); }"), 2, "one turn of a loop");
    assert_eq!(shared("let f = || xs.matmul(&self.q); xs.matmul(&self.k);"), 0, "a closure");
    assert_eq!(
        shared("xs.matmul(&self.q); { let xs = self.other(); xs.matmul(&self.q); }"),
        0,
        "two bindings"
    );
    let reused = "let mut h = xs.tanh(); h.matmul(&self.q);";
    assert_eq!(shared(&format!("{reused} h = self.other(); h.matmul(&self.q);")), 0, "two values");
    assert_eq!(
        shared(&format!("{reused} if c {{ h = self.other(); }} h.matmul(&self.q);")),
        0,
        "perhaps two"
    );
    assert_eq!(shared(&format!("{reused} if c {{ h = self.other(); return h; }} h.matmul(&self.q);")), 2);
    assert_eq!(shared(&format!("{reused} if c {{ h = self.other(); }} else {{ h.matmul(&self.q); }}")), 2);
    plan("xs.apply(&self.q); xs.apply(&self.k);", |plan| {
        assert!(plan.layers.iter().all(|layer| layer.slot == Some(0)));
        assert_eq!(plan.slots[0].block, plan.bodies[0].block);
    });
    plan("if c { xs.matmul(&self.q); xs.matmul(&self.k); }", |plan| {
        assert_ne!(plan.slots[0].block, plan.bodies[0].block, "the slot stands in the innermost block");
    });
}

#[test]
fn overrides_and_marks_win_over_the_table() {
    let class = |args: &str, body: &str| {
        plan_with(args, body, |plan| {
            plan.calls.iter().rev().find_map(|call| call.class.map(|class| (class, call.alone)))
        })
    };
    assert_eq!(class("", "xs.exp()"), Some((Full, false)));
    assert_eq!(class("low(exp)", "xs.exp()"), Some((Low, true)), "libtorch would widen it");
    assert_eq!(class("full(relu)", "xs.relu()"), Some((Full, false)), "libtorch lists no relu");
    assert_eq!(class("full(my_op)", "xs.my_op(w)"), Some((Full, false)), "an operation of the user's own");
    assert_eq!(class("", "#[amp(low)] let y = xs.exp();"), Some((Low, true)));
    assert_eq!(class("", "#[amp(full)] let y = xs.relu();"), Some((Full, false)));
    assert_eq!(class("", "#[amp(full)] { #[amp(low)] let y = xs.matmul(w); }"), Some((Low, false)));
    assert_eq!(class("", "xs.relu()"), Some((Follow, false)));
    assert_eq!(class("", "#[amp(skip)] { #[amp(low)] let y = xs.matmul(w); }"), None);
}
