//! Entries of the audit log.

use jiff::Timestamp;
use parfocal_engine::audit::Entry;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Who changed what, through what and when.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditView {
    /// Its place in the order, from 1.
    pub n: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: `local`, `key:NAME`, `zoom:USER`, `parfocal` for the program itself.
    pub actor: String,
    /// Through what: `cli`, `api`, `console`, `mcp`, `webhook`, `zoom_app`, `consent`, `system`.
    pub surface: String,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// To what, as `kind/id`.
    pub target: String,
    /// What else is to be known; its members depend on the action. No secrets.
    pub raw: Value,
    /// Hash of the entry before, in hex; empty for the first.
    pub prev_hash: String,
    /// Hash of this entry, in hex.
    pub hash: String,
}

impl From<Entry> for AuditView {
    fn from(entry: Entry) -> Self {
        Self {
            n: entry.n,
            at: entry.at,
            actor: entry.actor,
            surface: entry.surface,
            action: entry.action,
            target: entry.target,
            raw: entry.detail,
            prev_hash: entry.prev_hash,
            hash: entry.hash,
        }
    }
}
