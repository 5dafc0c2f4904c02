//! Records: plain data as it lies in the rows, and what is handed in to write them.
//!
//! Ids of ours are typed UUIDs; ids of a provider are the text it gave (`external_id`, `host_user_id`).
//! Instants are UTC. `raw` is the provider's JSON as text, kept whole and never looked into here.

mod access;
mod destinations;
mod interactions;
mod jobs;
mod media;
mod meetings;
mod notify;
mod people;
mod persons;
mod schedule;
mod talk;
mod work;

pub use access::*;
pub use destinations::*;
pub use interactions::*;
pub use jobs::*;
pub use media::*;
pub use meetings::*;
pub use notify::*;
pub use people::*;
pub use persons::*;
pub use schedule::*;
pub use talk::*;
pub use work::*;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What went wrong when a text was read as one of a closed set of words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of the known words")]
pub struct UnknownWord(pub String);

/// Declares an enum whose values are words in the database, in JSON and on the command line.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$arm_meta:meta])* $arm:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$arm_meta])* #[serde(rename = $word)] $arm,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$arm),*];

            /// The word that stands for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$arm => $word,)*
                }
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
                schemars::json_schema!({ "type": "string", "enum": [$($word),*] })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$arm),)*
                    _ => Err($crate::model::UnknownWord(word.to_owned())),
                }
            }
        }

        impl From<$name> for $crate::db::Value {
            fn from(value: $name) -> Self {
                Self::Text(Some(value.as_str().to_owned()))
            }
        }

        impl From<Option<$name>> for $crate::db::Value {
            fn from(value: Option<$name>) -> Self {
                Self::Text(value.map(|value| value.as_str().to_owned()))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A system that data or identities come from.
    Provider {
        /// Zoom.
        Zoom = "zoom",
        /// Google.
        Google = "google",
        /// Microsoft.
        Microsoft = "microsoft",
        /// Any CalDAV server.
        CalDav = "caldav",
        /// Brevo.
        Brevo = "brevo",
    }
}

/// How much a source knows; among facts of the same instant the higher rank wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// Inferred from something else (an instance seen only through its recording).
    Hint,
    /// A webhook's payload.
    Webhook,
    /// A row of a listing.
    List,
    /// A row of a report.
    Report,
    /// The answer about this one thing.
    Detail,
}

impl Source {
    pub(crate) const fn rank(self) -> i64 {
        match self {
            Self::Hint => 5,
            Self::Webhook => 10,
            Self::List => 20,
            Self::Report => 30,
            Self::Detail => 40,
        }
    }
}

/// Where a fact comes from and when it was true, so that a late fact never undoes a later truth.
///
/// A newer fact (`at`, then `source`) sets the columns it has a value for; an older one only fills
/// columns that are still empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When it was true: a webhook's `event_ts`, or the moment an API answer arrived.
    pub at: Timestamp,
    /// What told it.
    pub source: Source,
    /// The present.
    pub now: Timestamp,
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// There was no such row.
    Inserted,
    /// The row says something else now.
    Updated,
    /// Nothing new: the same facts, or facts older than what is known.
    Unchanged,
}

impl Change {
    /// Whether the store says anything else than before.
    pub fn is_change(self) -> bool {
        self != Self::Unchanged
    }
}

/// The row an upsert found or made, and what it did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upsert<I> {
    /// The row's id, old or new.
    pub id: I,
    /// What was done.
    pub change: Change,
}

/// A piece of a listing: how many, and after which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items (1 to 1000).
    pub limit: u32,
    /// [`Page::next`] of the piece before.
    pub after: Option<String>,
}

impl PageRequest {
    /// The first piece.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    pub(crate) fn bounded(&self) -> usize {
        self.limit.clamp(1, 1000) as usize
    }
}

/// One piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items, in the listing's order.
    pub items: Vec<T>,
    /// Where the next piece begins; none at the end.
    pub next: Option<String>,
}
