//! The rules of refreshing a token that can be used once, as pure functions: what an outcome means, who may ask, whose
//! pair counts. [`super::TokenSource`] and the stores behind [`super::TokenStore`] act by them.
//!
//! The state of a grant that all processes share is a generation (which pair), whether it is dead, a lease, and how
//! much doubt there is whether the refresh token of this generation still lives. Then:
//!
//! 1. Only the holder of the lease asks, and only after its intent was counted durably.
//! 2. An answer takes the count back or replaces the pair. A process that vanishes leaves its intent counted; an ask
//!    that was met with silence leaves so much doubt that there is one more try, for all processes together. At
//!    [`MOST_DOUBT`] nobody asks again: whether the token still lives cannot be found out without a person.
//! 3. A pair is stored on top of the generation it was made from, or not at all; while somebody else holds the lease
//!    their pair may be newer, so one's own waits.
//! 4. A refusal kills the generation that was asked with, not a newer one that was stored meanwhile.

use crate::error::{Error, ErrorKind};

/// At so much doubt the refresh token is not shown again.
///
/// An intent adds one. A process may be killed before it asks or after; it takes this many in one renewal to end a
/// grant, because each of them has most likely left the token alive.
pub const MOST_DOUBT: u32 = 6;

/// What silence raises the doubt to: one more try, and no more.
pub const SILENCE: u32 = MOST_DOUBT - 1;

/// Whether the refresh token may be shown to Zoom (again) at so much doubt.
#[must_use]
pub fn may_ask(doubt: u32) -> bool {
    doubt < MOST_DOUBT
}

/// The doubt after an ask that got no answer, its own intent counted in `doubt`.
#[must_use]
pub fn after_silence(doubt: u32) -> u32 {
    doubt.max(SILENCE)
}

/// What the outcome of an ask means for the token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum After {
    /// There is a new pair; the old one is dead.
    Pair,
    /// Zoom made no pair: the request did not get there, or was answered with a failure that is not about the token.
    WithoutEffect,
    /// No answer, or none that can be read: Zoom may have made a pair.
    Unanswered,
    /// Zoom says the token is dead.
    Refused,
}

/// Reads an outcome.
#[must_use]
pub fn after(outcome: Result<(), &Error>) -> After {
    match outcome {
        Ok(()) => After::Pair,
        Err(error) if error.kind() == ErrorKind::GrantDead => After::Refused,
        // Any status that says no means that nothing was made; a broken 200 means that something was.
        Err(error) if error.status().is_some() => After::WithoutEffect,
        Err(error) if error.may_have_been_received() => After::Unanswered,
        Err(_) => After::WithoutEffect,
    }
}

/// What to do when Zoom refuses a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnRefused {
    /// Somebody has stored a newer pair meanwhile: use that.
    UseStored,
    /// The grant is dead.
    Bury,
}

/// What to do when Zoom refuses the token of generation `asked_with` and `stored` is what the store has now.
#[must_use]
pub fn on_refused(asked_with: u64, stored: Option<u64>) -> OnRefused {
    match stored {
        Some(stored) if stored > asked_with => OnRefused::UseStored,
        _ => OnRefused::Bury,
    }
}

/// Who holds the lease of a grant, seen from one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lease {
    /// This process.
    Mine,
    /// Nobody.
    Free,
    /// Another process.
    Elsewhere,
}

/// What to do with a pair that Zoom gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Late {
    /// Store it; it also revives a grant that another process saw refused at this generation.
    Store,
    /// Keep it and try again when the other process is done.
    Wait,
    /// Forget it: a newer pair is stored, or the grant was taken back.
    Drop,
}

/// What to do with a pair made from generation `made_from` while the row has `row_generation`.
///
/// A grant that is dead by Zoom's word keeps its generation; one that a person took back has a higher one.
#[must_use]
pub fn may_store(made_from: u64, row_generation: u64, lease: Lease) -> Late {
    match lease {
        _ if made_from != row_generation => Late::Drop,
        Lease::Elsewhere => Late::Wait,
        Lease::Mine | Lease::Free => Late::Store,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_leaves_an_ask_open() {
        let cases = [
            (
                Error::new(ErrorKind::Network, "no route"),
                After::WithoutEffect,
            ),
            (
                Error::new(ErrorKind::Network, "reset").with_received(true),
                After::Unanswered,
            ),
            (
                Error::new(ErrorKind::Decode, "half a body").with_received(true),
                After::Unanswered,
            ),
            (
                Error::new(ErrorKind::Server, "busy").with_answer(503, None),
                After::WithoutEffect,
            ),
            (
                Error::new(ErrorKind::RateLimited, "slow down").with_answer(429, None),
                After::WithoutEffect,
            ),
            (
                Error::new(ErrorKind::ClientRejected, "who?").with_answer(400, None),
                After::WithoutEffect,
            ),
            (
                Error::new(ErrorKind::GrantDead, "Invalid Token!").with_answer(400, None),
                After::Refused,
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(after(Err(&error)), expected, "{error}");
        }
        assert_eq!(after(Ok(())), After::Pair);
        // The first ask, one more after silence, and then nobody.
        let (intent, again) = (1, after_silence(1) + 1);
        assert!(may_ask(0) && may_ask(after_silence(intent)) && !may_ask(after_silence(again)));
        // Processes that vanished leave more tries, but not after silence, and not without end.
        assert!(may_ask(MOST_DOUBT - 1) && !may_ask(MOST_DOUBT) && !may_ask(again));
    }

    #[test]
    fn a_pair_goes_on_top_of_the_generation_it_was_made_from() {
        assert_eq!(may_store(3, 3, Lease::Mine), Late::Store);
        assert_eq!(may_store(3, 3, Lease::Free), Late::Store);
        assert_eq!(may_store(3, 3, Lease::Elsewhere), Late::Wait);
        assert_eq!(may_store(3, 4, Lease::Mine), Late::Drop);
        assert_eq!(on_refused(3, Some(4)), OnRefused::UseStored);
        assert_eq!(on_refused(3, Some(3)), OnRefused::Bury);
        assert_eq!(on_refused(3, None), OnRefused::Bury);
    }
}
