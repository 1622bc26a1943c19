//! What the rewriting knows while it goes through a body.
use crate::names::Names;
use crate::plan::{Island, Plan};
use crate::syntax::macros::ReadMacro;

/// What stands behind a label.
#[derive(Clone, Copy)]
pub(super) enum At {
    Call(usize),
    Layer(usize),
}

/// The way from labels to the plan, and what the bodies have to declare.
pub(super) struct Sites {
    at: Vec<Option<At>>,
    /// The calls that need a site in their body, and whether their receiver is known to be a tensor.
    pub(super) declared: Vec<(usize, bool)>,
    /// How many places were changed.
    pub(super) changed: usize,
}

impl Sites {
    pub(super) fn new(plan: &Plan<'_>, labels: usize) -> Self {
        let mut at = vec![None; labels];
        for (index, call) in plan.calls.iter().enumerate() {
            at[call.label] = Some(At::Call(index));
        }
        for (index, layer) in plan.layers.iter().enumerate() {
            at[layer.label] = Some(At::Layer(index));
        }
        Self { at, declared: Vec::new(), changed: 0 }
    }

    pub(super) fn at(&self, label: usize) -> Option<At> {
        self.at[label]
    }
}

/// The rewriting of one body.
pub(super) struct Rewrite<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) names: &'a Names,
    pub(super) sites: Sites,
    pub(super) macros: Vec<Option<ReadMacro>>,
    /// `deny(opaque)`: a layer must be one whose class is known.
    pub(super) known_layers: bool,
    /// The marks around, innermost last.
    pub(super) islands: Vec<Island>,
}
