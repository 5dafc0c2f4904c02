//! Jobs and the inbox's events.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::words;
use crate::id::{AppId, ConnectionId, EventId, JobId, WorkspaceId};

words! {
    /// Where a job is.
    JobState {
        /// Waiting for its time.
        Waiting = "waiting",
        /// Can be claimed now.
        Ready = "ready",
        /// Somebody works on it.
        Running = "running",
        /// Done.
        Done = "done",
        /// Given up; a person may redrive it.
        Dead = "dead",
        /// Given up by a person.
        Dropped = "dropped",
    }
}

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its kind, `noun.verb`.
    pub kind: String,
    /// The version of its payload.
    pub v: i64,
    /// Jobs of one lane never run at the same time.
    pub lane: Option<String>,
    /// Lower first: 0 interactive, 10 live, 20 backfill.
    pub priority: i64,
    /// While a job of this kind with this key is open, there is no second one.
    pub dedupe_key: Option<String>,
    /// What it is about.
    pub payload: Json,
    /// Not before.
    pub run_at: Timestamp,
    /// What caused it: an event's or a job's id, for the chain of history.
    pub cause_id: Option<String>,
}

/// What enqueueing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new job.
    Inserted(JobId),
    /// An open job with the same key was there. It was pulled forward to the earlier time and higher
    /// priority and has the newer payload; if it was already running it runs once more when it is done.
    Duplicate(JobId),
}

impl Enqueued {
    /// The job, new or old.
    pub fn id(self) -> JobId {
        match self {
            Self::Inserted(id) | Self::Duplicate(id) => id,
        }
    }
}

/// A job as it lies in the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its kind.
    pub kind: String,
    /// The version of its payload.
    pub v: i64,
    /// Its lane.
    pub lane: Option<String>,
    /// Lower first.
    pub priority: i64,
    /// Its dedupe key.
    pub dedupe_key: Option<String>,
    /// What it is about.
    pub payload: Json,
    /// Where it is.
    pub state: JobState,
    /// Not before.
    pub run_at: Timestamp,
    /// How often it was tried (snoozes do not count).
    pub attempts: i64,
    /// Until when its worker holds it.
    pub lease_until: Option<Timestamp>,
    /// Why it waits, died or was dropped.
    pub note: Option<String>,
    /// What caused it.
    pub cause_id: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A job somebody may work on, until the lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The job, in state running; `attempts` counts this try.
    pub job: Job,
    /// The right to finish it.
    pub lease: JobLease,
}

/// The right to finish a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub id: JobId,
    /// The number of this try.
    pub attempt: i64,
    /// When the job was claimed.
    pub started: Timestamp,
    pub(crate) token: String,
}

/// Which jobs a worker wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'c> {
    /// The kinds it can do, each with the highest payload version it knows.
    pub kinds: &'c [(&'c str, i64)],
    /// At most so many.
    pub limit: u32,
    /// How long they are held.
    pub lease_until: Timestamp,
    /// The present.
    pub now: Timestamp,
}

/// What one try of a job did, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
pub struct AttemptReport {
    /// What was asked of the outside (`GET /past_meetings/…`).
    pub request: Option<String>,
    /// The HTTP status that came back.
    pub status: Option<i64>,
    /// The provider's tracking id.
    pub tracking_id: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What to do.
    pub advice: Option<String>,
}

/// One try of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Attempt {
    /// The job.
    pub job_id: JobId,
    /// The number of the try, from 1.
    pub no: i64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended: `done`, `retry`, `snooze`, `dead`, `lease_lost`.
    pub outcome: String,
    /// What it did.
    #[serde(flatten)]
    pub report: AttemptReport,
}

/// Which jobs to list, redrive or drop. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// This one.
    pub id: Option<JobId>,
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this lane.
    pub lane: Option<String>,
    /// Whose note contains this.
    pub note_contains: Option<String>,
    /// Caused by this.
    pub cause_id: Option<String>,
}

/// What is still open of the jobs that something caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct OpenJobs {
    /// By kind and state (waiting, ready, running).
    pub counts: Vec<JobCount>,
    /// When the next of them may run.
    pub next_at: Option<Timestamp>,
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct JobCount {
    /// The kind.
    pub kind: String,
    /// The state.
    pub state: JobState,
    /// How many.
    pub count: u64,
}

words! {
    /// What became of a webhook event.
    EventState {
        /// Durable, not routed yet.
        Received = "received",
        /// Its work is enqueued or done.
        Routed = "routed",
        /// Kept, but nothing of ours wants it.
        Ignored = "ignored",
        /// It could not be understood, or belongs to nobody we know.
        Failed = "failed",
    }
}

/// A webhook event to accept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The workspace of the app.
    pub workspace: WorkspaceId,
    /// The app under whose secret its signature verified.
    pub app_id: AppId,
    /// The connection it belongs to, if already known.
    pub connection_id: Option<ConnectionId>,
    /// SHA-256 over app id and canonical body without `download_token`.
    pub dedupe_key: [u8; 32],
    /// The event's name.
    pub event: String,
    /// When it happened, as the body says. It is part of the body, hence the same in every repetition.
    pub event_ts: Timestamp,
    /// The lane of its work.
    pub lane: Option<String>,
    /// The body as JSON text, without `download_token`.
    pub body: String,
    /// The sealed `download_token`, if there was one; a repetition replaces it.
    pub download_token: Option<Vec<u8>>,
    /// When it arrived.
    pub received: Timestamp,
    /// Priority of the routing job.
    pub priority: i64,
}

/// What accepting an event did. Both are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is new: it lies in the inbox, and the job that routes it is enqueued.
    Accepted(EventId),
    /// It was there; its download token was refreshed.
    Duplicate(EventId),
}

/// A webhook event of the inbox.
#[derive(Clone, PartialEq, Serialize)]
pub struct InboxEvent {
    /// Its id.
    pub id: EventId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The app.
    pub app_id: AppId,
    /// The connection, if known.
    pub connection_id: Option<ConnectionId>,
    /// The event's name.
    pub event: String,
    /// When it happened.
    pub event_ts: Timestamp,
    /// The lane of its work.
    pub lane: Option<String>,
    /// The body as JSON text (empty in lists).
    pub body: String,
    /// The sealed `download_token`.
    #[serde(skip)]
    pub download_token: Option<Vec<u8>>,
    /// When it arrived.
    pub received: Timestamp,
    /// What became of it.
    pub state: EventState,
    /// Why, for a person.
    pub note: Option<String>,
    /// How often it came again.
    pub repeats: i64,
}

impl std::fmt::Debug for InboxEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboxEvent")
            .field("id", &self.id)
            .field("event", &self.event)
            .field("event_ts", &self.event_ts)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Which events to list. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// With this name, or with names that begin so when it ends in `*` (`recording.*`).
    pub event: Option<String>,
    /// In this state.
    pub state: Option<EventState>,
    /// In this lane.
    pub lane: Option<String>,
    /// That arrived at or after.
    pub from: Option<Timestamp>,
    /// That arrived before.
    pub before: Option<Timestamp>,
}
