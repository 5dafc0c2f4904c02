//! The events that each feature listens to, with the scopes that Zoom wants for the subscription.

use super::features::Feature;

/// One event that a feature listens to. The scopes are the base of what Zoom's event reference lists for it.
pub(super) struct Heard {
    pub(super) event: &'static str,
    pub(super) why: &'static str,
    pub(super) granular: &'static str,
    pub(super) classic: &'static str,
    pub(super) optional: bool,
    /// Only apps that reach the whole account can subscribe.
    pub(super) admin_only: bool,
}

const fn heard(
    event: &'static str,
    why: &'static str,
    granular: &'static str,
    classic: &'static str,
) -> Heard {
    Heard {
        event,
        why,
        granular,
        classic,
        optional: false,
        admin_only: false,
    }
}

/// The feature works without it, with less.
const fn also(mut heard: Heard) -> Heard {
    heard.optional = true;
    heard
}

/// Only apps that reach the whole account can subscribe.
const fn of_admins(mut heard: Heard) -> Heard {
    heard.admin_only = true;
    also(heard)
}

const MEETING: (&str, &str) = ("meeting:read:meeting", "meeting:read");
const PARTICIPANT: (&str, &str) = ("meeting:read:participant", "meeting:read");
const REGISTRANT: (&str, &str) = ("meeting:read:registrant", "meeting:read");
const RECORDING: (&str, &str) = ("cloud_recording:read:recording", "recording:read");
const WEBINAR: (&str, &str) = ("webinar:read:webinar", "webinar:read");
const SUMMARY: (&str, &str) = ("meeting:read:summary", "meeting_summary:read");
const USER: (&str, &str) = ("user:read:user", "user:read");

const INGEST_EVENTS: &[Heard] = &[
    heard(
        "meeting.started",
        "know that a meeting runs",
        MEETING.0,
        MEETING.1,
    ),
    heard(
        "meeting.ended",
        "fetch what a meeting left",
        MEETING.0,
        MEETING.1,
    ),
    heard(
        "meeting.created",
        "keep meetings up to date",
        MEETING.0,
        MEETING.1,
    ),
    heard(
        "meeting.updated",
        "keep meetings up to date",
        MEETING.0,
        MEETING.1,
    ),
    heard(
        "meeting.deleted",
        "keep meetings up to date",
        MEETING.0,
        MEETING.1,
    ),
    also(heard(
        "meeting.recovered",
        "keep meetings up to date",
        MEETING.0,
        MEETING.1,
    )),
    also(heard(
        "meeting.permanently_deleted",
        "keep meetings up to date",
        MEETING.0,
        MEETING.1,
    )),
    heard(
        "meeting.participant_joined",
        "see who attends while it runs",
        PARTICIPANT.0,
        PARTICIPANT.1,
    ),
    heard(
        "meeting.participant_left",
        "see who attends while it runs",
        PARTICIPANT.0,
        PARTICIPANT.1,
    ),
    also(heard(
        "meeting.participant_joined_waiting_room",
        "see who waits",
        PARTICIPANT.0,
        PARTICIPANT.1,
    )),
    also(heard(
        "meeting.participant_left_waiting_room",
        "see who waits",
        PARTICIPANT.0,
        PARTICIPANT.1,
    )),
    also(heard(
        "meeting.participant_joined_breakout_room",
        "see who is in breakout rooms",
        PARTICIPANT.0,
        PARTICIPANT.1,
    )),
    also(heard(
        "meeting.participant_left_breakout_room",
        "see who is in breakout rooms",
        PARTICIPANT.0,
        PARTICIPANT.1,
    )),
    also(heard(
        "meeting.registration_created",
        "keep registrants up to date",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
    also(heard(
        "meeting.registration_approved",
        "keep registrants up to date",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
    also(heard(
        "meeting.registration_cancelled",
        "keep registrants up to date",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
    also(heard(
        "meeting.registration_denied",
        "keep registrants up to date",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
    heard(
        "recording.completed",
        "fetch recordings when they are ready",
        RECORDING.0,
        RECORDING.1,
    ),
    heard(
        "recording.transcript_completed",
        "fetch transcripts when they are ready",
        RECORDING.0,
        RECORDING.1,
    ),
    also(heard(
        "recording.trashed",
        "keep recordings up to date",
        RECORDING.0,
        RECORDING.1,
    )),
    also(heard(
        "recording.deleted",
        "keep recordings up to date",
        RECORDING.0,
        RECORDING.1,
    )),
    also(heard(
        "recording.recovered",
        "keep recordings up to date",
        RECORDING.0,
        RECORDING.1,
    )),
    also(heard(
        "meeting.summary_completed",
        "take in Zoom's own summaries",
        SUMMARY.0,
        SUMMARY.1,
    )),
    also(heard(
        "meeting.summary_updated",
        "keep Zoom's own summaries up to date",
        SUMMARY.0,
        SUMMARY.1,
    )),
    also(heard(
        "meeting.summary_trashed",
        "forget Zoom's own summaries",
        SUMMARY.0,
        SUMMARY.1,
    )),
    also(heard(
        "meeting.summary_recovered",
        "keep Zoom's own summaries up to date",
        SUMMARY.0,
        SUMMARY.1,
    )),
    also(heard(
        "meeting.summary_deleted",
        "forget Zoom's own summaries",
        SUMMARY.0,
        SUMMARY.1,
    )),
    also(heard(
        "webinar.started",
        "take in webinars",
        WEBINAR.0,
        WEBINAR.1,
    )),
    also(heard(
        "webinar.ended",
        "take in webinars",
        WEBINAR.0,
        WEBINAR.1,
    )),
    of_admins(heard(
        "user.created",
        "keep users up to date",
        USER.0,
        USER.1,
    )),
    of_admins(heard(
        "user.updated",
        "keep users up to date",
        USER.0,
        USER.1,
    )),
    of_admins(heard(
        "user.deleted",
        "keep users up to date",
        USER.0,
        USER.1,
    )),
    of_admins(heard(
        "user.deactivated",
        "keep users up to date",
        USER.0,
        USER.1,
    )),
];

const SCHEDULE_EVENTS: &[Heard] = &[
    heard(
        "meeting.updated",
        "notice changes made in Zoom",
        MEETING.0,
        MEETING.1,
    ),
    heard(
        "meeting.deleted",
        "notice cancellations made in Zoom",
        MEETING.0,
        MEETING.1,
    ),
    also(heard(
        "meeting.registration_created",
        "know who answered",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
    also(heard(
        "meeting.registration_cancelled",
        "know who answered",
        REGISTRANT.0,
        REGISTRANT.1,
    )),
];

const ZOOM_APP_EVENTS: &[Heard] = &[
    also(heard(
        "meeting.started",
        "offer the app when a meeting begins",
        MEETING.0,
        MEETING.1,
    )),
    also(heard(
        "meeting.ended",
        "know when it is over",
        MEETING.0,
        MEETING.1,
    )),
];

/// The events of a feature.
pub(super) const fn events(feature: Feature) -> &'static [Heard] {
    match feature {
        Feature::Ingest => INGEST_EVENTS,
        Feature::Schedule => SCHEDULE_EVENTS,
        Feature::ZoomApp => ZOOM_APP_EVENTS,
        Feature::Actions => &[],
    }
}
