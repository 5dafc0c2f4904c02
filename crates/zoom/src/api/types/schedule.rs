//! Scheduled meetings.

use jiff::Timestamp;

use crate::hidden::Hidden;
use crate::id::{MeetingNumber, MeetingUuid, OccurrenceId, UserId};
use crate::lenient::records;

/// Zoom's type numbers of meetings and webinars.
pub mod meeting_type {
    /// Started at once.
    pub const INSTANT: i64 = 1;
    /// Scheduled once.
    pub const SCHEDULED: i64 = 2;
    /// Recurring without fixed times.
    pub const RECURRING_NO_TIME: i64 = 3;
    /// Held in a personal meeting room (seen in data).
    pub const PERSONAL_ROOM: i64 = 4;
    /// Webinar.
    pub const WEBINAR: i64 = 5;
    /// Webinar, recurring without fixed times.
    pub const WEBINAR_NO_TIME: i64 = 6;
    /// Recurring at fixed times.
    pub const RECURRING: i64 = 8;
    /// Webinar, recurring at fixed times.
    pub const WEBINAR_RECURRING: i64 = 9;
    /// Screen sharing only.
    pub const SCREEN_SHARE: i64 = 10;
    /// An uploaded recording.
    pub const UPLOADED: i64 = 99;

    /// Whether it is a webinar.
    #[must_use]
    pub const fn is_webinar(kind: i64) -> bool {
        matches!(kind, WEBINAR | WEBINAR_NO_TIME | WEBINAR_RECURRING)
    }

    /// Whether it is a series.
    #[must_use]
    pub const fn is_recurring(kind: i64) -> bool {
        matches!(
            kind,
            RECURRING_NO_TIME | RECURRING | WEBINAR_NO_TIME | WEBINAR_RECURRING
        )
    }
}

records! {
    /// One occurrence of a series.
    pub struct Occurrence {
        /// Occurrence.
        occurrence_id: Option<OccurrenceId>,
        /// Start.
        start_time: Option<Timestamp>,
        /// Length in minutes.
        duration: Option<i64>,
        /// `available` or `deleted`.
        status: Option<String>,
    }

    /// The rule of a series.
    pub struct Recurrence {
        /// 1 daily, 2 weekly, 3 monthly.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Every so many days, weeks or months.
        repeat_interval: Option<i64>,
        /// Days of the week, `1` (Sunday) to `7`, comma-separated.
        weekly_days: Option<String>,
        /// Day of the month.
        monthly_day: Option<i64>,
        /// Week of the month: -1 last, 1 to 4.
        monthly_week: Option<i64>,
        /// Day of that week, 1 (Sunday) to 7.
        monthly_week_day: Option<i64>,
        /// How many times, 60 at most.
        end_times: Option<i64>,
        /// Until when.
        end_date_time: Option<Timestamp>,
    }

    /// Settings of a meeting, as far as they decide what can be taken in or are often set; the rest is in `extra`.
    pub struct MeetingSettings {
        /// Host's video at the start.
        host_video: Option<bool>,
        /// Participants' video at the start.
        participant_video: Option<bool>,
        /// Participants may come before the host.
        join_before_host: Option<bool>,
        /// How many minutes before: 0 (any time), 5, 10 or 15.
        jbh_time: Option<i64>,
        /// Participants come muted.
        mute_upon_entry: Option<bool>,
        /// Waiting room.
        waiting_room: Option<bool>,
        /// Held in the host's personal room.
        use_pmi: Option<bool>,
        /// Registration: 0 approved at once, 1 by hand, 2 none.
        approval_type: Option<i64>,
        /// Registration for a series: 1 once for all, 2 for each, 3 once, choosing.
        registration_type: Option<i64>,
        /// `local`, `cloud` or `none`.
        auto_recording: Option<String>,
        /// Other hosts, separated by semicolons.
        alternative_hosts: Option<String>,
        /// Only signed-in users may come.
        meeting_authentication: Option<bool>,
        /// Summaries are made from the start.
        auto_start_meeting_summary: Option<bool>,
        /// Zoom mails registrants about changes.
        registrants_email_notification: Option<bool>,
        /// Zoom mails registrants a confirmation.
        registrants_confirmation_email: Option<bool>,
        /// Invited people; Zoom sends them nothing.
        meeting_invitees: Vec<Invitee>,
    }

    /// An invited person.
    pub struct Invitee {
        /// E-mail.
        email: Option<String>,
    }

    /// A field by which an account sorts its meetings.
    pub struct TrackingField {
        /// Name.
        field: Option<String>,
        /// Value.
        value: Option<String>,
        /// Shown to everybody.
        visible: Option<bool>,
    }

    /// A scheduled meeting or webinar.
    pub struct Meeting {
        /// Number.
        id: Option<MeetingNumber>,
        /// UUID; that of a meeting not yet held changes when it starts.
        uuid: Option<MeetingUuid>,
        /// Host.
        host_id: Option<UserId>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number, see [`meeting_type`].
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// `waiting` or `started`.
        status: Option<String>,
        /// Planned start; of a series, its first or next one.
        start_time: Option<Timestamp>,
        /// Planned length in minutes.
        duration: Option<i64>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Description; lists cut it to 250 characters.
        agenda: Option<String>,
        /// When it was created.
        created_at: Option<Timestamp>,
        /// Who created it: `open_api`, `web_portal` or `other`.
        creation_source: Option<String>,
        /// Personal meeting id that is used.
        pmi: Option<String>,
        /// Address to join; holds the passcode.
        join_url: Option<Hidden>,
        /// Address to start it as the host; a secret for two hours.
        start_url: Option<Hidden>,
        /// Address to register.
        registration_url: Option<Hidden>,
        /// Passcode.
        password: Option<Hidden>,
        /// Passcode in the form that addresses take.
        encrypted_password: Option<Hidden>,
        /// Passcode for room systems.
        h323_password: Option<Hidden>,
        /// Passcode for callers.
        pstn_password: Option<Hidden>,
        /// Settings.
        settings: Option<MeetingSettings>,
        /// Rule of the series.
        recurrence: Option<Recurrence>,
        /// Occurrences; deleted ones stay with that status.
        occurrences: Vec<Occurrence>,
        /// Tracking fields.
        tracking_fields: Vec<TrackingField>,
    }

    /// The text to invite people with.
    pub struct Invitation {
        /// Text, in the host's language; holds passcodes.
        invitation: Option<Hidden>,
        /// SIP addresses.
        sip_links: Vec<String>,
    }
}
