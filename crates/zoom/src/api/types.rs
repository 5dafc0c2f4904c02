//! What Zoom's answers hold.

use jiff::Timestamp;

use crate::hidden::Hidden;
use crate::id::{
    AccountId, MeetingNumber, MeetingUuid, OccurrenceId, RecordingFileId, RegistrantId, UserId,
};
use crate::lenient::{records, text_enums};

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

text_enums! {
    /// What a recording file holds.
    pub enum FileType {
        /// Video.
        Mp4 = "MP4",
        /// Audio.
        M4a = "M4A",
        /// Who spoke when (JSON).
        Timeline = "TIMELINE",
        /// Transcript (WebVTT).
        Transcript = "TRANSCRIPT",
        /// Chat (text).
        Chat = "CHAT",
        /// Live captions (WebVTT).
        Captions = "CC",
        /// Polls (CSV).
        Csv = "CSV",
        /// Summary (JSON).
        Summary = "SUMMARY",
        /// Chat of an archive.
        ChatMessage = "CHAT_MESSAGE",
        /// Not ready: Zoom is still processing.
        Temporary = "TB",
    }
}

records! {
    /// A user.
    pub struct User {
        /// User; missing for users who have not accepted their invitation.
        id: Option<UserId>,
        /// Account.
        account_id: Option<AccountId>,
        /// E-mail.
        email: Option<String>,
        /// Given name.
        first_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// Name shown to others.
        display_name: Option<String>,
        /// Zoom's type number: 1 Basic, 2 Licensed, 4 unassigned, 99 none.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// `active`, `inactive` or `pending`.
        status: Option<String>,
        /// `0` owner, `1` admin, `2` member, else a custom role.
        role_id: Option<String>,
        /// Personal meeting id.
        pmi: Option<MeetingNumber>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Department.
        dept: Option<String>,
        /// Language, such as `en-US`.
        language: Option<String>,
        /// When the user was added.
        user_created_at: Option<Timestamp>,
        /// The same under its deprecated name.
        created_at: Option<Timestamp>,
        /// Last sign-in, up to three days late.
        last_login_time: Option<Timestamp>,
        /// Groups.
        group_ids: Vec<String>,
        /// Key to claim the host role.
        host_key: Option<Hidden>,
        /// Address of the personal room; holds its passcode.
        personal_meeting_url: Option<Hidden>,
    }

    /// Settings of a user, as far as they decide what can be taken in; the rest is in `extra`.
    pub struct UserSettings {
        /// Recording.
        recording: Option<RecordingSettings>,
        /// Features of the licence.
        feature: Option<FeatureSettings>,
        /// In a meeting.
        in_meeting: Option<InMeetingSettings>,
    }

    /// Recording settings of a user.
    pub struct RecordingSettings {
        /// Whether cloud recording is on.
        cloud_recording: Option<bool>,
        /// `local`, `cloud` or `none`.
        auto_recording: Option<String>,
        /// Whether transcripts are made of recordings.
        recording_audio_transcript: Option<bool>,
        /// Whether recordings are deleted after a while.
        auto_delete_cmr: Option<bool>,
        /// After how many days.
        auto_delete_cmr_days: Option<i64>,
    }

    /// Features of a user's licence.
    pub struct FeatureSettings {
        /// Participants at most.
        meeting_capacity: Option<i64>,
        /// Whether the user may hold webinars.
        webinar: Option<bool>,
        /// Attendees at most.
        webinar_capacity: Option<i64>,
    }

    /// In-meeting settings of a user.
    pub struct InMeetingSettings {
        /// Whether AI Companion makes summaries.
        meeting_summary_with_ai_companion: Option<bool>,
    }

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

    /// A registrant.
    pub struct Registrant {
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
        /// When.
        create_time: Option<Timestamp>,
        /// Personal address to join.
        join_url: Option<Hidden>,
        /// Organisation.
        org: Option<String>,
        /// Job.
        job_title: Option<String>,
        /// Phone.
        phone: Option<String>,
        /// Country.
        country: Option<String>,
        /// Answers to the questions of the form.
        custom_questions: Vec<Answer>,
    }

    /// An answer to a question of the registration form.
    pub struct Answer {
        /// Question.
        title: Option<String>,
        /// Answer.
        value: Option<String>,
    }

    /// A registration just made.
    pub struct NewRegistration {
        /// Meeting.
        id: Option<MeetingNumber>,
        /// Registration.
        registrant_id: Option<RegistrantId>,
        /// Topic.
        topic: Option<String>,
        /// Start.
        start_time: Option<Timestamp>,
        /// Personal address to join; missing while approval is pending.
        join_url: Option<Hidden>,
        /// Occurrences.
        occurrences: Vec<Occurrence>,
    }

    /// The cloud recording of one instance.
    pub struct Recording {
        /// Meeting number.
        id: Option<MeetingNumber>,
        /// UUID of the instance.
        uuid: Option<MeetingUuid>,
        /// Account.
        account_id: Option<AccountId>,
        /// Host.
        host_id: Option<UserId>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number; lists write it as a string.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Start of the meeting.
        start_time: Option<Timestamp>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Size of all files in bytes.
        total_size: Option<u64>,
        /// Number of files.
        recording_count: Option<i64>,
        /// Address of the viewer's page.
        share_url: Option<Hidden>,
        /// Passcode of the viewer's page.
        password: Option<Hidden>,
        /// Passcode in the form that addresses take.
        recording_play_passcode: Option<Hidden>,
        /// Whether it will be deleted by itself.
        auto_delete: Option<bool>,
        /// When.
        auto_delete_date: Option<String>,
        /// Token for all files, when it was asked for.
        download_access_token: Option<Hidden>,
        /// Files.
        recording_files: Vec<RecordingFile>,
        /// Audio files per participant.
        participant_audio_files: Vec<RecordingFile>,
    }

    /// One file of a cloud recording; captions and timelines lack id, status, size and address of the player.
    pub struct RecordingFile {
        /// File.
        id: Option<RecordingFileId>,
        /// UUID of the instance, under a misleading name.
        meeting_id: Option<MeetingUuid>,
        /// Start of the recording; times in transcripts count from here.
        recording_start: Option<Timestamp>,
        /// End of the recording.
        recording_end: Option<Timestamp>,
        /// What it holds.
        file_type: Option<FileType>,
        /// Its extension, in capitals.
        file_extension: Option<String>,
        /// Its name, in events.
        file_name: Option<String>,
        /// Size in bytes.
        file_size: Option<u64>,
        /// View of the meeting (`active_speaker`, `audio_transcript`, …); new values appear.
        recording_type: Option<String>,
        /// `completed` or `processing`.
        status: Option<String>,
        /// Address to download it, with a token.
        download_url: Option<Hidden>,
        /// Address to play it.
        play_url: Option<Hidden>,
        /// When it was moved to the trash.
        deleted_time: Option<String>,
    }

    /// State of a meeting's durable (AI Companion) transcript.
    pub struct MeetingTranscript {
        /// Meeting.
        meeting_id: Option<String>,
        /// Account.
        account_id: Option<AccountId>,
        /// Topic.
        meeting_topic: Option<String>,
        /// Host.
        host_id: Option<UserId>,
        /// When it was made.
        transcript_created_time: Option<Timestamp>,
        /// Whether it can be downloaded.
        can_download: Option<bool>,
        /// Why not: `DELETED_OR_TRASHED`, `UNSUPPORTED`, `NO_TRANSCRIPT_DATA` or `NOT_READY`.
        download_restriction_reason: Option<String>,
        /// Address to download it, with a token.
        download_url: Option<Hidden>,
        /// Whether it will be deleted by itself.
        auto_delete: Option<bool>,
        /// When.
        auto_delete_date: Option<String>,
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
}
