//! What people answered and asked during a run.

use jiff::Timestamp;

use super::words;

words! {
    /// What sort of answer it is.
    InteractionKind {
        /// An answer in a poll.
        Poll = "poll",
        /// A question to the panel, with what was answered.
        Question = "question",
    }
}

/// One answer in a poll, or one question to the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Which of the two.
    pub kind: InteractionKind,
    /// The same whenever the provider tells of it; unique within the run and kind.
    pub external_id: String,
    /// The provider's id of the poll.
    pub poll_id: Option<String>,
    /// The person's address in lower case, when the provider tells it.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// What was asked.
    pub question: String,
    /// What was answered; of a question to the panel it may be empty.
    pub answer: String,
    /// When.
    pub said_at: Option<Timestamp>,
}

/// An answer or question of a person, with the run it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonInteraction {
    /// What.
    pub interaction: Interaction,
    /// The run.
    pub uuid: String,
    /// Its meeting number.
    pub number: Option<String>,
    /// Whether it was a webinar.
    pub webinar: bool,
    /// What it was about.
    pub topic: Option<String>,
    /// The host's address.
    pub host_email: Option<String>,
    /// When the run began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// When it was learnt.
    pub first_seen: Timestamp,
}
