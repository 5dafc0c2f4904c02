//! What an ideal client with given means could know of the account, and how few calls would tell it.
//!
//! The rules are written from the facts of the world, apart from the REST handlers, so that each can be held against the
//! other.

mod calls;
mod facts;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::config::Plan;
use crate::oauth::scopes;
use crate::rest::table;
use crate::world::World;

/// SHA-256 of files that were asked for before: media of an account take a while to hash.
#[derive(Debug, Default)]
pub struct Hashes(Mutex<HashMap<String, String>>);

impl Hashes {
    /// The hash under a key, made when it is not there yet.
    fn of(&self, key: &str, make: impl FnOnce() -> String) -> String {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = lock().get(key) {
            return hash.clone();
        }
        let hash = make();
        lock().insert(key.to_owned(), hash.clone());
        hash
    }
}

/// What a client has to work with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Plan of the account.
    pub plan: Plan,
    /// Plan whose rates apply; none when limits are off.
    pub limits: Option<Plan>,
    /// Scopes of its token.
    pub scopes: BTreeSet<String>,
    /// Events it hears, `*` for all.
    pub events: Vec<String>,
    /// First day it looks at; 180 days before now when none.
    pub since: Option<Date>,
    /// Since when it has heard events.
    pub events_from: Timestamp,
    /// Which files are hashed.
    pub hashing: Hashing,
    /// Now.
    pub now: Timestamp,
}

/// Which files `/_sim/knowable` hashes; media of a large account take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hashing {
    /// All files.
    #[default]
    All,
    /// Transcripts, chats and the like, but no video or audio.
    Text,
    /// None.
    None,
}

impl std::str::FromStr for Hashing {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "all" => Ok(Self::All),
            "text" => Ok(Self::Text),
            "none" => Ok(Self::None),
            other => Err(format!("unknown hashes {other:?}: use all, text or none")),
        }
    }
}

impl Means {
    /// Whether the token opens an endpoint.
    fn opens(&self, key: &str) -> bool {
        table::all()
            .iter()
            .any(|row| row.key() == key && scopes::opens(row, &self.scopes))
    }

    fn hears(&self, event: &str) -> bool {
        self.events.iter().any(|one| one == "*" || one == event)
    }
}

/// Everything `/_sim/knowable` answers. `hashes` remembers SHA-256 of files.
pub fn tell(world: &World, hashes: &Hashes, means: &Means) -> Value {
    let known = facts::gather(world, means);
    let instances: Vec<Value> = known
        .instances
        .iter()
        .map(|one| facts::write(world, hashes, means, one))
        .collect();
    let count = |test: &dyn Fn(&Value) -> u64| instances.iter().map(test).sum::<u64>();
    let long = |value: &Value| u64::try_from(value.as_array().map_or(0, Vec::len)).unwrap_or(0);
    json!({
        "as_of": means.now,
        "plan": means.plan,
        "scopes": means.scopes,
        "since": known.since.to_string(),
        "users": known.users.iter().map(|user| json!({
            "id": if user.status == crate::world::model::UserStatus::Pending { Value::Null } else { json!(user.id) },
            "email": user.email,
        })).collect::<Vec<_>>(),
        "meetings": known.meetings.iter().map(|meeting| json!({
            "id": meeting.number,
            "topic": meeting.topic,
            "host_id": meeting.host_id,
            "type": meeting.kind,
        })).collect::<Vec<_>>(),
        "totals": {
            "users": known.users.len(),
            "meetings": known.meetings.len(),
            "instances": instances.len(),
            "participant_rows": count(&|one| long(&one["participants"])),
            "recordings": count(&|one| u64::from(!one["recording"].is_null())),
            "files": count(&|one| long(&one["recording"]["files"])),
            "transcripts": count(&|one| long(&one["transcript"]["parts"])),
            "cues": count(&|one| one["transcript"]["cues"].as_u64().unwrap_or(0)),
            "chat_messages": count(&|one| one["chat"]["messages"].as_u64().unwrap_or(0)),
        },
        "unavailable": facts::unavailable(means),
        "least_calls": calls::least(world, means, &known),
        "instances": instances,
    })
}
