//! Random programs: a call is accused exactly if every path to it is wrong. The paths are those of a flat program with
//! jumps, followed one by one, by a model of the wrapper that knows nothing of the check.
mod flat;
mod program;

use super::accusations;
use flat::{Flat, Flattened};
use program::{Call, Node, Source, nodes};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The wrapper as far as order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(clippy::struct_excessive_bools, reason = "a model that is plainer than what it judges")]
struct Model {
    /// Somebody else had it: it may be in any state.
    unknown: bool,
    gradients: bool,
    unscaled: bool,
    /// `zero_grad` took the gradients that a call now needs: it alone is to be blamed for that call.
    dropped: bool,
}

impl Model {
    /// Whether the call is refused, and the wrapper after it.
    fn call(self, call: Call) -> (bool, Self) {
        let scaled = Self { gradients: true, ..Self::default() };
        let unscaled = Self { unscaled: true, ..scaled };
        let refused = match call {
            Call::Backward | Call::Update => self.unscaled,
            Call::Clip | Call::Step => !self.gradients,
            Call::ZeroGrad | Call::Lent => false,
        };
        if refused && !self.unknown && !self.dropped {
            return (true, self);
        }
        let after = match call {
            Call::Backward => scaled,
            Call::Clip => unscaled,
            Call::Step | Call::Update => Self::default(),
            Call::ZeroGrad => Self { dropped: self.gradients || self.dropped, ..Self::default() },
            Call::Lent => Self { unknown: true, ..Self::default() },
        };
        (refused && !self.unknown, after)
    }
}

/// The lines of the calls that are refused on every path to them; and of those that are reached at all.
fn refused(nodes: &[Node]) -> BTreeSet<usize> {
    let mut flat = Flattened::default();
    // The line of the function's head.
    flat.skip_lines(1);
    flat.all(nodes);
    flat.push(Flat::End);
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, Model::default())];
    let mut by_line: BTreeMap<usize, bool> = BTreeMap::new();
    while let Some((at, model)) = open.pop() {
        if !seen.insert((at, model)) {
            continue;
        }
        match flat.steps[at] {
            Flat::Call(call, line) => {
                let (refused, after) = model.call(call);
                *by_line.entry(line).or_insert(true) &= refused;
                open.push((at + 1, after));
            }
            Flat::Fork(one, other) => open.extend([(one, model), (other, model)]),
            Flat::Jump(to) => open.push((to, model)),
            Flat::End => {}
        }
    }
    by_line.into_iter().filter_map(|(line, always)| always.then_some(line)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_is_accused_if_and_only_if_every_path_to_it_is_wrong(nodes in nodes()) {
        let mut source = Source::default();
        source.put("fn step(opt: &mut OptimWrapper, loss: &Tensor) {");
        source.all(&nodes);
        source.put("}");
        let found = accusations(&source.code, "");
        let order = found.iter().filter(|error| error.text.contains("train_step_order"));
        let accused: BTreeSet<usize> = order.map(|error| error.line).collect();
        prop_assert_eq!(accused, refused(&nodes), "{}", source.code);
    }
}
