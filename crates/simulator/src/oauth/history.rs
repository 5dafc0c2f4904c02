//! What became of each consent: how often its refresh token was asked with, accepted, replayed, and how it ended.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// One consent and the refreshes under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Counts the consents, from 1.
    pub grant: u64,
    /// The app's confidential client id.
    pub client_id: String,
    /// The user who agreed.
    pub user_id: String,
    /// When.
    pub since: Timestamp,
    /// The token pair that is in force: 1 is the consent's own.
    pub generation: u64,
    /// When the newest access token stops working.
    pub access_expires: Timestamp,
    /// Refreshes asked for with any refresh token this consent ever had.
    pub asked: u64,
    /// Refreshes that gave a new pair.
    pub accepted: u64,
    /// Of those, the ones that nobody needed: with the newest refresh token, while the access token that came with it
    /// had more than three quarters of its life before it.
    pub early: u64,
    /// Refreshes asked for with a token that had been rotated away.
    pub replayed: u64,
    /// Of those, the ones that the grace let through.
    pub replays_accepted: u64,
    /// How it ended: `replaced` by a newer consent, `revoked` by the app, `removed` by the user; none while it lives.
    pub ended: Option<&'static str>,
}

/// All consents there have been.
#[derive(Debug, Default)]
pub(super) struct History {
    records: BTreeMap<u64, Record>,
    /// Hash of each refresh token: its consent and its generation.
    tokens: HashMap<[u8; 32], (u64, u64)>,
}

fn name(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl History {
    /// A user has agreed.
    pub(super) fn begin(&mut self, record: Record, refresh: &str) {
        self.tokens.insert(name(refresh), (record.grant, 1));
        self.records.insert(record.grant, record);
    }

    /// A refresh token was presented; gives whether it had been rotated away before.
    pub(super) fn asked(&mut self, token: &str) -> bool {
        let Some((grant, generation)) = self.tokens.get(&name(token)) else {
            return false;
        };
        let Some(record) = self.records.get_mut(grant) else {
            return false;
        };
        record.asked += 1;
        let replay = *generation < record.generation;
        record.replayed += u64::from(replay);
        replay
    }

    /// That token gave a new pair.
    pub(super) fn accepted(
        &mut self,
        grant: u64,
        refresh: &str,
        replay: bool,
        now: Timestamp,
        expires: Timestamp,
    ) {
        let Some(record) = self.records.get_mut(&grant) else {
            return;
        };
        record.accepted += 1;
        record.generation += 1;
        record.replays_accepted += u64::from(replay);
        let left = record.access_expires.duration_since(now);
        let early = left > expires.duration_since(now) / 4 * 3;
        record.early += u64::from(early && !replay);
        record.access_expires = expires;
        self.tokens
            .insert(name(refresh), (grant, record.generation));
    }

    /// The newest access token of a consent stops working earlier than it said.
    pub(super) fn shortened(&mut self, grant: u64, now: Timestamp) {
        if let Some(record) = self.records.get_mut(&grant) {
            record.access_expires = record.access_expires.min(now);
        }
    }

    /// A consent is over.
    pub(super) fn end(&mut self, grant: u64, how: &'static str) {
        if let Some(record) = self.records.get_mut(&grant) {
            record.ended.get_or_insert(how);
        }
    }

    /// All of them, oldest first.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }
}
