//! API keys and browser sessions: who may ask. Only hashes are kept, never what opens the door.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{ApiKeyId, ConnectionId};
use crate::store::{Scope, Store};

/// A key of the API as it lies in its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Our id.
    pub id: ApiKeyId,
    /// Its name, unique among keys that are not revoked.
    pub name: String,
    /// The public part of the key, by which its row is found.
    pub prefix: String,
    /// SHA-256 of the whole key, as hex.
    #[serde(skip)]
    pub hash: String,
    /// `read`, `operate` or `admin`.
    pub role: String,
    /// The connections it may use; none: all.
    pub connections: Option<Vec<ConnectionId>>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey<'k> {
    /// Its name.
    pub name: &'k str,
    /// Its public part.
    pub prefix: &'k str,
    /// SHA-256 of the whole key, as hex.
    pub hash: &'k str,
    /// Its role.
    pub role: &'k str,
    /// The connections it may use; none: all.
    pub connections: Option<&'k [ConnectionId]>,
    /// Who makes it.
    pub created_by: &'k str,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// A browser that signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who: the id of the key that opened it, or the provider that vouched for somebody.
    pub subject: String,
    /// What for, such as `console`.
    pub kind: String,
    /// What is remembered of it.
    pub data: String,
    /// When it ends.
    pub expires: Timestamp,
}

macro_rules! key {
    () => {
        "id, name, prefix, hash, role, connections, created_by, created_at, expires, last_used, revoked_at"
    };
}

statements! {
    KEYS = one(concat!("SELECT ", key!(), " FROM api_keys WHERE workspace_id = $1 ORDER BY created_at, id"));
    KEY_BY_PREFIX = one(concat!("SELECT ", key!(), " FROM api_keys WHERE prefix = $1"));
    KEY_NEW = one("INSERT INTO api_keys (id, workspace_id, name, prefix, hash, role, connections, created_by, created_at, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING");
    KEY_REVOKE = one("UPDATE api_keys SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL");
    KEY_USED = one("UPDATE api_keys SET last_used = $2 WHERE id = $1 AND COALESCE(last_used, 0) < $3");
    KEYS_ALIVE = one("SELECT COUNT(*) FROM api_keys WHERE workspace_id = $1 AND revoked_at IS NULL
        AND COALESCE(expires, $2) >= $2 AND (CAST($3 AS TEXT) IS NULL OR role = $3)");

    SESSION = one("SELECT subject, kind, data, expires FROM sessions WHERE workspace_id = $1 AND hash = $2 AND expires > $3");
    SESSION_NEW = one("INSERT INTO sessions (hash, workspace_id, subject, kind, data, created_at, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    SESSION_END = one("DELETE FROM sessions WHERE workspace_id = $1 AND hash = $2");
    SESSIONS_END = one("DELETE FROM sessions WHERE workspace_id = $1 AND subject = $2");
    SESSIONS_TIDY = one("DELETE FROM sessions WHERE expires <= $1");
}

fn key(row: &mut Cells) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id()?,
        name: row.text()?,
        prefix: row.text()?,
        hash: row.text()?,
        role: row.text()?,
        connections: row
            .opt_json()?
            .and_then(|list| serde_json::from_value(list).ok()),
        created_by: row.text()?,
        created_at: row.instant()?,
        expires: row.opt_instant()?,
        last_used: row.opt_instant()?,
        revoked_at: row.opt_instant()?,
    })
}

impl Store {
    /// All keys, revoked ones included, the oldest first.
    pub async fn api_keys(&self, scope: Scope) -> Result<Vec<ApiKey>> {
        self.all(KEYS, args![scope.workspace], key).await
    }

    /// The key with this public part, of whatever workspace.
    pub async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<ApiKey>> {
        self.one(KEY_BY_PREFIX, args![prefix], key).await
    }

    /// How many keys work at `now`; only those of a role, if one is named.
    pub async fn api_keys_alive(
        &self,
        scope: Scope,
        role: Option<&str>,
        now: Timestamp,
    ) -> Result<u64> {
        self.exactly(KEYS_ALIVE, args![scope.workspace, now, role], Cells::count)
            .await
    }

    /// A session that has not ended, by the hash of its cookie.
    pub async fn session(
        &self,
        scope: Scope,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        self.one(SESSION, args![scope.workspace, hash, now], |row| {
            Ok(Session {
                subject: row.text()?,
                kind: row.text()?,
                data: row.text()?,
                expires: row.instant()?,
            })
        })
        .await
    }
}

impl Tx {
    /// Puts a key in; none when a key of that name works already.
    pub async fn add_api_key(
        &mut self,
        new: &NewApiKey<'_>,
        now: Timestamp,
    ) -> Result<Option<ApiKeyId>> {
        let w = self.w();
        let id: ApiKeyId = self.new_id(now);
        let connections = new
            .connections
            .map(|ids| serde_json::to_string(ids).unwrap_or_default());
        let added = self
            .execute(
                KEY_NEW,
                args![
                    id,
                    w,
                    new.name,
                    new.prefix,
                    new.hash,
                    new.role,
                    connections,
                    new.created_by,
                    now,
                    new.expires
                ],
            )
            .await?;
        Ok((added == 1).then_some(id))
    }

    /// Ends a key and the sessions it opened; whether it worked before.
    pub async fn revoke_api_key(&mut self, id: ApiKeyId, now: Timestamp) -> Result<bool> {
        let w = self.w();
        let ended = self.execute(KEY_REVOKE, args![w, id, now]).await?;
        self.execute(SESSIONS_END, args![w, id.to_string()]).await?;
        Ok(ended == 1)
    }

    /// Remembers that a key was used, unless that is known since `not_since`.
    pub async fn api_key_used(
        &mut self,
        id: ApiKeyId,
        now: Timestamp,
        not_since: Timestamp,
    ) -> Result<()> {
        self.execute(KEY_USED, args![id, now, not_since]).await?;
        Ok(())
    }

    /// Begins a session, and forgets those that ended.
    pub async fn add_session(
        &mut self,
        hash: &str,
        session: &Session,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(SESSIONS_TIDY, args![now]).await?;
        self.execute(
            SESSION_NEW,
            args![
                hash,
                w,
                &session.subject,
                &session.kind,
                &session.data,
                now,
                session.expires
            ],
        )
        .await?;
        Ok(())
    }

    /// Ends a session; whether it was there.
    pub async fn end_session(&mut self, hash: &str) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(SESSION_END, args![w, hash]).await? == 1)
    }
}
