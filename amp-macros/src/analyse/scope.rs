//! Which binding a name means here, and what it holds.
use super::borrow::Borrow;
use super::value::Value;
use super::writes::Writes;
use crate::plan::{Fact, Held};
use crate::syntax::shape::{is_primitive_type, is_tensor_type};
use std::collections::HashMap;
use syn::{Ident, Pat, PatIdent, Type};

/// The names in scope, innermost frame last.
#[derive(Debug, Default)]
pub(super) struct Scope {
    frames: Vec<HashMap<String, usize>>,
    /// What each binding holds at the point that has been reached.
    held: Vec<Value>,
    /// The assignment that it has its value of: casts are shared between uses of one value.
    lives: Vec<usize>,
    /// How many assignments there were.
    assignments: usize,
    /// Whether it was declared `mut`.
    mutable: Vec<bool>,
    /// Whether it is an exclusive reference.
    borrows: Vec<Borrow>,
    /// What bindings held before, and since which assignment, latest change last: the way back to a fork.
    before: Vec<(usize, Value, usize)>,
    /// Whether the point that has been reached cannot be reached.
    pub(super) diverged: bool,
}

/// A point in the program to come back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fork {
    changes: usize,
    diverged: bool,
}

/// What one way from a fork has changed.
#[derive(Debug)]
pub(super) struct Branch {
    changed: HashMap<usize, (Value, usize)>,
    pub(super) diverged: bool,
}

impl Scope {
    pub(super) fn push(&mut self) {
        self.frames.push(HashMap::new());
    }

    pub(super) fn pop(&mut self) {
        self.frames.pop();
    }

    /// The binding of a name.
    pub(super) fn binding(&self, name: &str) -> Option<usize> {
        self.frames.iter().rev().find_map(|frame| frame.get(name)).copied()
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.binding(name).map(|binding| &self.held[binding])
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if let Some(binding) = self.binding(name) {
            let life = self.assignment();
            self.change(binding, value, life);
        }
    }

    /// The assignment that a binding has its value of.
    pub(super) fn life(&self, binding: usize) -> usize {
        self.lives[binding]
    }

    fn assignment(&mut self) -> usize {
        self.assignments += 1;
        self.assignments
    }

    /// Whether the name is an exclusive reference, or holds some.
    pub(super) fn borrow(&self, name: &Ident) -> Borrow {
        self.binding(&name.to_string()).map_or(Borrow::Nowhere, |binding| self.borrows[binding])
    }

    fn declare(&mut self, ident: &PatIdent, value: Value, borrow: Borrow) {
        let (name, binding) = (ident.ident.to_string(), self.held.len());
        self.held.push(value);
        let life = self.assignment();
        self.lives.push(life);
        self.mutable.push(ident.mutability.is_some());
        self.borrows.push(match ident.by_ref {
            Some(_) if ident.mutability.is_some() => Borrow::Itself,
            Some(_) => Borrow::Nowhere,
            None => borrow,
        });
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(name, binding);
        }
    }

    /// Declares the names of a pattern that `value` is matched with.
    pub(super) fn bind(&mut self, pat: &Pat, value: &Value, borrow: Borrow) {
        match pat {
            Pat::Ident(ident) => {
                if let Some((_, inner)) = &ident.subpat {
                    self.bind(inner, value, borrow);
                }
                self.declare(ident, value.clone(), borrow);
            }
            Pat::Type(typed) => self.bind(&typed.pat, &refined(&typed.ty, value), Borrow::of_type(&typed.ty)),
            Pat::Reference(reference) => self.bind(&reference.pat, value, Borrow::Nowhere),
            Pat::Paren(paren) => self.bind(&paren.pat, value, borrow),
            Pat::Tuple(tuple) => {
                let rest = tuple.elems.iter().position(|pat| matches!(pat, Pat::Rest(_)));
                for (index, pat) in tuple.elems.iter().enumerate() {
                    let known = rest.is_none_or(|rest| index < rest);
                    let value = if known { value.element(index) } else { Value::UNKNOWN };
                    self.bind(pat, &value, borrow.element(index));
                }
            }
            Pat::TupleStruct(tuple) => {
                let name = tuple.path.segments.last().map(|segment| segment.ident.to_string());
                let wraps = matches!(name.as_deref(), Some("Some" | "Ok")) && tuple.elems.len() == 1;
                let inside = if wraps { value.clone().inside() } else { Value::UNKNOWN };
                for pat in &tuple.elems {
                    self.bind(pat, &inside, borrow.inside());
                }
            }
            Pat::Slice(slice) => {
                let inside = value.clone().inside();
                slice.elems.iter().for_each(|pat| self.bind(pat, &inside, borrow.inside()));
            }
            Pat::Struct(fields) => {
                fields
                    .fields
                    .iter()
                    .for_each(|field| self.bind(&field.pat, &Value::UNKNOWN, borrow.element(0)));
            }
            Pat::Or(or) => or.cases.iter().for_each(|pat| self.bind(pat, value, borrow)),
            Pat::Guard(guard) => self.bind(&guard.pat, value, borrow),
            _ => {}
        }
    }

    fn change(&mut self, binding: usize, value: Value, life: usize) {
        if self.held[binding] != value || self.lives[binding] != life {
            let value = std::mem::replace(&mut self.held[binding], value);
            let life = std::mem::replace(&mut self.lives[binding], life);
            self.before.push((binding, value, life));
        }
    }

    pub(super) fn fork(&self) -> Fork {
        Fork { changes: self.before.len(), diverged: self.diverged }
    }

    /// Back to the fork; says what has changed since.
    pub(super) fn rewind(&mut self, fork: Fork) -> Branch {
        let mut changed = HashMap::new();
        while self.before.len() > fork.changes {
            let Some((binding, value, life)) = self.before.pop() else { break };
            let value = std::mem::replace(&mut self.held[binding], value);
            let life = std::mem::replace(&mut self.lives[binding], life);
            changed.entry(binding).or_insert((value, life));
        }
        let diverged = std::mem::replace(&mut self.diverged, fork.diverged);
        Branch { changed, diverged }
    }

    /// Goes on with what holds whichever of the ways was taken.
    pub(super) fn merge(&mut self, branches: Vec<Branch>) {
        let ending: Vec<Branch> = branches.into_iter().filter(|branch| !branch.diverged).collect();
        if ending.is_empty() {
            self.diverged = true;
            return;
        }
        let mut bindings: Vec<usize> =
            ending.iter().flat_map(|branch| branch.changed.keys().copied()).collect();
        bindings.sort_unstable();
        bindings.dedup();
        for binding in bindings {
            let here = (self.held[binding].clone(), self.lives[binding]);
            let ways: Vec<&(Value, usize)> =
                ending.iter().map(|branch| branch.changed.get(&binding).unwrap_or(&here)).collect();
            let joined = ways.iter().map(|way| way.0.clone()).reduce(|all, value| all.join(&value));
            let life =
                if ways.windows(2).all(|two| two[0].1 == two[1].1) { ways[0].1 } else { self.assignment() };
            self.change(binding, joined.unwrap_or(Value::UNKNOWN), life);
        }
    }

    /// Forgets the precision of a name that is written to somewhere else.
    pub(super) fn blur(&mut self, name: &str) {
        if let Some(binding) = self.binding(name) {
            self.change(binding, self.held[binding].blurred(), self.lives[binding]);
        }
    }

    /// The same for whatever may be written to.
    pub(super) fn forget(&mut self, writes: &Writes) {
        let mutable = |name: &&String| self.binding(name).is_some_and(|binding| self.mutable[binding]);
        let lent: Vec<&String> = writes.lent.iter().filter(mutable).collect();
        writes.assigned.iter().chain(lent).for_each(|name| self.blur(name));
    }
}

/// What a written type adds to what is known.
pub(super) fn refined(ty: &Type, value: &Value) -> Value {
    if is_tensor_type(ty) {
        let fact = value.fact();
        Value::One(Fact { tensor: crate::plan::Tensorness::Yes, ..fact })
    } else if is_primitive_type(ty) {
        Value::NOT_TENSOR
    } else {
        match ty {
            Type::Tuple(tuple) => Value::Tuple(
                tuple
                    .elems
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| refined(ty, &value.element(index)))
                    .collect(),
            ),
            _ => value.clone(),
        }
    }
}

/// A parameter of a written type.
pub(super) fn parameter(ty: &Type) -> Value {
    refined(ty, &Value::One(Fact { held: Held::Unknown, ..Fact::UNKNOWN }))
}
