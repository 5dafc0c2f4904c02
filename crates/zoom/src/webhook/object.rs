//! The objects that events carry.

use jiff::Timestamp;

use crate::api::{Occurrence, RecordingFile, Recurrence};
use crate::hidden::Hidden;
use crate::id::{AccountId, MeetingNumber, MeetingUuid, RegistrantId, UserId};
use crate::lenient::records;

records! {
    /// A meeting or webinar as events describe it; of an update, only what changed.
    ///
    /// `duration` is the *planned* length in minutes, also when the meeting has ended.
    pub struct MeetingObject {
        /// Number; some events write it as a string.
        id: Option<MeetingNumber>,
        /// UUID of the instance; updates of a series may leave it out.
        uuid: Option<MeetingUuid>,
        /// Host.
        host_id: Option<UserId>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number, see [`crate::api::meeting_type`].
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Start: actual for started and ended, planned otherwise.
        start_time: Option<Timestamp>,
        /// End, for ended.
        end_time: Option<Timestamp>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Planned length in minutes.
        duration: Option<i64>,
        /// Personal meeting id that was used.
        pmi: Option<String>,
        /// Description.
        agenda: Option<String>,
        /// Address to join; holds the passcode.
        join_url: Option<Hidden>,
        /// Passcode.
        password: Option<Hidden>,
        /// Where it was created (`open_api`, `web_portal`, `other`).
        creation_source: Option<String>,
        /// Occurrences, for a series.
        occurrences: Vec<Occurrence>,
        /// Rule of the series.
        recurrence: Option<Recurrence>,
        /// The participant, for participant events.
        participant: Option<ParticipantObject>,
        /// The registrant, for registration events.
        registrant: Option<RegistrantObject>,
    }

    /// A participant; the address is empty for people outside the host's account, as a rule.
    pub struct ParticipantObject {
        /// Number of this stay: another one after a rejoin.
        user_id: Option<String>,
        /// Name as it was on joining.
        user_name: Option<String>,
        /// User id, deprecated by Zoom in favour of `participant_user_id`; empty for guests.
        id: Option<String>,
        /// User id; empty for guests.
        participant_user_id: Option<String>,
        /// Identifier of this stay.
        participant_uuid: Option<String>,
        /// E-mail.
        email: Option<String>,
        /// Registration this person came with.
        registrant_id: Option<RegistrantId>,
        /// Key the app gave to the participant.
        customer_key: Option<String>,
        /// Phone number, for callers.
        phone_number: Option<String>,
        /// When the person came.
        join_time: Option<Timestamp>,
        /// When the person left.
        leave_time: Option<Timestamp>,
        /// Why the person left.
        leave_reason: Option<String>,
        /// When it happened, for events about something else than coming and going.
        date_time: Option<Timestamp>,
        /// Role before, for role changes.
        old_role: Option<String>,
        /// Role after, for role changes.
        new_role: Option<String>,
    }

    /// A registrant.
    pub struct RegistrantObject {
        /// Registration.
        id: Option<RegistrantId>,
        /// E-mail.
        email: Option<String>,
        /// Given name.
        first_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// `approved`, `pending` or `denied`.
        status: Option<String>,
        /// Personal address to join.
        join_url: Option<Hidden>,
    }

    /// A cloud recording.
    pub struct RecordingObject {
        /// Meeting number.
        id: Option<MeetingNumber>,
        /// UUID of the instance.
        uuid: Option<MeetingUuid>,
        /// Host.
        host_id: Option<UserId>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Account.
        account_id: Option<AccountId>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Start of the meeting.
        start_time: Option<Timestamp>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Address of the viewer's page.
        share_url: Option<Hidden>,
        /// Size of all files in bytes.
        total_size: Option<u64>,
        /// Number of files.
        recording_count: Option<i64>,
        /// Passcode of the viewer's page.
        password: Option<Hidden>,
        /// Passcode in the form that addresses take.
        recording_play_passcode: Option<Hidden>,
        /// Files of this event.
        recording_files: Vec<RecordingFile>,
        /// Audio files per participant.
        participant_audio_files: Vec<RecordingFile>,
        /// The one file, for events about the recording itself (started, paused, …).
        recording_file: Option<RecordingFile>,
        /// Instances, for `recording.batch_trashed`.
        meeting_uuids: Vec<MeetingUuid>,
        /// Recordings, for the other batch events.
        meetings: Vec<BatchRecording>,
    }

    /// One recording of a batch event.
    pub struct BatchRecording {
        /// UUID of the instance.
        meeting_uuid: Option<MeetingUuid>,
        /// Files.
        recording_file_ids: Vec<String>,
    }

    /// An AI Companion summary.
    pub struct SummaryObject {
        /// Meeting number.
        meeting_id: Option<MeetingNumber>,
        /// UUID of the instance.
        meeting_uuid: Option<MeetingUuid>,
        /// Topic.
        meeting_topic: Option<String>,
        /// Host.
        meeting_host_id: Option<UserId>,
        /// E-mail of the host.
        meeting_host_email: Option<String>,
        /// When the summary was made.
        summary_created_time: Option<Timestamp>,
        /// When it was last changed.
        summary_last_modified_time: Option<Timestamp>,
        /// Title.
        summary_title: Option<String>,
        /// Text, in Markdown.
        summary_content: Option<String>,
    }

    /// A durable transcript became available; it is fetched by the instance's UUID.
    pub struct AicTranscriptObject {
        /// Meeting number.
        meeting_id: Option<MeetingNumber>,
        /// UUID of the instance.
        meeting_uuid: Option<MeetingUuid>,
        /// Topic.
        meeting_topic: Option<String>,
        /// Host.
        host_id: Option<UserId>,
        /// File.
        file_id: Option<String>,
    }

    /// A user; of an update, only what changed.
    pub struct UserObject {
        /// User.
        id: Option<UserId>,
        /// E-mail.
        email: Option<String>,
        /// Given name.
        first_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// Display name.
        display_name: Option<String>,
        /// Zoom's type number: 1 Basic, 2 Licensed.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// IANA time zone.
        timezone: Option<String>,
    }

    /// A user has removed the app: their data has to go.
    pub struct DeauthorizedObject {
        /// User.
        user_id: Option<UserId>,
        /// Account.
        account_id: Option<AccountId>,
        /// The app's client id.
        client_id: Option<String>,
        /// When.
        deauthorization_time: Option<Timestamp>,
    }
}
