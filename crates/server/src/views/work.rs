use jiff::Timestamp;
use parfocal_engine::store::{Attempt, InboxEvent, Job};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A job of the background work.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct JobView {
    /// Our id.
    pub id: String,
    /// Its kind, `noun.verb`.
    pub kind: String,
    /// `waiting`, `ready`, `running`, `done`, `dead` or `dropped`.
    pub state: &'static str,
    /// The lane it does not share with another running job.
    pub lane: Option<String>,
    /// Lower goes first.
    pub priority: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// Not before.
    pub run_at: Timestamp,
    /// Why it waits, died or was dropped.
    pub note: Option<String>,
    /// The event or job that caused it.
    pub cause_id: Option<String>,
    /// What it is about; its form depends on the kind.
    #[serde(rename = "raw")]
    pub payload: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            state: job.state.as_str(),
            lane: job.lane,
            priority: job.priority,
            attempts: job.attempts,
            run_at: job.run_at,
            note: job.note,
            cause_id: job.cause_id,
            payload: job.payload,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// One try of a job.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct AttemptView {
    /// Its number, from 1.
    pub no: i64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// `done`, `retry`, `snooze`, `dead` or `lease_lost`.
    pub outcome: String,
    /// What was asked of the outside.
    pub request: Option<String>,
    /// The HTTP status that came back.
    pub status: Option<i64>,
    /// Zoom's tracking id.
    pub tracking_id: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What to do.
    pub advice: Option<String>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            no: attempt.no,
            started: attempt.started,
            ended: attempt.ended,
            outcome: attempt.outcome,
            request: attempt.report.request,
            status: attempt.report.status,
            tracking_id: attempt.report.tracking_id,
            error: attempt.report.error,
            advice: attempt.report.advice,
        }
    }
}

/// A webhook that was accepted.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct EventView {
    /// Our id.
    pub id: String,
    /// Zoom's name of it.
    pub event: String,
    /// When it happened, as Zoom says.
    pub event_ts: Timestamp,
    /// When it arrived.
    pub received: Timestamp,
    /// `received`, `routed`, `ignored` or `failed`.
    pub state: &'static str,
    /// Why, in words.
    pub note: Option<String>,
    /// The lane of its work.
    pub lane: Option<String>,
    /// How often it came again.
    pub repeats: i64,
    /// The body as it came, without its download token; only of a single event.
    #[serde(rename = "raw", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub body: Option<Box<RawValue>>,
}

impl From<InboxEvent> for EventView {
    fn from(event: InboxEvent) -> Self {
        Self {
            id: event.id.to_string(),
            event: event.event,
            event_ts: event.event_ts,
            received: event.received,
            state: event.state.as_str(),
            note: event.note,
            lane: event.lane,
            repeats: event.repeats,
            body: RawValue::from_string(event.body).ok(),
        }
    }
}
