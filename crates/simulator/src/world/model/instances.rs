//! What happened: starts of a meeting number, attendance, summaries.

use jiff::Timestamp;

use super::{ContentRef, InstanceUuid, Recording};

/// Where an attendance row was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In the meeting.
    InMeeting,
    /// In the waiting room.
    InWaitingRoom,
}

impl Presence {
    /// Zoom's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InMeeting => "in_meeting",
            Self::InWaitingRoom => "in_waiting_room",
        }
    }
}

/// One stay of one person (each rejoin and each waiting-room stay is its own row).
#[derive(Clone, Debug)]
pub struct Participant {
    /// Number of this join (16778240 + n × 1024).
    pub user_id: u64,
    /// Dashed upper-case UUID of this join.
    pub participant_uuid: String,
    /// User id, when the person is of this account and signed in.
    pub account_user_id: Option<String>,
    /// Name as at the join.
    pub name: String,
    /// True address; shown only when [`Self::visible_email`] says so.
    pub email: Option<String>,
    /// Whether Zoom shows the address (own account, registered, invited through a calendar, …).
    pub email_visible: bool,
    /// Belongs to the account.
    pub internal: bool,
    /// Joined without signing in.
    pub guest: bool,
    /// The registration used.
    pub registrant_id: Option<String>,
    /// Number of a phone caller.
    pub phone_number: Option<String>,
    /// Came in.
    pub join: Timestamp,
    /// Left; none while still there.
    pub leave: Option<Timestamp>,
    /// Meeting or waiting room.
    pub presence: Presence,
    /// Zoom's words for why they left.
    pub leave_reason: String,
}

impl Participant {
    /// The address as Zoom shows it: empty for people outside the account who did not register.
    #[must_use]
    pub fn visible_email(&self) -> &str {
        if self.email_visible {
            self.email.as_deref().unwrap_or("")
        } else {
            ""
        }
    }

    /// Seconds of the stay (0 while it lasts).
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.leave
            .map_or(0, |leave| leave.as_second() - self.join.as_second())
            .max(0)
    }
}

/// Index of an instance in the world; only valid in the world that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceKey(pub(crate) u32);

/// The few facts of an instance that lists and filters need, without building the rest.
#[derive(Clone, Copy, Debug)]
pub struct InstanceHead {
    /// Its key.
    pub key: InstanceKey,
    /// UUID.
    pub uuid: InstanceUuid,
    /// Meeting number.
    pub number: u64,
    /// Meeting type.
    pub kind: u8,
    /// Start.
    pub start: Timestamp,
    /// End; none while it runs.
    pub end: Option<Timestamp>,
    /// Whether it was recorded in the cloud.
    pub recorded: bool,
    /// Number of different people (waiting room apart).
    pub people: u32,
}

/// One start of a meeting number, ended or running.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its key.
    pub key: InstanceKey,
    /// UUID.
    pub uuid: InstanceUuid,
    /// Meeting number.
    pub number: u64,
    /// Type of the meeting it belongs to, see `Meeting::kind`.
    pub kind: u8,
    /// Topic as it was.
    pub topic: String,
    /// Host's user id.
    pub host_id: String,
    /// IANA zone of the meeting.
    pub timezone: String,
    /// Minutes planned (0 for instant).
    pub scheduled_duration: u32,
    /// Actual start.
    pub start: Timestamp,
    /// Actual end; none while it runs.
    pub end: Option<Timestamp>,
    /// Attendance, in order of joining.
    pub participants: Vec<Participant>,
    /// The cloud recording, if any (trashed and processing ones included).
    pub recording: Option<Recording>,
    /// The AI Companion summary, if one was made.
    pub summary: Option<Summary>,
}

impl Instance {
    /// Whether there were polls and questions to the panel: at webinars, and where people came by a registration.
    #[must_use]
    pub fn was_polled(&self) -> bool {
        self.people() >= 2
            && (self.is_webinar()
                || self
                    .participants
                    .iter()
                    .any(|row| row.registrant_id.is_some()))
    }

    /// Whether it is a webinar.
    #[must_use]
    pub fn is_webinar(&self) -> bool {
        matches!(self.kind, 5 | 6 | 9)
    }

    /// Whole minutes from start to end, rounded up (0 while it runs).
    #[must_use]
    pub fn minutes(&self) -> i64 {
        self.end.map_or(0, |end| {
            (end.as_second() - self.start.as_second() + 59) / 60
        })
    }

    /// Number of different people who were in the meeting.
    #[must_use]
    pub fn people(&self) -> usize {
        let mut seen = std::collections::BTreeSet::new();
        for row in &self.participants {
            if row.presence == Presence::InMeeting {
                seen.insert(
                    match (&row.account_user_id, &row.registrant_id, &row.email) {
                        (Some(id), _, _) | (None, Some(id), _) => id.as_str(),
                        (None, None, Some(email)) => email.as_str(),
                        (None, None, None) => row.name.as_str(),
                    },
                );
            }
        }
        seen.len()
    }

    /// Minutes of all people together.
    #[must_use]
    pub fn total_minutes(&self) -> i64 {
        self.participants
            .iter()
            .filter(|row| row.presence == Presence::InMeeting)
            .map(|row| (row.seconds() + 59) / 60)
            .sum()
    }
}

/// An AI Companion summary.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Title.
    pub title: String,
    /// Markdown.
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What AI Companion heard: the source of its own transcript.
    pub heard: ContentRef,
}
