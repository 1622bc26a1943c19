//! Which casts share a slot: those of one value of one binding to one precision, in one run of one block.
use crate::plan::{Held, Plan, SharedSlot};
use std::collections::BTreeMap;

/// A step on the way from the function to an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into the block of that number.
    Block(usize),
    /// Into a loop or a closure, which may run often: no slot is shared across.
    Fence(usize),
}

/// Where a cast happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum UseAt {
    /// A call and its operand.
    Call(usize, usize),
    Layer(usize),
}

#[derive(Debug)]
struct Use {
    at: UseAt,
    /// The blocks around it, outermost first, as far as the innermost fence.
    blocks: Vec<usize>,
}

/// Every cast of a value, by its binding, the assignment that it is of, precision and the fence around it.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeMap<(usize, usize, bool, Option<Step>), Vec<Use>>);

impl Uses {
    pub(super) fn add(&mut self, (binding, life): (usize, usize), to: Held, path: &[Step], at: UseAt) {
        let fence = path.iter().rposition(|step| matches!(step, Step::Fence(_)));
        let inside = &path[fence.map_or(0, |fence| fence + 1)..];
        let blocks = inside.iter().filter_map(|step| match step {
            Step::Block(number) => Some(*number),
            Step::Fence(_) => None,
        });
        let key = (binding, life, to == Held::Low, fence.map(|fence| path[fence]));
        self.0.entry(key).or_default().push(Use { at, blocks: blocks.collect() });
    }

    /// Gives a slot, in the innermost block that holds them all, to casts that are made more than once.
    pub(super) fn share(self, plan: &mut Plan<'_>) {
        for uses in self.0.into_values().filter(|uses| uses.len() > 1) {
            let mut common = uses[0].blocks.clone();
            for other in &uses[1..] {
                let same = common.iter().zip(&other.blocks).take_while(|(a, b)| a == b).count();
                common.truncate(same);
            }
            let Some(block) = common.last().copied() else { continue };
            let slot = plan.slots.len();
            plan.slots.push(SharedSlot { block });
            for used in uses {
                match used.at {
                    UseAt::Layer(layer) => plan.layers[layer].slot = Some(slot),
                    UseAt::Call(call, operand) => {
                        let casts = &mut plan.calls[call].casts;
                        if let Some(cast) = casts.iter_mut().find(|cast| cast.operand == operand) {
                            cast.slot = Some(slot);
                        }
                    }
                }
            }
        }
    }
}
