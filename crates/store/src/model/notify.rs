//! Mails, answers and reminders.

use jiff::Timestamp;
use serde::Serialize;

use super::words;
use crate::id::{AttendeeId, MailId, ReminderId, ScheduleId};

words! {
    /// Where a mail stands.
    MailState {
        /// It has not been tried.
        Pending = "pending",
        /// It is being handed over.
        Trying = "trying",
        /// The mail server took it.
        Sent = "sent",
        /// There is no mail server: it lies in the folder.
        Kept = "kept",
        /// The mail server refused it for good.
        Refused = "refused",
        /// The mail server did not say whether it took it.
        Uncertain = "uncertain",
    }
}

words! {
    /// Where a reminder stands.
    ReminderState {
        /// Its time has not come.
        Planned = "planned",
        /// Its time has come and its job is under way.
        Queued = "queued",
        /// It has left.
        Sent = "sent",
        /// Its time came when nobody could send it, and it would have come too late.
        Late = "late",
        /// It could not be sent.
        Failed = "failed",
    }
}

/// A mail that is to leave, has left, or lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// Its key: the same key is the same mail.
    pub key: String,
    /// The schedule it is about.
    pub schedule_id: Option<ScheduleId>,
    /// What it tells: `request`, `update`, `cancel`, `reminder`.
    pub kind: String,
    /// The address.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// `Message-ID`, with its brackets.
    pub message_id: String,
    /// The whole message (RFC 5322).
    pub message: String,
    /// Where it stands.
    pub state: MailState,
    /// How often it was tried.
    pub tries: i64,
    /// What the mail server said against it.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
}

/// A mail that is written.
#[derive(Debug, Clone, Copy)]
pub struct NewMail<'a> {
    /// Its key.
    pub key: &'a str,
    /// The schedule it is about.
    pub schedule_id: Option<ScheduleId>,
    /// What it tells.
    pub kind: &'a str,
    /// The address.
    pub recipient: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// `Message-ID`, with its brackets.
    pub message_id: &'a str,
    /// The whole message.
    pub message: &'a str,
}

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Response {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// The occurrence that is meant; empty for the whole.
    pub occurrence: String,
    /// `pending`, `accepted`, `declined` or `tentative`.
    pub answer: String,
    /// What they wrote with it.
    pub comment: Option<String>,
    /// Where it came from: `link`, `reply` or `calendar`; none while nothing came.
    pub source: Option<String>,
    /// Whether it is proven that they said it.
    pub verified: bool,
    /// When it came.
    pub at: Option<Timestamp>,
}

/// An answer that came in.
#[derive(Debug, Clone, Copy)]
pub struct NewResponse<'a> {
    /// Whose.
    pub attendee: AttendeeId,
    /// The occurrence that is meant; empty for the whole.
    pub occurrence: &'a str,
    /// `accepted`, `declined`, `tentative` or `pending`.
    pub answer: &'a str,
    /// What they wrote with it.
    pub comment: Option<&'a str>,
    /// Where it came from.
    pub source: &'a str,
    /// Whether it is proven that they said it.
    pub verified: bool,
    /// The sequence that was answered.
    pub sequence: i64,
    /// When it was written.
    pub stamp: Timestamp,
}

/// Somebody who is invited, with the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invited {
    /// Their id.
    pub id: AttendeeId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// What they answered to the whole.
    pub answer: String,
    /// The schedule's title.
    pub title: String,
    /// The schedule's zone.
    pub tz: String,
    /// Its first start.
    pub start_at: Timestamp,
    /// Its sequence.
    pub sequence: i64,
    /// Where it stands.
    pub state: String,
}

/// A reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReminderRow {
    /// Its id.
    pub id: ReminderId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Who is reminded.
    pub attendee_id: AttendeeId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// What it is about.
    pub title: String,
    /// Where people join.
    pub join_url: Option<String>,
    /// The schedule's zone.
    pub tz: String,
    /// The occurrence, by the start that the rule gives it.
    pub original: String,
    /// `email`, `webhook` or `push`.
    pub method: String,
    /// Minutes before the start.
    pub minutes: i64,
    /// When the occurrence begins.
    pub start_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// Where it stands.
    pub state: ReminderState,
    /// Why it could not be sent.
    pub error: Option<String>,
    /// When its state changed last.
    pub changed_at: Timestamp,
}
