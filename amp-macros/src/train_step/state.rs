//! Where an update stands, and which call is right there: the wrapper's protocol, as its run-time checks have it.

/// What the gradients of one optimizer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There are none: nothing was computed yet.
    Empty,
    /// `zero_grad` dropped what `backward` had computed.
    Dropped,
    /// An update used them.
    Stepped,
    /// They carry the loss scale.
    Scaled,
    /// They were unscaled and clipped.
    Unscaled,
    /// Somebody else held the optimizer.
    Unknown,
}

const ALL: [State; 6] =
    [State::Empty, State::Dropped, State::Stepped, State::Scaled, State::Unscaled, State::Unknown];

/// The states that the paths to one point of the function leave; none if no path leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct States(u8);

impl States {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn only(state: State) -> Self {
        Self(1 << state as u8)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = State> {
        ALL.into_iter().filter(move |state| self.0 & (1 << *state as u8) != 0)
    }

    pub(super) fn map(self, to: impl Fn(State) -> State) -> Self {
        self.iter().fold(Self::NONE, |all, state| all.or(Self::only(to(state))))
    }
}

/// A call that takes part in an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Backward,
    Clip,
    Step,
    /// `backward_step` and its like: the whole update.
    Update,
    /// Ends an accumulation window, if one is open.
    FinishWindow,
    ZeroGrad,
}

/// What is wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    BackwardAfterClip,
    ClipBeforeBackward,
    ClipAfterStep,
    StepBeforeBackward,
    TwoSteps,
    /// `zero_grad` between `backward` and what needs its gradients.
    GradientsDropped,
}

impl Op {
    /// What is wrong with the call in a state.
    pub(super) fn mistake(self, state: State) -> Option<Mistake> {
        match (self, state) {
            (Self::Backward | Self::Update, State::Unscaled) => Some(Mistake::BackwardAfterClip),
            (Self::Clip, State::Empty) => Some(Mistake::ClipBeforeBackward),
            (Self::Clip, State::Stepped) => Some(Mistake::ClipAfterStep),
            (Self::Step, State::Empty) => Some(Mistake::StepBeforeBackward),
            (Self::Step, State::Stepped) => Some(Mistake::TwoSteps),
            (Self::Clip | Self::Step, State::Dropped) => Some(Mistake::GradientsDropped),
            _ => None,
        }
    }

    /// The state after the call. A call that is refused changes nothing; but one mistake is one message: after gradients
    /// were dropped, the next goes on as if they were there.
    pub(super) fn after(self, state: State) -> State {
        match (self, state) {
            (Self::Clip | Self::Step, State::Empty | State::Stepped)
            | (Self::Backward | Self::Update, State::Unscaled) => state,
            (Self::Backward, _) => State::Scaled,
            (Self::Clip, _) => State::Unscaled,
            (Self::Step | Self::Update | Self::FinishWindow, _) => State::Stepped,
            (Self::ZeroGrad, State::Scaled | State::Unscaled | State::Dropped) => State::Dropped,
            (Self::ZeroGrad, State::Empty | State::Stepped | State::Unknown) => State::Empty,
        }
    }
}
