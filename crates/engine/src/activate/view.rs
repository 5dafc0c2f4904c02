//! Destinations and deliveries as people see them.

use jiff::Timestamp;
use parfocal_store::{
    DeliveryRow, DeliveryState, DeliveryTry, DestinationId, DestinationRow, DestinationState,
    PersonId, StreamId, StreamKind, StreamRow, StreamState,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// How many deliveries are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// To be sent, or on their way.
    pub pending: u64,
    /// Taken by the destination, which works on them.
    pub waiting: u64,
    /// There.
    pub done: u64,
    /// A person has to do something.
    pub dead: u64,
    /// Not to be there, for a reason.
    pub dropped: u64,
}

impl Tally {
    pub(super) fn add(&mut self, state: DeliveryState, count: u64) {
        match state {
            DeliveryState::Waiting => self.waiting += count,
            DeliveryState::Done => self.done += count,
            DeliveryState::Dead => self.dead += count,
            DeliveryState::Dropped => self.dropped += count,
            _ => self.pending += count,
        }
    }
}

/// What a destination reads, and how far it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StreamView {
    /// Its id.
    pub id: StreamId,
    /// `live`, `backfill` or `replay`.
    pub kind: StreamKind,
    /// What was asked for.
    pub spec: Value,
    /// How far it is.
    pub position: String,
    /// `running`, `paused` or `done`.
    pub state: StreamState,
    /// Things it looked at.
    pub seen: u64,
    /// Deliveries that came of it.
    pub queued: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it moved.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl From<StreamRow> for StreamView {
    fn from(row: StreamRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            spec: row.spec,
            position: row.position,
            state: row.state,
            seen: row.seen,
            queued: row.queued,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

/// A destination as people see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DestinationView {
    /// Its id.
    pub id: DestinationId,
    /// Its name.
    pub name: String,
    /// Which sort of system.
    pub kind: String,
    /// What goes there and where it is; no secrets.
    pub config: Value,
    /// Whether it is switched on.
    pub enabled: bool,
    /// `new`, `working`, `failing` or `stopped`.
    pub state: DestinationState,
    /// Why it fails or was stopped.
    pub reason: Option<String>,
    /// What to do.
    pub advice: Option<String>,
    /// Since when nothing arrives.
    pub failing_since: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// When something last arrived.
    pub last_ok: Option<Timestamp>,
    /// What happened before is sent by a backfill only.
    pub from: Timestamp,
    /// How many deliveries are where.
    pub deliveries: Tally,
    /// How many events it has not read yet.
    pub unread: u64,
    /// Seconds since the oldest thing that is not there yet was made; 0 when all is there.
    pub lag_seconds: u64,
    /// What it reads.
    pub streams: Vec<StreamView>,
}

impl DestinationView {
    pub(super) fn of(row: DestinationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            config: row.config,
            enabled: row.enabled,
            state: row.state,
            reason: row.reason,
            advice: row.advice,
            failing_since: row.failing_since,
            retry_at: row.retry_at,
            last_ok: row.last_ok,
            from: row.from_at,
            deliveries: Tally::default(),
            unread: 0,
            lag_seconds: 0,
            streams: Vec::new(),
        }
    }
}

/// A delivery as people see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliveryView {
    /// Its id; webhooks are sent with `webhook-id: msg_` and this.
    pub id: parfocal_store::DeliveryId,
    /// The destination's name.
    pub destination: String,
    /// What makes it the same thing whenever it is told.
    pub key: String,
    /// Which sort of thing.
    pub kind: String,
    /// `pending`, `sending`, `waiting`, `done`, `dead` or `dropped`.
    pub state: DeliveryState,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// What to do.
    pub advice: Option<String>,
    /// The rule of the mapping that it comes from: `name` and `line`.
    pub rule: Option<Value>,
    /// What came back last: `request`, `status`, `code`, `text`.
    pub said: Option<Value>,
    /// Tries since it last changed or was asked for again.
    pub attempts: i64,
    /// When it is tried next, while it is to be sent.
    pub next_at: Option<Timestamp>,
    /// Whom it is about.
    pub person_id: Option<PersonId>,
    /// What it is about.
    pub subject_id: Option<String>,
    /// What keeps its order.
    pub lane: String,
    /// Whether it comes from what was kept before.
    pub backfill: bool,
    /// What the destination calls it.
    pub remote_id: Option<String>,
    /// When it was first known.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it arrived.
    pub done_at: Option<Timestamp>,
}

impl DeliveryView {
    pub(super) fn of(row: DeliveryRow, destination: String) -> Self {
        let open = matches!(
            row.state,
            DeliveryState::Pending | DeliveryState::Sending | DeliveryState::Waiting
        );
        Self {
            id: row.id,
            destination,
            key: row.record_key,
            kind: row.kind,
            state: row.state,
            reason: row.reason,
            advice: row.advice,
            rule: row.rule,
            said: row.said,
            attempts: row.attempts,
            next_at: open.then_some(row.next_at),
            person_id: row.person_id,
            subject_id: row.subject_id,
            lane: row.lane,
            backfill: row.backfill,
            remote_id: row.remote_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
            done_at: row.done_at,
        }
    }
}

/// A try of a delivery.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TryView {
    /// Which try, from 1.
    pub attempt: i64,
    /// When it began.
    pub at: Timestamp,
    /// When it ended; none while it is under way, or when its process died.
    pub ended: Option<Timestamp>,
    /// `sending`, `done`, `taken`, `retry`, `refused`, `mend`, `drop` or `halt`.
    pub outcome: String,
    /// What came back.
    pub said: Option<Value>,
}

impl From<DeliveryTry> for TryView {
    fn from(row: DeliveryTry) -> Self {
        Self {
            attempt: row.attempt,
            at: row.at,
            ended: row.ended,
            outcome: row.outcome,
            said: row.said,
        }
    }
}

/// A delivery with what is sent and every try.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// What the destination sees.
    pub body: Value,
    /// Whether the destination has exactly this.
    pub current: bool,
    /// The latest tries, the oldest first.
    pub tries: Vec<TryView>,
}
