//! The course of a saga: which step follows from what came of one. Pure, so that it can be walked through in tests.
//!
//! Making and changing goes provider → calendar → commit → invite: up to the commit everything can be taken back, in reverse;
//! from the commit on it only goes forward, since mail cannot be called back. Cancelling commits first: what was taken away
//! at the provider cannot be brought back.

use parfocal_store::{SagaKind, SagaState};

/// A step of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The provider's meeting.
    Provider,
    /// The calendar's event.
    Calendar,
    /// The point of no return: what stands is written down, with the reminders.
    Commit,
    /// The invitations.
    Invite,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Provider, Self::Calendar, Self::Commit, Self::Invite];

    /// The name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Calendar => "calendar",
            Self::Commit => "commit",
            Self::Invite => "invite",
        }
    }

    /// The step of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

/// Which way a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Doing.
    Forward,
    /// Taking back.
    Backward,
}

impl Direction {
    /// The name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }

    /// The direction of a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Forward, Self::Backward]
            .into_iter()
            .find(|one| one.as_str() == name)
    }
}

/// The steps of a kind of saga, in order.
pub(super) const fn order(kind: SagaKind) -> [Step; 4] {
    match kind {
        SagaKind::Cancel => [Step::Commit, Step::Provider, Step::Calendar, Step::Invite],
        _ => Step::ALL,
    }
}

/// Where a saga stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// What it does.
    pub kind: SagaKind,
    /// The step that is next.
    pub step: Step,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether the point of no return is passed.
    pub committed: bool,
    /// Whether something could neither be done nor taken back.
    pub blemished: bool,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It is done, or undone.
    Done,
    /// Part of it is done; the rest follows at once.
    Partly,
    /// It may work later.
    Later,
    /// It would fail again, or its time is over.
    Never,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This step, in this direction.
    Go(Step, Direction),
    /// The same once more.
    Again,
    /// It has ended.
    End(SagaState),
}

/// What follows from what came of a step.
pub fn next(at: Position, came: Came) -> Next {
    let order = order(at.kind);
    let place = order.iter().position(|step| *step == at.step).unwrap_or(0);
    let over = |blemished, clean| Next::End(if blemished { SagaState::Stuck } else { clean });
    match (at.direction, came) {
        (_, Came::Later | Came::Partly) => Next::Again,
        // Undoing begins with the step that failed: it may have had its effect.
        (Direction::Forward, Came::Never) if !at.committed => {
            Next::Go(at.step, Direction::Backward)
        }
        (Direction::Forward, came) => match order.get(place + 1) {
            Some(step) => Next::Go(*step, Direction::Forward),
            None => over(at.blemished || came == Came::Never, SagaState::Done),
        },
        (Direction::Backward, came) => match place.checked_sub(1) {
            Some(before) => Next::Go(order[before], Direction::Backward),
            None => over(at.blemished || came == Came::Never, SagaState::Undone),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = SagaKind> {
        prop_oneof![
            Just(SagaKind::Schedule),
            Just(SagaKind::Reschedule),
            Just(SagaKind::Cancel)
        ]
    }

    fn outcomes() -> impl Strategy<Value = Vec<Came>> {
        prop::collection::vec(
            prop_oneof![3 => Just(Came::Done), 1 => Just(Came::Later), 1 => Just(Came::Partly), 2 => Just(Came::Never)],
            0..24,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
        #[test]
        fn every_walk_ends_whole_and_no_mail_leaves_before_the_commit(kind in kinds(), outcomes in outcomes()) {
            let first = order(kind)[0];
            let mut at = Position { kind, step: first, direction: Direction::Forward, committed: false, blemished: false };
            let mut kept: Vec<Step> = Vec::new();
            let mut given_up: Vec<Step> = Vec::new();
            let mut ended = None;
            // What the list does not say is done.
            for came in outcomes.into_iter().chain(std::iter::repeat_n(Came::Done, 12)) {
                if at.direction == Direction::Forward && at.step == Step::Invite {
                    prop_assert!(at.committed, "mail before the commit");
                }
                if at.direction == Direction::Backward {
                    prop_assert!(!at.committed, "taking back after the commit");
                }
                // The commit is a transaction of ours: it is done or tried again.
                let came = if at.step == Step::Commit && came == Came::Never { Came::Later } else { came };
                match (at.direction, came) {
                    (Direction::Forward, Came::Done) => kept.push(at.step),
                    (Direction::Forward, Came::Never) if at.committed => given_up.push(at.step),
                    (Direction::Backward, Came::Done) => kept.retain(|step| *step != at.step),
                    (Direction::Backward, Came::Never) => given_up.push(at.step),
                    _ => {}
                }
                if came == Came::Never && (at.committed || at.direction == Direction::Backward) {
                    at.blemished = true;
                }
                if at.direction == Direction::Forward && at.step == Step::Commit && came == Came::Done {
                    at.committed = true;
                }
                match next(at, came) {
                    Next::Again => {}
                    Next::Go(step, direction) => { at.step = step; at.direction = direction; }
                    Next::End(state) => { ended = Some(state); break; }
                }
            }
            let state = ended.expect("it ends");
            match state {
                SagaState::Done => { prop_assert_eq!(kept.len(), 4); prop_assert!(given_up.is_empty()); }
                SagaState::Undone => { prop_assert!(kept.is_empty(), "{:?}", kept); prop_assert!(given_up.is_empty()); }
                SagaState::Stuck => prop_assert!(!given_up.is_empty()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
