//! Users, their settings, registrants.

use jiff::Timestamp;

use super::schedule::Occurrence;
use crate::hidden::Hidden;
use crate::id::{AccountId, MeetingNumber, RegistrantId, UserId};
use crate::lenient::records;

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
}
