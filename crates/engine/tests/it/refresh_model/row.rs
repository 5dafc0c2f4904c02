//! The grant's row, as far as the protocol goes.

use parfocal_zoom::auth::protocol::{self, Late, Lease as Held, after_silence};

/// Why a grant is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Death {
    /// Zoom refused its refresh token.
    Refused,
    /// An answer was lost, and the one more try after it told nothing either.
    Lost,
    /// A person took it back.
    Withdrawn,
}

/// The lease on a row, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lease {
    Free,
    Running,
    RunOut,
}

/// The grant's row in the store. What can be done to it is what the store's statements do; `refresh_rows` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    pub(crate) pair: u8,
    pub(crate) lease: Lease,
    pub(crate) asked: u8,
    pub(crate) dead: Option<Death>,
}

impl Row {
    /// A grant that somebody has just consented to.
    pub(crate) fn fresh() -> Self {
        Self {
            generation: 1,
            pair: 1,
            lease: Lease::Free,
            asked: 0,
            dead: None,
        }
    }

    /// Takes the lease, from nobody or from somebody whose time is over.
    pub(crate) fn lease(&mut self) -> bool {
        let free = self.dead.is_none() && self.lease != Lease::Running;
        if free {
            self.lease = Lease::Running;
        }
        free
    }

    /// Writes the intent of the one who took the lease at that generation.
    pub(crate) fn intend(&mut self, mine: bool, generation: u8) -> bool {
        let held = mine && self.lease == Lease::Running && self.generation == generation;
        self.asked += u8::from(held);
        held
    }

    /// Stores a pair, where the code's rule lets it.
    pub(crate) fn store(&mut self, made_from: u8, pair: u8, mine: bool) -> Late {
        let lease = match self.lease {
            _ if mine => Held::Mine,
            Lease::Running => Held::Elsewhere,
            Lease::Free | Lease::RunOut => Held::Free,
        };
        let (from, now) = (u64::from(made_from), u64::from(self.generation));
        let verdict = protocol::may_store(from, now, lease);
        if verdict == Late::Store {
            self.replace(pair);
        }
        verdict
    }

    pub(super) fn replace(&mut self, pair: u8) {
        *self = Self {
            generation: self.generation + 1,
            pair,
            ..Self::fresh()
        };
    }

    /// Declares the grant dead, if it still is what was refused.
    pub(crate) fn kill(&mut self, generation: u8, why: Death) -> bool {
        let same = self.generation == generation && self.dead.is_none();
        if same {
            self.dead = Some(why);
            self.lease = Lease::Free;
        }
        same
    }

    /// A person, or Zoom on a person's word, takes the grant back: the generation goes up, so that nothing that is
    /// under way counts any more.
    pub(crate) fn withdraw(&mut self) {
        *self = Self {
            generation: self.generation + 1,
            pair: self.pair,
            dead: Some(Death::Withdrawn),
            ..Self::fresh()
        };
    }

    /// Gives the lease back; the intent goes with it only when it is certain that Zoom made no pair.
    pub(crate) fn release(&mut self, mine: bool, without_effect: bool) {
        if mine {
            self.lease = Lease::Free;
            self.asked = if without_effect {
                self.asked.saturating_sub(1)
            } else {
                u8::try_from(after_silence(u32::from(self.asked))).unwrap()
            };
        }
    }
}
