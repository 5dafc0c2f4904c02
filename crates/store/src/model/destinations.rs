//! Destinations, what they read, and what each of them has or is to have.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::words;
use crate::id::{DeliveryId, DestinationId, PersonId, StreamId};

words! {
    /// How a destination does.
    DestinationState {
        /// Nothing was sent to it yet.
        New = "new",
        /// What was sent last arrived.
        Working = "working",
        /// It does not answer, or not well; it is tried again by itself.
        Failing = "failing",
        /// Nothing is sent until a person says so.
        Stopped = "stopped",
    }
}

/// A system that records go to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DestinationRow {
    /// Its id; the owner of its secrets.
    pub id: DestinationId,
    /// Which sort of system (`webhook`, `brevo`).
    pub kind: String,
    /// The name that people gave it.
    pub name: String,
    /// What goes there and where it is; never secrets.
    pub config: Json,
    /// Whether it is switched on.
    pub enabled: bool,
    /// How it does.
    pub state: DestinationState,
    /// Why it fails or was stopped.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub advice: Option<String>,
    /// Since when nothing arrives.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub failures: i64,
    /// Not before then.
    pub retry_at: Option<Timestamp>,
    /// When something last arrived.
    pub last_ok: Option<Timestamp>,
    /// What happened before is sent by a backfill only.
    pub from_at: Timestamp,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// How a destination does, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// How it does.
    pub state: DestinationState,
    /// Why it fails or was stopped.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub advice: Option<String>,
    /// Since when nothing arrives.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub failures: i64,
    /// Not before then.
    pub retry_at: Option<Timestamp>,
    /// When something last arrived; none leaves what is known.
    pub last_ok: Option<Timestamp>,
}

words! {
    /// What a stream reads.
    StreamKind {
        /// What happens, as it happens.
        Live = "live",
        /// What is kept from before.
        Backfill = "backfill",
        /// What was sent already, once more.
        Replay = "replay",
    }
}

words! {
    /// Where a stream is.
    StreamState {
        /// It goes on.
        Running = "running",
        /// Stopped by a person.
        Paused = "paused",
        /// Everything was read.
        Done = "done",
    }
}

/// What a destination reads, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamRow {
    /// Its id.
    pub id: StreamId,
    /// The destination.
    pub destination_id: DestinationId,
    /// What it reads.
    pub kind: StreamKind,
    /// What was asked for.
    pub spec: Json,
    /// How far it is: the number of an event, or a place in a walk.
    pub position: String,
    /// Where it is.
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

words! {
    /// Where a delivery is.
    DeliveryState {
        /// To be sent.
        Pending = "pending",
        /// On its way, or cut off on its way.
        Sending = "sending",
        /// The destination took it and works on it.
        Waiting = "waiting",
        /// It is there.
        Done = "done",
        /// A person has to do something.
        Dead = "dead",
        /// It is not to be there, for a reason.
        Dropped = "dropped",
    }
}

/// Something that a destination is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDelivery {
    /// What makes it the same thing whenever it is told; with the destination, the key.
    pub record_key: String,
    /// Which sort of thing (`contact`, `event`, `webhook` …).
    pub kind: String,
    /// What keeps its order: a person, a meeting.
    pub lane: String,
    /// Within a lane lower ranks go first.
    pub rank: i64,
    /// Within a rank lower ones go first.
    pub ord: i64,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// What it is about: an id of ours.
    pub subject: Option<String>,
    /// Exactly what the destination sees.
    pub body: Json,
    /// The hash of the body.
    pub content_hash: String,
    /// The rule it comes from.
    pub rule: Option<Json>,
    /// Whether a change of it is sent again, or only the first state ever.
    pub again: bool,
    /// Whether it comes from what was kept before.
    pub backfill: bool,
}

/// A delivery as it lies in its row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// The destination.
    pub destination_id: DestinationId,
    /// What makes it the same thing whenever it is told.
    pub record_key: String,
    /// Which sort of thing.
    pub kind: String,
    /// What keeps its order.
    pub lane: String,
    /// Whom it is about.
    pub person_id: Option<PersonId>,
    /// What it is about.
    pub subject_id: Option<String>,
    /// What the destination sees.
    pub body: Json,
    /// The hash of the body.
    pub content_hash: String,
    /// The hash of what the destination has.
    pub sent_hash: Option<String>,
    /// The rule it comes from.
    pub rule: Option<Json>,
    /// Whether it comes from what was kept before.
    pub backfill: bool,
    /// Where it is.
    pub state: DeliveryState,
    /// Not before then.
    pub next_at: Timestamp,
    /// Tries since it last changed or was asked for again.
    pub attempts: i64,
    /// Since when it fails.
    pub first_failed: Option<Timestamp>,
    /// What the destination works on.
    pub progress: Option<Json>,
    /// What the destination calls it.
    pub remote_id: Option<String>,
    /// What came back last.
    pub said: Option<Json>,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub advice: Option<String>,
    /// When it was first known.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it arrived.
    pub done_at: Option<Timestamp>,
}

/// How a try of a delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryEnd {
    /// Where it is now.
    pub state: DeliveryState,
    /// The hash of what was sent, when it arrived.
    pub sent_hash: Option<String>,
    /// When it is looked at again.
    pub next_at: Timestamp,
    /// Whether this try counts against the record.
    pub counts: bool,
    /// What the destination works on; none forgets it.
    pub progress: Option<Json>,
    /// What the destination calls it; none leaves what is known.
    pub remote_id: Option<String>,
    /// What came back.
    pub said: Json,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub advice: Option<String>,
    /// One word for how it ended (`done`, `retry` …).
    pub outcome: &'static str,
}

/// A try of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryTry {
    /// Which try, from 1.
    pub attempt: i64,
    /// When it began.
    pub at: Timestamp,
    /// When it ended; none when its process died.
    pub ended: Option<Timestamp>,
    /// `sending`, `done`, `taken`, `retry`, `mend`, `drop` or `halt`.
    pub outcome: String,
    /// What came back.
    pub said: Option<Json>,
}

/// Which deliveries to list. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Of this destination.
    pub destination: Option<DestinationId>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// About this person.
    pub person: Option<PersonId>,
    /// Whose key contains this.
    pub key: Option<String>,
}

/// How many deliveries of a destination are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryCount {
    /// The destination.
    pub destination_id: DestinationId,
    /// The state.
    pub state: DeliveryState,
    /// How many.
    pub deliveries: u64,
    /// When the oldest of them was made.
    pub oldest: Option<Timestamp>,
}
