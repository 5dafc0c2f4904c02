//! What was held: instances, attendance, reports, summaries.

use jiff::Timestamp;

use crate::id::{MeetingNumber, MeetingUuid, RegistrantId, UserId};
use crate::lenient::records;

records! {
    /// One held instance.
    pub struct PastMeeting {
        /// Number.
        id: Option<MeetingNumber>,
        /// UUID.
        uuid: Option<MeetingUuid>,
        /// Host.
        host_id: Option<UserId>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Actual start.
        start_time: Option<Timestamp>,
        /// Actual end.
        end_time: Option<Timestamp>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Minutes of all participants together.
        total_minutes: Option<i64>,
        /// How many took part.
        participants_count: Option<i64>,
        /// E-mail of the host.
        user_email: Option<String>,
        /// Name of the host.
        user_name: Option<String>,
        /// Whether there is a summary.
        has_meeting_summary: Option<bool>,
    }

    /// An instance in the list of a meeting's instances.
    pub struct PastInstance {
        /// UUID.
        uuid: Option<MeetingUuid>,
        /// Actual start.
        start_time: Option<Timestamp>,
    }

    /// One stay of a person: every rejoin, breakout room and waiting room is a row of its own.
    pub struct Participant {
        /// User; empty for guests.
        id: Option<String>,
        /// Number of this stay.
        user_id: Option<String>,
        /// User, in reports.
        participant_user_id: Option<String>,
        /// Name as it was on joining.
        name: Option<String>,
        /// E-mail; empty for most people outside the host's account.
        user_email: Option<String>,
        /// Registration this person came with.
        registrant_id: Option<RegistrantId>,
        /// Came.
        join_time: Option<Timestamp>,
        /// Left.
        leave_time: Option<Timestamp>,
        /// Length in seconds; 0 until Zoom has processed a big meeting.
        duration: Option<i64>,
        /// `in_meeting` or `in_waiting_room`.
        status: Option<String>,
        /// Whether the connection was moved to another server.
        failover: Option<bool>,
        /// Whether the person belongs to the host's account.
        internal_user: Option<bool>,
        /// Key the app gave to the participant.
        customer_key: Option<String>,
        /// Breakout room, in reports.
        bo_mtg_id: Option<String>,
    }

    /// An ended meeting or webinar in the account-wide report.
    pub struct HistoryMeeting {
        /// UUID of the instance.
        meeting_uuid: Option<MeetingUuid>,
        /// Number.
        meeting_id: Option<MeetingNumber>,
        /// `Meeting` or `Webinar`.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// Name of the host.
        host_display_name: Option<String>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Actual start.
        start_time: Option<Timestamp>,
        /// Actual end.
        end_time: Option<Timestamp>,
        /// Topic.
        topic: Option<String>,
        /// How many took part.
        participants: Option<i64>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Minutes of all participants together.
        total_participant_minutes: Option<i64>,
        /// When it was created.
        create_time: Option<Timestamp>,
    }

    /// An ended meeting in the report of one user; meetings of one person are missing.
    pub struct ReportMeeting {
        /// UUID of the instance.
        uuid: Option<MeetingUuid>,
        /// Number.
        id: Option<MeetingNumber>,
        /// Zoom's type number.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Topic.
        topic: Option<String>,
        /// Name of the host.
        user_name: Option<String>,
        /// E-mail of the host.
        user_email: Option<String>,
        /// Actual start.
        start_time: Option<Timestamp>,
        /// Actual end.
        end_time: Option<Timestamp>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Minutes of all participants together.
        total_minutes: Option<i64>,
        /// How many took part.
        participants_count: Option<i64>,
        /// Whether it was recorded.
        has_recording: Option<bool>,
        /// Whether there was chat.
        has_chat: Option<bool>,
    }

    /// An AI Companion summary.
    pub struct MeetingSummary {
        /// Host.
        meeting_host_id: Option<UserId>,
        /// E-mail of the host.
        meeting_host_email: Option<String>,
        /// UUID of the instance.
        meeting_uuid: Option<MeetingUuid>,
        /// Meeting number.
        meeting_id: Option<MeetingNumber>,
        /// Topic.
        meeting_topic: Option<String>,
        /// Start of the meeting.
        meeting_start_time: Option<Timestamp>,
        /// End of the meeting.
        meeting_end_time: Option<Timestamp>,
        /// Start of what is summed up.
        summary_start_time: Option<Timestamp>,
        /// End of what is summed up.
        summary_end_time: Option<Timestamp>,
        /// When it was made.
        summary_created_time: Option<Timestamp>,
        /// When it was changed.
        summary_last_modified_time: Option<Timestamp>,
        /// Title.
        summary_title: Option<String>,
        /// Text, in Markdown.
        summary_content: Option<String>,
        /// Address of the document.
        summary_doc_url: Option<String>,
    }
}
