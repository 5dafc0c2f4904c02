//! Ids of our own: UUIDv7, each kind its own type, text in the database.
//!
//! Ids of Zoom and other providers are not here: they stay the text they came as (`external_id`).

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where the store takes chance from, for ids and lease tokens.
///
/// The engine implements it over the operating system's generator; tests over a seed.
pub trait IdSource: fmt::Debug + Send + Sync {
    /// Ten fresh random bytes.
    fn entropy(&self) -> [u8; 10];
}

/// Ids from a counter: the same in every run, for tests and for replays that must be alike.
#[derive(Debug, Default)]
pub struct SeededIds(AtomicU64);

impl SeededIds {
    /// A source whose ids depend on nothing but the seed and the order of calls.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl IdSource for SeededIds {
    fn entropy(&self) -> [u8; 10] {
        // SplitMix64: well spread for consecutive counters.
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let mut out = [0; 10];
        out[..8].copy_from_slice(&z.to_be_bytes());
        out[8..].copy_from_slice(&z.to_le_bytes()[..2]);
        out
    }
}

/// The id source of one open store: random bytes from outside, an order within the millisecond from here.
#[derive(Debug)]
pub(crate) struct Ids {
    source: std::sync::Arc<dyn IdSource>,
    order: AtomicU64,
}

impl Ids {
    pub(crate) fn new(source: std::sync::Arc<dyn IdSource>) -> Self {
        Self {
            source,
            order: AtomicU64::new(0),
        }
    }

    /// A fresh UUIDv7 for `now`; ids of one millisecond sort in the order they were made (up to 4096).
    pub(crate) fn uuid(&self, now: Timestamp) -> Uuid {
        let mut bytes = self.source.entropy();
        let order = self.order.fetch_add(1, Ordering::Relaxed);
        bytes[..2].copy_from_slice(&order.to_be_bytes()[6..]);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// What went wrong when a text was read as an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id (a UUID is expected)")]
pub struct ParseIdError {
    text: String,
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made outside the store.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| ParseIdError { text: text.chars().take(80).collect() })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }

        impl From<$name> for crate::db::Value {
            fn from(id: $name) -> Self {
                Self::Text(Some(id.0.to_string()))
            }
        }

        impl From<Option<$name>> for crate::db::Value {
            fn from(id: Option<$name>) -> Self {
                Self::Text(id.map(|id| id.0.to_string()))
            }
        }
    )*};
}

ids! {
    /// A tenant.
    WorkspaceId;
    /// A registered app (client id) of a provider.
    AppId;
    /// A provider's account (an organisation): the owner of the data.
    AccountId;
    /// One way of ours into an account.
    ConnectionId;
    /// An OAuth grant: (app, identity).
    GrantId;
    /// An encrypted value of the vault.
    SecretId;
    /// A user of a provider's account.
    UserId;
    /// A meeting or webinar series.
    MeetingId;
    /// One run of a meeting.
    InstanceId;
    /// Somebody who was in an instance.
    ParticipantId;
    /// A registration for a meeting.
    RegistrantId;
    /// A cloud recording of an instance.
    RecordingId;
    /// One file of a recording.
    FileId;
    /// Bytes in the blob store.
    BlobId;
    /// A parsed transcript.
    TranscriptId;
    /// What was understood of a transcript.
    AnalysisId;
    /// One statement of an analysis.
    InsightId;
    /// Something to be done, across the meetings of a series.
    ActionId;
    /// A webhook event in the inbox.
    EventId;
    /// A job.
    JobId;
    /// A domain event.
    DomainEventId;
    /// A backfill.
    BackfillId;
    /// One slice of a backfill.
    SliceId;
    /// A link through which a person can connect.
    LinkId;
    /// A key of the API.
    ApiKeyId;
    /// A meeting that is scheduled through us, with its calendar event and invitations.
    ScheduleId;
    /// One run of making, changing or cancelling a schedule.
    SagaId;
    /// One step of a saga that has an effect outside.
    EffectId;
    /// Where a schedule stands in a calendar.
    CalendarLinkId;
    /// Somebody who is invited to a schedule.
    AttendeeId;
    /// A mail.
    MailId;
    /// A reminder.
    ReminderId;
    /// A calendar that meetings are written to.
    CalendarAccountId;
    /// A system that records go to.
    DestinationId;
    /// What a destination reads, and how far it is.
    StreamId;
    /// One thing that a destination has or is to have.
    DeliveryId;
    /// Somebody, under all their addresses.
    PersonId;
    /// What an artefact belongs to: an instance, a meeting, an account or a file.
    OwnerId;
}

impl WorkspaceId {
    /// The workspace that the first migration creates.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
}

macro_rules! owners {
    ($($from:ident),*) => {$(
        impl From<$from> for OwnerId {
            fn from(id: $from) -> Self {
                Self(id.0)
            }
        }
    )*};
}

owners!(InstanceId, MeetingId, AccountId, FileId);
