//! When deliveries are tried again, when endpoints are challenged again, and which events a plan has.

use jiff::{SignedDuration, Timestamp};

use crate::world::model::Plan;

/// Minutes between the first try and the second, the second and the third, the third and the last.
pub const RETRIES_MINUTES: [i64; 3] = [5, 20, 60];

/// Hours between challenges of a saved endpoint.
pub const REVALIDATION_HOURS: i64 = 72;

/// Challenges failed in a row that silence a subscription.
pub(super) const FAILURES_TO_DISABLE: u32 = 6;

/// What an answer means for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Refused,
    Again,
}

/// 2xx is done, 3xx and 4xx are final, 5xx and silence are tried again.
pub(super) fn verdict(status: Option<u16>) -> Verdict {
    match status {
        Some(200..=299) => Verdict::Done,
        Some(300..=499) => Verdict::Refused,
        _ => Verdict::Again,
    }
}

/// When the next try is due after `tried` ones, the last at `last`; none when there are no more.
pub(super) fn next_attempt(tried: usize, last: Timestamp) -> Option<Timestamp> {
    let minutes = RETRIES_MINUTES.get(tried.checked_sub(1)?)?;
    last.checked_add(SignedDuration::from_mins(*minutes)).ok()
}

/// The least plan whose accounts get an event, as documented.
#[must_use]
pub fn needs_plan(event: &str) -> Plan {
    match event {
        "recording.transcript_completed" => Plan::Business,
        "meeting.updated" | "meeting.deleted" => Plan::Pro,
        _ if event.starts_with("recording.")
            || event.starts_with("webinar.")
            || event.starts_with("meeting.registration_")
            || event.starts_with("meeting.summary_")
            || event.starts_with("meeting.aic_") =>
        {
            Plan::Pro
        }
        _ => Plan::Free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_after_5_25_and_85_minutes() {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut last = start;
        let mut minutes = Vec::new();
        for tried in 1..=4 {
            match next_attempt(tried, last) {
                Some(next) => {
                    minutes.push((next - start).get_seconds() / 60);
                    last = next;
                }
                None => assert_eq!(tried, 4),
            }
        }
        assert_eq!(minutes, [5, 25, 85]);
    }

    #[test]
    fn answers_are_judged_as_zoom_does() {
        assert_eq!(verdict(Some(204)), Verdict::Done);
        assert_eq!(verdict(Some(301)), Verdict::Refused);
        assert_eq!(verdict(Some(429)), Verdict::Refused);
        assert_eq!(verdict(Some(503)), Verdict::Again);
        assert_eq!(verdict(None), Verdict::Again);
    }

    #[test]
    fn plans_have_their_events() {
        assert!(needs_plan("meeting.started") <= Plan::Free);
        assert!(needs_plan("recording.completed") > Plan::Free);
        assert!(needs_plan("recording.transcript_completed") > Plan::Pro);
    }
}
