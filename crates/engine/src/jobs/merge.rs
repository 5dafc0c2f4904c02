//! What becomes of two requests for the same work: one job that serves both.
//!
//! The newer request counts, but nothing that the older one asked for is lost. What a live event wants is done
//! whatever becomes of a backfill that wants it as well.

use parfocal_store::BackfillId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    FileFetch, InstanceRefresh, InteractionsFetch, JobKind, MeetingRefresh, ParticipantsFetch,
    RecordingRefresh, SummaryFetch,
};

/// The payload that serves the older and the newer request.
pub(super) fn merged(kind: JobKind, older: &Value, newer: &Value) -> Value {
    let both = match kind {
        JobKind::InstanceRefresh => both(older, newer, |older: InstanceRefresh, newer| {
            InstanceRefresh {
                not_before: older.not_before.max(newer.not_before),
                backfill: unless_live(older.backfill, newer.backfill),
                ..newer
            }
        }),
        JobKind::ParticipantsFetch => both(older, newer, |older: ParticipantsFetch, newer| {
            ParticipantsFetch {
                not_before: older.not_before.max(newer.not_before),
                backfill: unless_live(older.backfill, newer.backfill),
                ..newer
            }
        }),
        JobKind::RecordingRefresh => both(older, newer, |older: RecordingRefresh, newer| {
            RecordingRefresh {
                since: older.since.max(newer.since),
                deadline: older.deadline.max(newer.deadline),
                ..newer
            }
        }),
        JobKind::FileFetch => both(older, newer, |older: FileFetch, newer| FileFetch {
            event: newer.event.or(older.event),
            on_request: older.on_request || newer.on_request,
            ..newer
        }),
        JobKind::MeetingRefresh => both(older, newer, |older: MeetingRefresh, newer| {
            let backfill = unless_live(older.backfill, newer.backfill);
            let wanted_by = [newer.backfill, newer.also, older.backfill, older.also];
            let also = wanted_by
                .into_iter()
                .flatten()
                .find(|id| Some(*id) != backfill);
            MeetingRefresh {
                backfill,
                also,
                ..newer
            }
        }),
        JobKind::SummaryFetch => both(older, newer, |older: SummaryFetch, newer| SummaryFetch {
            backfill: unless_live(older.backfill, newer.backfill),
            ..newer
        }),
        JobKind::InteractionsFetch => both(older, newer, |older: InteractionsFetch, newer| {
            InteractionsFetch {
                backfill: unless_live(older.backfill, newer.backfill),
                ..newer
            }
        }),
        JobKind::EventRoute
        | JobKind::ReminderSend
        | JobKind::TranscriptParse
        | JobKind::TranscriptAnalyze
        | JobKind::TranscriptEmbed
        | JobKind::TranscriptModel
        | JobKind::BackfillSlice
        | JobKind::BackfillReport
        | JobKind::BackfillFinish
        | JobKind::ScheduleAdvance
        | JobKind::RegistrantsSync
        | JobKind::ScheduleFollow
        | JobKind::GoogleSync
        | JobKind::MicrosoftSync
        | JobKind::CaldavSync
        | JobKind::MailboxFetch
        | JobKind::DataErase => None,
    };
    both.unwrap_or_else(|| newer.clone())
}

/// A backfill may hold the work up, or have it dropped, only while nothing else wants it.
fn unless_live(older: Option<BackfillId>, newer: Option<BackfillId>) -> Option<BackfillId> {
    older.and(newer)
}

fn both<P: Serialize + DeserializeOwned>(
    older: &Value,
    newer: &Value,
    merge: impl FnOnce(P, P) -> P,
) -> Option<Value> {
    let older = serde_json::from_value(older.clone()).ok()?;
    let newer = serde_json::from_value(newer.clone()).ok()?;
    serde_json::to_value(merge(older, newer)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "0190b5a0-0000-7000-8000-000000000001";
    const TWO: &str = "0190b5a0-0000-7000-8000-000000000002";

    fn people(not_before: &str, backfill: Option<&str>, webinar: bool) -> Value {
        json!({"account": ONE, "uuid": "u==", "webinar": webinar, "not_before": not_before, "backfill": backfill})
    }

    #[test]
    fn a_live_request_is_not_made_a_backfills_in_either_order() {
        let (early, late) = ("2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z");
        let live = people(late, None, false);
        let backfill = people(early, Some(ONE), false);
        let kind = JobKind::ParticipantsFetch;
        assert_eq!(merged(kind, &live, &backfill), live);
        assert_eq!(merged(kind, &backfill, &live), live);
        let another = people(early, Some(TWO), true);
        assert_eq!(
            merged(kind, &backfill, &another),
            another,
            "of two backfills the newer"
        );
        let details = |not_before: &str, backfill: Option<&str>| json!({"account": ONE, "uuid": "u==", "not_before": not_before, "backfill": backfill});
        assert_eq!(
            merged(
                JobKind::InstanceRefresh,
                &details(late, None),
                &details(early, Some(ONE))
            ),
            details(late, None)
        );
    }

    #[test]
    fn a_series_wanted_live_still_serves_the_backfill() {
        let series = |backfill: Option<&str>, also: Option<&str>| json!({"account": ONE, "number": "9", "backfill": backfill, "also": also});
        let kind = JobKind::MeetingRefresh;
        let both = series(None, Some(ONE));
        assert_eq!(
            merged(kind, &series(None, None), &series(Some(ONE), None)),
            both
        );
        assert_eq!(
            merged(kind, &series(Some(ONE), None), &series(None, None)),
            both
        );
        assert_eq!(merged(kind, &both, &series(None, None)), both);
        assert_eq!(
            merged(kind, &series(Some(ONE), None), &series(Some(ONE), None)),
            series(Some(ONE), None)
        );
        let old = json!({"account": ONE, "number": "9", "backfill": null});
        assert_eq!(
            merged(kind, &old, &series(Some(ONE), None)),
            both,
            "written by an older program"
        );
    }

    #[test]
    fn a_download_keeps_its_token_and_a_persons_wish() {
        let file = |event: Option<&str>, on_request: bool| json!({"file": ONE, "event": event, "on_request": on_request});
        let kind = JobKind::FileFetch;
        assert_eq!(
            merged(kind, &file(Some(ONE), true), &file(None, false)),
            file(Some(ONE), true)
        );
        assert_eq!(
            merged(kind, &file(Some(ONE), false), &file(Some(TWO), false)),
            file(Some(TWO), false)
        );
    }

    #[test]
    fn a_recording_is_looked_for_until_the_later_deadline() {
        let look = |since: &str, deadline: &str| json!({"account": ONE, "uuid": "u==", "since": since, "deadline": deadline});
        let live = look("2026-11-22T08:00:00Z", "2026-11-25T08:00:00Z");
        let old = look("2026-11-20T08:00:00Z", "2026-11-22T09:00:00Z");
        assert_eq!(merged(JobKind::RecordingRefresh, &live, &old), live);
    }

    #[test]
    fn what_cannot_be_read_gives_way_to_the_newer() {
        let newer = people("2026-11-22T08:00:00Z", None, false);
        assert_eq!(
            merged(JobKind::ParticipantsFetch, &json!({"x": 1}), &newer),
            newer
        );
        assert_eq!(
            merged(JobKind::EventRoute, &json!({"x": 1}), &json!({"x": 2})),
            json!({"x": 2})
        );
    }
}
