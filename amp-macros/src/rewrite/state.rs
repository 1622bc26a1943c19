//! What the rewriting knows while it goes through a body.
use crate::names::Names;
use crate::plan::{Island, Plan};
use crate::syntax::macros::ReadMacro;
use crate::syntax::marks;
use std::collections::HashMap;
use syn::Attribute;

/// What stands behind a label.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The `#[cfg]` attributes around, innermost last.
    cfgs: Vec<Attribute>,
    /// Those around what has something declared at the head of its body: it is there on the same conditions.
    conditions: HashMap<At, Vec<Attribute>>,
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
        Self { at, declared: Vec::new(), changed: 0, cfgs: Vec::new(), conditions: HashMap::new() }
    }

    /// What stands behind a label that the walk has come to.
    pub(super) fn at(&mut self, label: usize) -> Option<At> {
        let at = self.at[label]?;
        if !self.cfgs.is_empty() {
            self.conditions.insert(at, self.cfgs.clone());
        }
        Some(at)
    }

    pub(super) fn conditions(&self, at: At) -> &[Attribute] {
        self.conditions.get(&at).map_or(&[], Vec::as_slice)
    }

    /// Notes the conditions of what comes next; [`Self::leave`] takes the number to go back to.
    pub(super) fn enter(&mut self, attrs: &[Attribute]) -> usize {
        let around = self.cfgs.len();
        self.cfgs.extend(attrs.iter().filter(|attr| marks::is_condition(attr)).cloned());
        around
    }

    pub(super) fn leave(&mut self, around: usize) {
        self.cfgs.truncate(around);
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
