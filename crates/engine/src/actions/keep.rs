//! How long answers of each kind may be kept.

use std::time::Duration;

use super::cache::Freshness;

/// Scheduled meetings and webinars.
pub(super) const MEETINGS: Freshness = Freshness {
    lasts: Duration::from_secs(30),
    ended_by: &["meeting.", "webinar.", "registrant."],
};

/// Users of the account.
pub(super) const USERS: Freshness = Freshness {
    lasts: Duration::from_mins(5),
    ended_by: &["user."],
};

/// Recordings.
pub(super) const RECORDINGS: Freshness = Freshness {
    lasts: Duration::from_mins(2),
    ended_by: &["recording."],
};

/// What was held, which changes for a while after its end.
pub(super) const HISTORY: Freshness = Freshness {
    lasts: Duration::from_mins(5),
    ended_by: &[
        "meeting.ended",
        "meeting.participant",
        "webinar.ended",
        "webinar.participant",
        "meeting.summary",
    ],
};
