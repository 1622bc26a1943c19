//! What an expression is known to be: one tensor, several, or a tuple of such.
use crate::plan::{Fact, Held, Tensorness};

/// The value of an expression, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    One(Fact),
    /// A list, an option or a result of such.
    Each(Fact),
    Tuple(Vec<Value>),
}

impl Value {
    pub(super) const UNKNOWN: Self = Self::One(Fact::UNKNOWN);
    pub(super) const NOT_TENSOR: Self = Self::One(Fact::NOT_TENSOR);

    /// What is known of it as a single tensor.
    pub(super) fn fact(&self) -> Fact {
        match self {
            Self::One(fact) => *fact,
            _ => Fact::UNKNOWN,
        }
    }

    /// What is known of it as an operand, which may be a list or an option.
    pub(super) fn operand(&self) -> Fact {
        match self {
            Self::One(fact) | Self::Each(fact) => *fact,
            Self::Tuple(_) => Fact::UNKNOWN,
        }
    }

    /// What lies in it: the item of a list, the value of an option.
    pub(super) fn inside(self) -> Self {
        match self {
            Self::Each(fact) => Self::One(fact),
            other => other,
        }
    }

    /// The element of a tuple.
    pub(super) fn element(&self, index: usize) -> Self {
        match self {
            Self::Tuple(values) => values.get(index).cloned().unwrap_or(Self::UNKNOWN),
            Self::Each(fact) => Self::One(*fact),
            Self::One(_) => Self::UNKNOWN,
        }
    }

    /// The same with its precision forgotten.
    pub(super) fn blurred(&self) -> Self {
        let blur = |fact: &Fact| Fact { held: Held::Unknown, since: None, ..*fact };
        match self {
            Self::One(fact) => Self::One(blur(fact)),
            Self::Each(fact) => Self::Each(blur(fact)),
            Self::Tuple(values) => Self::Tuple(values.iter().map(Self::blurred).collect()),
        }
    }

    /// What holds on both ways to here.
    pub(super) fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::One(a), Self::One(b)) => Self::One(join(*a, *b)),
            (Self::Each(a), Self::Each(b)) => Self::Each(join(*a, *b)),
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                Self::Tuple(a.iter().zip(b).map(|(a, b)| a.join(b)).collect())
            }
            _ => Self::UNKNOWN,
        }
    }
}

fn join(a: Fact, b: Fact) -> Fact {
    Fact {
        tensor: if a.tensor == b.tensor { a.tensor } else { Tensorness::Unknown },
        held: if a.held == b.held { a.held } else { Held::Unknown },
        since: a.since.filter(|_| a.held == b.held),
    }
}

/// What an operation gives whose result follows its operands: libtorch's promotion, as far as it is known here.
///
/// A tensor without dimensions does not promote, so that low and full together may be either.
pub(super) fn follow(facts: impl IntoIterator<Item = Fact>) -> Fact {
    let mut result: Option<Fact> = None;
    for fact in facts.into_iter().filter(|fact| fact.tensor != Tensorness::No) {
        result = Some(match result {
            None => fact,
            Some(before) => Fact {
                tensor: if before.tensor == Tensorness::Yes { Tensorness::Yes } else { fact.tensor },
                held: if before.held == fact.held { fact.held } else { Held::Unknown },
                since: before.since.filter(|_| before.held == fact.held),
            },
        });
    }
    result.unwrap_or(Fact::NOT_TENSOR)
}

/// Whether two answers agree that it is a tensor.
pub(super) fn either(a: Tensorness, b: Tensorness) -> Tensorness {
    match (a, b) {
        (Tensorness::Yes, _) | (_, Tensorness::Yes) => Tensorness::Yes,
        (Tensorness::No, Tensorness::No) => Tensorness::No,
        _ => Tensorness::Unknown,
    }
}
