//! Backfills, cursors, leases, domain events, and the figures of `status`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::{ArtefactCount, JobCount, words};
use crate::db::Engine;
use crate::id::{AccountId, BackfillId, DomainEventId, SliceId};

/// Where something that reads a stream stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cursor {
    /// Whose it is.
    pub owner: String,
    /// Which of the owner's.
    pub name: String,
    /// The position.
    pub value: String,
    /// How far to step back when reading on, in microseconds.
    pub overlap_us: i64,
    /// When it moved.
    pub updated_at: Timestamp,
}

words! {
    /// Where a backfill is.
    BackfillState {
        /// Its slices are being found.
        Planning = "planning",
        /// At work.
        Running = "running",
        /// Stopped by a person.
        Paused = "paused",
        /// Everything reachable is here.
        Done = "done",
        /// Given up.
        Failed = "failed",
        /// Stopped for good by a person.
        Cancelled = "cancelled",
    }
}

/// A backfill of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Backfill {
    /// Its id.
    pub id: BackfillId,
    /// The account.
    pub account_id: AccountId,
    /// What was asked for.
    pub spec: Json,
    /// What it will take, as reckoned.
    pub forecast: Option<Json>,
    /// What it did, kept by the engine.
    pub summary: Option<Json>,
    /// Where it is.
    pub state: BackfillState,
    /// When it began.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

words! {
    /// Where a slice is.
    SliceState {
        /// Not begun.
        Pending = "pending",
        /// At work.
        Running = "running",
        /// Everything is here.
        Done = "done",
        /// It could not be had, and the error says why; nobody need try again.
        Skipped = "skipped",
        /// Given up after errors.
        Failed = "failed",
    }
}

/// A piece of a backfill: one resource of one subject in one window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// Its id.
    pub id: SliceId,
    /// The backfill.
    pub backfill_id: BackfillId,
    /// What is read (`users`, `recordings` …).
    pub resource: String,
    /// Of whom or what; empty for the account.
    pub subject: String,
    /// From (inclusive).
    pub from: Option<Timestamp>,
    /// To (exclusive).
    pub to: Option<Timestamp>,
    /// How far it came: the engine's own words (page token, items seen).
    pub checkpoint: Option<Json>,
    /// Where it is.
    pub state: SliceState,
    /// Items found.
    pub items: i64,
    /// Calls made.
    pub calls: i64,
    /// What went wrong.
    pub error: Option<String>,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// A slice to add; (backfill, resource, subject, from, to) is the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlice {
    /// What is read.
    pub resource: String,
    /// Of whom or what; empty for the account.
    pub subject: String,
    /// From (inclusive).
    pub from: Option<Timestamp>,
    /// To (exclusive).
    pub to: Option<Timestamp>,
}

/// What happened to a slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceUpdate {
    /// Where it is now.
    pub state: SliceState,
    /// How far it came; none leaves the old.
    pub checkpoint: Option<Json>,
    /// Items found since the last update.
    pub items: i64,
    /// Calls made since the last update.
    pub calls: i64,
    /// What went wrong; none clears it.
    pub error: Option<String>,
}

/// How many slices of a resource are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SliceCount {
    /// The resource.
    pub resource: String,
    /// The state.
    pub state: SliceState,
    /// How many slices.
    pub slices: u64,
    /// Items they found.
    pub items: u64,
    /// Calls they made.
    pub calls: u64,
}

/// A role that at most one process plays at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The role.
    pub name: String,
    /// Who plays it.
    pub holder: String,
    /// Grows with every new holder: what an older holder writes can be told apart.
    pub fence: i64,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// Something that happened, for whoever follows along.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainEvent {
    /// Its id.
    pub id: DomainEventId,
    /// Its place in the workspace's sequence.
    pub seq: i64,
    /// Its type (`transcript.stored`).
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of its data.
    pub v: i64,
    /// What it is about: an id of ours.
    pub subject_id: String,
    /// What happened.
    pub data: Json,
    /// When.
    pub at: Timestamp,
}

/// Something that happened, to be told with the change itself.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDomainEvent {
    /// Its type.
    pub event_type: String,
    /// The version of its data.
    pub v: i64,
    /// What it is about: an id of ours.
    pub subject_id: String,
    /// What happened.
    pub data: Json,
}

/// What is in the store, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Status {
    /// Which database.
    pub engine: Engine,
    /// Users of the accounts.
    pub users: u64,
    /// Those of them whom Zoom calls inactive.
    pub users_inactive: u64,
    /// Those of them who were invited and have not accepted yet.
    pub users_pending: u64,
    /// Series.
    pub meetings: u64,
    /// Instances.
    pub instances: u64,
    /// Instances that are over.
    pub instances_ended: u64,
    /// Participants.
    pub participants: u64,
    /// Stays.
    pub attendance: u64,
    /// Recordings.
    pub recordings: u64,
    /// Their files.
    pub files: u64,
    /// Files we have a copy of.
    pub files_stored: u64,
    /// Current transcripts.
    pub transcripts: u64,
    /// Their cues.
    pub cues: u64,
    /// Their utterances.
    pub utterances: u64,
    /// Chat messages.
    pub chat_messages: u64,
    /// Jobs by kind and state; `done` and `dropped` only as far as they are still kept.
    pub jobs: Vec<JobCount>,
    /// Things by kind, state and cause.
    pub artefacts: Vec<ArtefactCount>,
    /// The inbox.
    pub inbox: InboxStatus,
}

/// The inbox in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct InboxStatus {
    /// Events in all.
    pub events: u64,
    /// Events not routed yet.
    pub waiting: u64,
    /// Events that could not be understood.
    pub failed: u64,
    /// When the oldest unrouted one arrived.
    pub oldest_waiting: Option<Timestamp>,
    /// When the last one arrived.
    pub last_received: Option<Timestamp>,
}
