//! One optimizer at one point of a function: what state it is in, and what was found so far.
use super::place::{Place, Relation, binds};
use super::state::{Mistake, Op, State, States};
use proc_macro2::{Ident, Span};
use syn::{Expr, Pat};

/// What the paths of a function showed.
#[derive(Default)]
pub(super) struct Found {
    /// Calls that are wrong on every path to them.
    pub(super) mistakes: Vec<(Ident, Mistake)>,
    /// The last backward.
    pub(super) backward: Option<Span>,
    /// Whether anything updates.
    pub(super) stepped: bool,
    /// Whether other code got hold of the optimizer.
    pub(super) escaped: bool,
}

/// An optimizer under way.
pub(super) struct Track<'a> {
    pub(super) place: &'a Place,
    /// Whether the place exists from the start; otherwise the body declares it.
    pub(super) is_parameter: bool,
    /// Here.
    pub(super) states: States,
    /// Whether the place's name means something else here.
    pub(super) hidden: bool,
    /// Whether the optimizer was called or lent.
    pub(super) touched: bool,
    /// Above 0 while a loop's states are not yet all known.
    pub(super) quiet: u32,
    pub(super) found: Found,
}

impl<'a> Track<'a> {
    pub(super) fn new(place: &'a Place, is_parameter: bool) -> Self {
        Self {
            place,
            is_parameter,
            states: States::only(State::Empty),
            hidden: false,
            touched: false,
            quiet: 0,
            found: Found::default(),
        }
    }

    /// A call that takes part in an update.
    pub(super) fn event(&mut self, op: Op, call: &Ident) {
        if self.hidden {
            self.found.escaped = true;
            return;
        }
        self.touched = true;
        match op {
            Op::Backward => self.found.backward = Some(call.span()),
            Op::Step | Op::Update | Op::FinishWindow => self.found.stepped = true,
            Op::Clip | Op::ZeroGrad => {}
        }
        let mistakes: Option<Vec<Mistake>> = self.states.iter().map(|state| op.mistake(state)).collect();
        if let Some(&[first, ..]) = mistakes.as_deref()
            && self.quiet == 0
        {
            self.found.mistakes.push((call.clone(), first));
        }
        self.states = self.states.map(|state| op.after(state));
    }

    /// Other code holds the optimizer, and may do anything.
    pub(super) fn escape(&mut self) {
        if !self.hidden {
            self.found.escaped = true;
            self.forget();
        }
    }

    /// As [`escape`](Self::escape) where the tokens name the optimizer.
    pub(super) fn escape_if_mentioned(&mut self, tokens: &impl quote::ToTokens) {
        if self.place.is_mentioned(tokens) {
            self.escape();
        }
    }

    /// From here the state is unknown.
    pub(super) fn forget(&mut self) {
        self.touched = true;
        self.states = self.states.map(|_| State::Unknown);
    }

    pub(super) fn relation(&self, expr: &Expr) -> Relation {
        if self.hidden { Relation::Apart } else { self.place.relation(expr) }
    }

    /// A pattern that takes the place's name: for a place of the body's own that is its declaration. `built`: whether
    /// the value is a new wrapper.
    pub(super) fn bind(&mut self, pat: &Pat, built: bool) {
        if self.place.root() == "self" || !binds(pat, self.place.root()) {
            return;
        }
        if self.is_parameter {
            self.hidden = true;
        } else if built {
            self.states = self.states.map(|_| State::Empty);
        } else {
            self.forget();
        }
    }
}
