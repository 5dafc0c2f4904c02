//! Mails, answers and reminders.

use jiff::Timestamp;
use parfocal_engine::store::{Mail, MailState, Received, ReminderRow, ReminderState, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// A mail, without its text.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MailView {
    /// Our id.
    pub id: String,
    /// The schedule it is about.
    pub schedule: Option<String>,
    /// `request`, `update`, `cancel` or `reminder`.
    pub kind: String,
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// `Message-ID`.
    pub message_id: String,
    /// Where it stands.
    pub state: MailState,
    /// What the mail server said against it.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> Self {
        Self {
            id: mail.id.to_string(),
            schedule: mail.schedule_id.map(|id| id.to_string()),
            kind: mail.kind,
            to: mail.recipient,
            subject: mail.subject,
            message_id: mail.message_id,
            state: mail.state,
            error: mail.error,
            created_at: mail.created_at,
            changed_at: mail.changed_at,
        }
    }
}

/// A letter with answers that was read from the mailbox.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReceivedView {
    /// Who it says that it is from.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// What came of each answer in it.
    pub outcome: String,
    /// When it was read.
    pub at: Timestamp,
}

impl From<Received> for ReceivedView {
    fn from(row: Received) -> Self {
        Self {
            from: row.sender,
            subject: row.subject,
            outcome: row.outcome,
            at: row.received_at,
        }
    }
}

/// What somebody answered.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ResponseView {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// The occurrence that is meant, by the start that the rule gives it; none for the whole.
    pub occurrence: Option<String>,
    /// `pending`, `accepted`, `declined` or `tentative`.
    pub answer: String,
    /// What they wrote with it.
    pub comment: Option<String>,
    /// `link`, `reply` or `calendar`; none while nothing came.
    pub source: Option<String>,
    /// Whether it is proven that they said it.
    pub verified: bool,
    /// When it came.
    pub at: Option<Timestamp>,
}

impl From<Response> for ResponseView {
    fn from(row: Response) -> Self {
        Self {
            email: row.email,
            name: row.name,
            occurrence: Some(row.occurrence).filter(|text| !text.is_empty()),
            answer: row.answer,
            comment: row.comment,
            source: row.source,
            verified: row.verified,
            at: row.at,
        }
    }
}

/// A reminder.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReminderView {
    /// Our id.
    pub id: String,
    /// The schedule.
    pub schedule: String,
    /// Who is reminded.
    pub to: String,
    /// What it is about.
    pub title: String,
    /// `email`, `webhook` or `push`.
    pub method: String,
    /// Minutes before the start.
    pub minutes: i64,
    /// When the occurrence begins.
    pub start: Timestamp,
    /// When it is due.
    pub due: Timestamp,
    /// Where it stands.
    pub state: ReminderState,
    /// Why it did not leave.
    pub error: Option<String>,
}

impl From<ReminderRow> for ReminderView {
    fn from(row: ReminderRow) -> Self {
        Self {
            id: row.id.to_string(),
            schedule: row.schedule_id.to_string(),
            to: row.email,
            title: row.title,
            method: row.method,
            minutes: row.minutes,
            start: row.start_at,
            due: row.due_at,
            state: row.state,
            error: row.error,
        }
    }
}
