//! The data of each type of event.

use parfocal_store::{AttendeeId, PersonId, ScheduleId, TranscriptId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A run of a meeting or webinar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run {
    /// Zoom's UUID of the run.
    pub uuid: String,
    /// The meeting number; none when Zoom did not say it.
    pub number: Option<String>,
}

/// A series of meetings, or a single one that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Series {
    /// The meeting number.
    pub number: String,
    /// What it is about.
    pub topic: Option<String>,
}

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Registration {
    /// The meeting number.
    pub number: String,
}

/// Who was in a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ParticipantsReady {
    /// Zoom's UUID of the run.
    pub uuid: String,
    /// Stays that Zoom lists; somebody who left and came back has two.
    pub stays: u64,
}

/// What people answered in polls and asked during a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnswersReady {
    /// Zoom's UUID of the run.
    pub uuid: String,
    /// Answers and questions that are new or have changed.
    pub answers: u64,
}

/// The recording of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recording {
    /// Zoom's UUID of the run.
    pub uuid: String,
    /// Files that were not known before.
    pub new_files: u64,
}

/// A file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileStored {
    /// Zoom's id of the file.
    pub file: String,
    /// Zoom's type, such as `MP4` or `TRANSCRIPT`.
    #[serde(rename = "type")]
    pub file_type: String,
    /// Its size.
    pub bytes: u64,
}

/// Something in a file that was skipped or repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Skipped {
    /// Line in the file, from 1.
    pub line: u32,
    /// What was wrong.
    pub message: String,
}

/// What was said, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TranscriptReady {
    /// Our id of the transcript.
    #[schemars(with = "String")]
    pub transcript: TranscriptId,
    /// Zoom's id of its file; none of one that was brought from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `import` of one that was brought from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// Its cues.
    pub cues: u64,
    /// How much was skipped or repaired.
    pub warnings: u64,
    /// The first of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_warnings: Option<Vec<Skipped>>,
}

/// What was written in a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatReady {
    /// Zoom's id of the file.
    pub file: String,
    /// Messages.
    pub messages: u64,
    /// How much was skipped or repaired.
    pub warnings: u64,
}

/// What Zoom's AI Companion wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Zoom's UUID of the run.
    pub uuid: String,
}

/// What came of a backfill; more figures may stand beside these.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BackfillFinished {
    /// Pieces that could not be had.
    pub failed_pieces: u64,
    /// Calls to Zoom.
    pub calls: u64,
    /// What Zoom does not give, and why: `what`, `cause`, `detail`.
    pub unavailable: Vec<Value>,
    /// Marks of steps, and figures.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl BackfillFinished {
    /// What the summary of a backfill says.
    pub fn of(summary: Value) -> Self {
        let Value::Object(mut more) = summary else {
            return Self::of(Value::Object(Map::new()));
        };
        let number = |value: Option<Value>| value.as_ref().and_then(Value::as_u64).unwrap_or(0);
        Self {
            failed_pieces: number(more.remove("failed_pieces")),
            calls: number(more.remove("calls")),
            unavailable: match more.remove("unavailable") {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            },
            more,
        }
    }
}

/// What a meeting was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InsightsReady {
    /// Our id of the transcript.
    #[schemars(with = "String")]
    pub transcript: TranscriptId,
    /// What was asked: `meeting`, or another kind of analysis.
    pub kind: String,
    /// Who answered: `embedded`, or a language model.
    pub model: String,
    /// Action items; none when they were not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_items: Option<u64>,
    /// Decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<u64>,
    /// Questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<u64>,
    /// Statements left out, since nothing that was said stands behind them.
    pub dropped: Option<u64>,
}

/// An answer to an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttendeeAnswered {
    /// Our id of the schedule.
    #[schemars(with = "String")]
    pub schedule: ScheduleId,
    /// Our id of the attendee.
    #[schemars(with = "String")]
    pub attendee: AttendeeId,
    /// The occurrence that is meant; empty for the whole.
    pub occurrence: String,
    /// `accepted`, `declined`, `tentative` or `pending`.
    pub answer: String,
    /// Where it came from.
    pub source: String,
    /// Whether it is proven that they said it.
    pub verified: bool,
}

/// What was scheduled, changed or cancelled here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScheduleTold {
    /// The meeting provider.
    pub provider: String,
    /// The provider's id of the meeting.
    pub meeting: Option<String>,
    /// How often it was changed.
    pub sequence: u32,
    /// The one occurrence that is meant, by the start that the rule gives it; none: all.
    pub occurrence: Option<String>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Why {
    /// The step.
    pub step: String,
    /// The code, as problems have it.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What was not scheduled, changed or cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScheduleFailed {
    /// What was to be done: `schedule`, `reschedule`, `cancel`.
    pub kind: String,
    /// Why it was not.
    pub failure: Option<Why>,
}

/// Whether something to do is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActionItemMarked {
    /// `open` or `done`.
    pub state: String,
    /// Who says so.
    pub by: String,
}

/// What a person said about being written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PersonConsent {
    /// Yes or no.
    pub granted: bool,
    /// Who or what says so.
    pub source: String,
}

/// Two who are two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PersonSplit {
    /// Our id of the other one.
    #[schemars(with = "String")]
    pub other: PersonId,
}

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Test {
    /// That nothing has happened.
    pub message: String,
}
