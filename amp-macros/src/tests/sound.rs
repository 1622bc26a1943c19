//! What the analysis says of a value is so, whichever way a program takes: programs are made up, analysed and run.
#[path = "sound/made_up.rs"]
mod made_up;
#[path = "sound/program.rs"]
mod program;
#[path = "sound/run.rs"]
mod run;

use crate::analyse::analyse;
use crate::args::Args;
use crate::errors::Errors;
use crate::plan::Held;
use crate::syntax::labels::Labelled;
use made_up::program;
use program::Program;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use std::collections::HashMap;

/// What is known of the argument of each `probe`, by its number.
fn facts(text: &str) -> HashMap<usize, Held> {
    let item = format!("fn f(xs: &Tensor, w: &Tensor) {{ {text} }}");
    let function: syn::ItemFn = syn::parse_str(&item).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut errors = Errors::new();
    let args = Args::parse(proc_macro2::TokenStream::new(), &mut errors);
    assert!(errors.finish().is_none());
    let labelled = Labelled::new(*function.block);
    let plan = analyse(&function.sig, &labelled, &args);
    let probe = |name: &str| name.strip_prefix("probe")?.parse().ok();
    plan.calls.iter().filter_map(|call| Some((probe(&call.name)?, call.facts[0].held))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_hold_on_every_way(program in program(), ways in proptest::collection::vec(any::<u64>(), 4)) {
        let text = program.text();
        let known = facts(&text);
        for way in ways {
            for (probe, held) in run::run(&program, way) {
                let fact = known.get(&probe).copied().unwrap_or(Held::Unknown);
                prop_assert!(
                    fact == Held::Unknown || fact == held,
                    "probe{probe} is {held:?}, and {fact:?} to the analysis: {text}"
                );
            }
        }
    }
}

/// That the test above can fail, and that the analysis knows something at all.
#[test]
fn most_of_what_runs_straight_is_known() {
    let known = facts(
        "let mut a = xs.exp(); Tensor::probe0(&a); a = xs.matmul(w); Tensor::probe1(&a); (a, _) = (a.log(), w); Tensor::probe2(&a);",
    );
    assert_eq!((known[&0], known[&1], known[&2]), (Held::Full, Held::Low, Held::Full));
    let program = Program::known();
    let seen = run::run(&program, 0);
    assert!(!seen.is_empty());
    assert_eq!(facts(&program.text()), seen.into_iter().collect());
}
