//! How a request is made: by whom, under which key, and how long is waited.

use std::time::Duration;

use parfocal_store::{EarlierRequest, SagaId, ScheduleId};
use sha2::{Digest as _, Sha256};

use crate::error::{Code, EngineError, Result};
use crate::keys::Caller;

/// How a request is to be done.
#[derive(Debug, Clone)]
pub struct How {
    /// Who asks.
    pub caller: Caller,
    /// The same key with the same request gets the same meeting, for ever.
    pub key: Option<String>,
    /// How long is waited for the end; what takes longer goes on by itself.
    pub wait: Duration,
    /// Only write down what is to be done, and leave the doing to the jobs of a running server.
    pub detached: bool,
}

impl How {
    /// A request of a caller that is waited for up to ten seconds.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            key: None,
            wait: Duration::from_secs(10),
            detached: false,
        }
    }

    /// The same, left to the jobs of a running server.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// The same, safe to repeat under this key.
    #[must_use]
    pub fn with_key(mut self, key: Option<String>) -> Self {
        self.key = key;
        self
    }
}

pub(super) fn same(found: &EarlierRequest, hash: &str) -> Result<(ScheduleId, SagaId)> {
    if found.request_hash == hash {
        Ok((found.schedule_id, found.saga_id))
    } else {
        Err(EngineError::new(
            Code::KeyReused,
            "this Idempotency-Key was sent before with another request",
        ))
    }
}

/// The caller's key, made unique for the caller.
pub(super) fn request_key(how: &How) -> Result<Option<String>> {
    let Some(key) = &how.key else {
        return Ok(None);
    };
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EngineError::invalid(
            "the Idempotency-Key is not 1 to 255 visible ASCII characters",
        )
        .with_hint("A UUID made for each new request serves well."));
    }
    let digest = Sha256::digest(format!("{}\n{key}", how.caller.actor));
    Ok(Some(hex::encode(digest)))
}

/// SHA-256 of what is asked for.
pub(super) fn hash<T: serde::Serialize>(what: &str, id: Option<ScheduleId>, request: &T) -> String {
    let text = serde_json::to_string(request).unwrap_or_default();
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    hex::encode(Sha256::digest(format!("{what}\n{id}\n{text}")))
}
