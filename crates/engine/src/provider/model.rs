//! Meetings in words that every provider shares.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use parfocal_formats::recurrence::{Series, SeriesError, Start};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Recurrence;

/// What a provider can and cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Instances of one series at most.
    pub most_occurrences: u32,
    /// Whether one occurrence of a series can be moved or cancelled alone.
    pub single_occurrences: bool,
    /// Whether people can register for a meeting.
    pub registration: bool,
    /// How long a creation whose answer was lost may take to show in [`find`](super::MeetingProvider::find): only after that
    /// is it known not to have happened.
    pub settles: Duration,
}

/// Who registers before they may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Whoever registers may come.
    Automatic,
    /// The host lets each one in; who is invited is let in at once.
    Manual,
}

/// Where a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrantState {
    /// They may come.
    Approved,
    /// They wait for the host.
    Pending,
    /// They may not come.
    Denied,
}

/// Somebody who registered for a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRegistrant {
    /// The provider's id of the registration.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// Where it stands.
    pub state: RegistrantState,
    /// Where this person joins, and nobody else; none as long as they may not.
    pub join_url: Option<String>,
}

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The provider's id of the account or user.
    pub account: String,
    /// A name to show.
    pub name: Option<String>,
}

/// A meeting to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingPlan {
    /// A text that no other meeting carries; what is made is known again by it.
    pub key: String,
    /// Who holds it, as the provider knows people (an e-mail address or id); none for whoever owns the credentials.
    pub host: Option<String>,
    /// What it is about.
    pub title: String,
    /// Its description.
    pub agenda: Option<String>,
    /// The first start, as the wall clock of `zone` shows it.
    pub start: DateTime,
    /// IANA name of the zone.
    pub zone: String,
    /// Length in minutes.
    pub minutes: u32,
    /// How it repeats; none for a single meeting.
    pub recurrence: Option<Recurrence>,
    /// Make a room without a fixed time, which people may enter whenever they meet: for what the provider cannot repeat.
    #[serde(default)]
    pub open: bool,
    /// Who registers before they may come; none: nobody has to.
    #[serde(default)]
    pub registration: Option<Registration>,
}

impl MeetingPlan {
    /// The first start as an instant, and its series if it repeats.
    ///
    /// # Errors
    /// An unknown zone, a start that the zone's clocks skip, a rule whose parts do not go together.
    pub fn series(&self) -> Result<(Timestamp, Option<Series>), SeriesError> {
        let start = Start::in_zone(self.start, &self.zone)?;
        let Some(recurrence) = &self.recurrence else {
            let at = start.instant(self.start);
            return match at {
                Some(at) => Ok((at, None)),
                None => Err(Series::new(start, "FREQ=DAILY;COUNT=1".parse()?)
                    .err()
                    .unwrap_or_else(|| SeriesError::Expansion("its start is skipped".into()))),
            };
        };
        let series = recurrence.series(start.clone())?;
        let at = start.instant(self.start).unwrap_or(Timestamp::MIN);
        Ok((at, Some(series)))
    }
}

/// What of a meeting, or of one occurrence, is to become different; none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingChange {
    /// What it is about.
    pub title: Option<String>,
    /// Its description. The key of the plan stays in it by the provider's own care.
    pub agenda: Option<String>,
    /// The key of the plan, for providers that keep it in a field that changes.
    pub key: Option<String>,
    /// The new (first) start, as the wall clock of `zone` shows it.
    pub start: Option<DateTime>,
    /// IANA name of the zone of the start; goes with it.
    pub zone: Option<String>,
    /// Length in minutes.
    pub minutes: Option<u32>,
    /// How it repeats from now on.
    pub recurrence: Option<Recurrence>,
    /// Who holds it, where the provider counts changes for each host.
    pub host: Option<String>,
}

/// Where a meeting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeetingState {
    /// To come.
    Waiting,
    /// Running now.
    Started,
    /// Over.
    Ended,
}

/// A meeting as a provider has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderMeeting {
    /// The provider's id.
    pub id: String,
    /// Where people join. Holds the passcode, when there is one.
    pub join_url: String,
    /// What it is about.
    pub title: String,
    /// Its description, with the key if the provider keeps it there.
    pub agenda: Option<String>,
    /// (First or next) start.
    pub start: Option<Timestamp>,
    /// Length in minutes.
    pub minutes: Option<u32>,
    /// IANA name of its zone.
    pub zone: Option<String>,
    /// The provider's id or address of who holds it.
    pub host: Option<String>,
    /// Where it stands, when the provider says so.
    pub state: Option<MeetingState>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Occurrences of a series, cancelled ones included.
    pub occurrences: Vec<ProviderOccurrence>,
}

/// Where one occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceState {
    /// It takes place.
    Available,
    /// It was cancelled.
    Deleted,
}

/// One occurrence of a series as a provider has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderOccurrence {
    /// The provider's id of it.
    pub id: String,
    /// When it begins now; after a move this is the new start.
    pub start: Timestamp,
    /// Length in minutes.
    pub minutes: u32,
    /// Whether it takes place.
    pub state: OccurrenceState,
}

/// Somebody who was in a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderParticipant {
    /// The name they showed.
    pub name: Option<String>,
    /// Their address, when the provider tells it.
    pub email: Option<String>,
    /// When they came.
    pub joined: Option<Timestamp>,
    /// When they left.
    pub left: Option<Timestamp>,
}

/// The recording of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderRecording {
    /// The provider's id of it.
    pub id: String,
    /// When the recording began.
    pub start: Option<Timestamp>,
    /// Its files.
    pub files: Vec<ProviderRecordingFile>,
}

/// One file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderRecordingFile {
    /// The provider's id of it.
    pub id: String,
    /// What it is, such as `mp4` or `transcript`.
    pub kind: String,
    /// Size in bytes.
    pub bytes: Option<u64>,
}

/// What was said in a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderTranscript {
    /// The text as WebVTT.
    pub vtt: String,
}
