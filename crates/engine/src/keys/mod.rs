//! API keys: made once, shown once, kept as hashes; and the sessions of browsers that signed in with one.
//!
//! A key is `pf_PREFIX_SECRET`. The prefix finds the row, the SHA-256 of the whole key is compared in constant time. The
//! secret has 256 random bits, so a plain hash is as good as a slow one.

mod caller;
mod sight;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parfocal_store::{ApiKey, ApiKeyId, ConnectionId, NewApiKey, Session, Tx};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use caller::{Caller, Role, Surface};
pub use sight::Sight;

use crate::App;
use crate::audit::{self, By, Change};
use crate::clock::{earlier, later};
use crate::error::{Code, EngineError, Result};

/// What a session is that was opened with a key.
const CONSOLE: &str = "console";
/// What every key begins with, so that it is known when it turns up where it should not.
const MARK: &str = "pf";
/// How long a browser stays signed in.
const SESSION: Duration = Duration::from_hours(12);
/// How exactly the last use of a key is known.
const USED_EVERY: Duration = Duration::from_mins(1);
/// How long a row may be taken from memory; a revoked key ends within this on other instances.
const REMEMBER: Duration = Duration::from_secs(2);

/// How often refused sign-ins are written down; those in between are counted, so that nobody fills the log by trying.
const REFUSALS_EVERY: Duration = Duration::from_mins(1);

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The connections it may use, by id or name; empty: all.
    pub connections: Vec<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// A key as it is shown; never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct KeyView {
    /// Our id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// The beginning of the key.
    pub prefix: String,
    /// What it may do.
    pub role: Role,
    /// The connections it may use; none: all.
    pub connections: Option<Vec<ConnectionId>>,
    /// `active`, `expired` or `revoked`.
    pub state: &'static str,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A key that was just made: the only time that it can be read.
#[derive(Debug)]
pub struct MadeKey {
    /// The key.
    pub secret: SecretString,
    /// What is known of it from now on.
    pub view: KeyView,
}

/// Keys that were looked up lately.
#[derive(Debug, Default)]
pub(crate) struct KeyCache {
    rows: Mutex<HashMap<String, (ApiKey, Duration)>>,
    refused: Mutex<Refused>,
}

/// Sign-ins that were refused: when one was last written down, and how many were not since.
#[derive(Debug, Default)]
struct Refused {
    noted: Option<Duration>,
    since: u64,
}

/// Everything about keys; from [`App::keys`].
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    pub(crate) app: &'a App,
}

impl Keys<'_> {
    /// All keys, the oldest first.
    pub async fn list(&self) -> Result<Vec<KeyView>> {
        let now = self.app.clock().now();
        let rows = self.app.store().api_keys(self.app.scope()).await?;
        Ok(rows.into_iter().map(|row| view(row, now)).collect())
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `conflict` when a working key has this name, `invalid_input` for an empty name, `not_found` for a connection.
    pub async fn create(&self, new: &NewKey, caller: &Caller) -> Result<MadeKey> {
        caller.may(Role::Admin)?;
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(EngineError::invalid(
                "a key needs a name of 1 to 100 characters",
            ));
        }
        let now = self.app.clock().now();
        if new.expires.is_some_and(|at| at <= now) {
            return Err(EngineError::invalid("the key would end before it begins"));
        }
        let mut connections = Vec::new();
        for which in &new.connections {
            connections.push(self.app.connections().find(which).await?.id);
        }
        let prefix = hex::encode(self.app.chance().bytes::<6>());
        let secret = URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>());
        let key = format!("{MARK}_{prefix}_{secret}");
        let row = NewApiKey {
            name,
            prefix: &prefix,
            hash: &hash(&key),
            role: new.role.as_str(),
            connections: (!connections.is_empty()).then_some(connections.as_slice()),
            created_by: &caller.actor,
            expires: new.expires,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let Some(id) = tx.add_api_key(&row, now).await? else {
            return Err(EngineError::new(
                Code::Conflict,
                format!("there is a key named {name} already"),
            )
            .with_hint("Choose another name, or revoke that key first."));
        };
        let target = format!("key/{name}");
        let detail = json!({"role": new.role, "connections": connections, "expires": new.expires});
        let change = Change {
            action: "key.create",
            target: &target,
            detail,
        };
        audit::append(&mut tx, &caller.by(), &change, now).await?;
        tx.commit().await?;
        let view = self
            .list()
            .await?
            .into_iter()
            .find(|view| view.id == id)
            .ok_or_else(|| EngineError::not_found("key", id))?;
        Ok(MadeKey {
            secret: SecretString::from(key),
            view,
        })
    }

    /// Ends a key, by id, name or prefix; sessions that it opened end too.
    pub async fn revoke(&self, which: &str, caller: &Caller) -> Result<KeyView> {
        caller.may(Role::Admin)?;
        let now = self.app.clock().now();
        let rows = self.app.store().api_keys(self.app.scope()).await?;
        let row = rows
            .iter()
            .filter(|row| row.revoked_at.is_none())
            .chain(rows.iter())
            .find(|row| row.id.to_string() == which || row.name == which || row.prefix == which)
            .ok_or_else(|| EngineError::not_found("key", which))?;
        let id = row.id;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        if tx.revoke_api_key(id, now).await? {
            let target = format!("key/{}", row.name);
            let change = Change {
                action: "key.revoke",
                target: &target,
                detail: json!({}),
            };
            audit::append(&mut tx, &caller.by(), &change, now).await?;
        }
        tx.commit().await?;
        self.cache().clear();
        let mut ended = row.clone();
        ended.revoked_at.get_or_insert(now);
        Ok(view(ended, now))
    }

    /// Whether somebody could sign in as an administrator: with a key, or at the identity provider.
    pub async fn any_admin(&self) -> Result<bool> {
        let oidc = &self.app.config().oidc;
        if oidc.is_on() && !oidc.admin.is_empty() {
            return Ok(true);
        }
        let now = self.app.clock().now();
        let alive = self
            .app
            .store()
            .api_keys_alive(self.app.scope(), Some(Role::Admin.as_str()), now)
            .await?;
        Ok(alive > 0)
    }

    /// The caller that a key stands for.
    ///
    /// # Errors
    /// `unauthenticated`, with one and the same answer for every kind of wrong key.
    pub async fn authenticate(&self, key: &str, surface: Surface) -> Result<Caller> {
        let row = self.row(key).await?.ok_or_else(wrong_key)?;
        let now = self.app.clock().now();
        if !works(&row, now) {
            return Err(wrong_key());
        }
        self.note_use(&row, now).await;
        caller(row, surface)
    }

    /// Signs a browser in with a key; what goes into its cookie, and until when. A refusal stands in the audit log too.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub async fn sign_in(&self, key: &str) -> Result<(SecretString, Timestamp)> {
        if let Err(error) = self.authenticate(key, Surface::Console).await {
            if error.code() == Code::Unauthenticated {
                self.note_refusal(key).await;
            }
            return Err(error);
        }
        let row = self.row(key).await?.ok_or_else(wrong_key)?;
        let now = self.app.clock().now();
        let cookie = URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>());
        let expires = row
            .expires
            .map_or(later(now, SESSION), |end| end.min(later(now, SESSION)));
        let session = Session {
            subject: row.id.to_string(),
            kind: CONSOLE.to_owned(),
            data: row.prefix.clone(),
            expires,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.add_session(&hash(&cookie), &session, now).await?;
        note_session(&mut tx, "session.begin", &format!("key:{}", row.name), now).await?;
        tx.commit().await?;
        Ok((SecretString::from(cookie), expires))
    }

    /// Ends the session of a cookie.
    pub async fn sign_out(&self, cookie: &str) -> Result<()> {
        let (store, scope) = (self.app.store(), self.app.scope());
        let now = self.app.clock().now();
        let session = store.session(scope, &hash(cookie), now).await?;
        let caller = match &session {
            Some(session) => self.behind(session, now).await?,
            None => None,
        };
        let mut tx = store.begin(scope).await?;
        tx.end_session(&hash(cookie)).await?;
        if let Some(caller) = caller {
            note_session(&mut tx, "session.end", &caller.actor, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The caller of a cookie; none when the session ended.
    pub async fn of_session(&self, cookie: &str) -> Result<Option<Caller>> {
        let now = self.app.clock().now();
        let scope = self.app.scope();
        let Some(session) = self.app.store().session(scope, &hash(cookie), now).await? else {
            return Ok(None);
        };
        self.behind(&session, now).await
    }

    /// Who is behind a session: somebody whom the identity provider knows, or whoever has a key that still works.
    async fn behind(self, session: &Session, now: Timestamp) -> Result<Option<Caller>> {
        match session.kind.as_str() {
            crate::signin::KIND => Ok(crate::signin::caller(&self.app.config().oidc, session)),
            CONSOLE => {
                let row = self.app.store().api_key_by_prefix(&session.data).await?;
                row.filter(|row| works(row, now))
                    .map(|row| caller(row, Surface::Console))
                    .transpose()
            }
            // A sign-in that has begun and not ended.
            _ => Ok(None),
        }
    }

    /// The row of a key, if it is that key.
    async fn row(&self, key: &str) -> Result<Option<ApiKey>> {
        let Some(prefix) = prefix_of(key) else {
            return Ok(None);
        };
        let at = self.app.clock().monotonic();
        let known = self
            .cache()
            .get(prefix)
            .filter(|(_, until)| at < *until)
            .map(|(row, _)| row.clone());
        let row = match known {
            Some(row) => row,
            None => match self.app.store().api_key_by_prefix(prefix).await? {
                Some(row) => {
                    let kept = (row.clone(), at + REMEMBER);
                    self.cache().insert(prefix.to_owned(), kept);
                    row
                }
                None => return Ok(None),
            },
        };
        let same = bool::from(hash(key).as_bytes().ct_eq(row.hash.as_bytes()));
        Ok(same.then_some(row))
    }

    /// Notes the use; a database that is busy must not keep anybody out.
    async fn note_use(&self, row: &ApiKey, now: Timestamp) {
        let since = earlier(now, USED_EVERY);
        if row.last_used.is_some_and(|at| at >= since) {
            return;
        }
        let noted = async {
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            tx.api_key_used(row.id, now, since).await?;
            tx.commit().await
        };
        match noted.await {
            Ok(()) => {
                if let Some((kept, _)) = self.cache().get_mut(&row.prefix) {
                    kept.last_used = Some(now);
                }
            }
            Err(error) => tracing::debug!(%error, "the use of a key could not be noted"),
        }
    }

    /// Writes down that somebody was not let in; a database that is busy changes nothing about that.
    async fn note_refusal(&self, key: &str) {
        let unsaid = {
            let at = self.app.clock().monotonic();
            let refused = &self.app.key_cache().refused;
            let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = refused
                .noted
                .is_some_and(|noted| at.saturating_sub(noted) < REFUSALS_EVERY);
            if recent {
                refused.since += 1;
                return;
            }
            refused.noted = Some(at);
            std::mem::take(&mut refused.since)
        };
        let noted = async {
            // Only the part of a key that is no secret is kept, and only of one that was made here.
            let known = match prefix_of(key) {
                Some(prefix) => self.app.store().api_key_by_prefix(prefix).await?,
                None => None,
            };
            let target = known.map_or_else(|| "key".to_owned(), |row| format!("key/{}", row.name));
            let change = Change {
                action: "session.refused",
                target: &target,
                detail: json!({ "refused_before": unsaid }),
            };
            let now = self.app.clock().now();
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            audit::append(&mut tx, &By::new("nobody", Surface::Console), &change, now).await?;
            Ok::<(), EngineError>(tx.commit().await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "a refused sign-in could not be written down");
        }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, (ApiKey, Duration)>> {
        self.app
            .key_cache()
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn caller(row: ApiKey, surface: Surface) -> Result<Caller> {
    Ok(Caller {
        actor: format!("key:{}", row.name),
        surface,
        role: row.role.parse()?,
        connections: row.connections,
        request_id: None,
    })
}

/// Writes down that a browser came in or went.
async fn note_session(tx: &mut Tx, action: &str, actor: &str, now: Timestamp) -> Result<()> {
    let target = actor.replacen(':', "/", 1);
    let change = Change {
        action,
        target: &target,
        detail: json!({}),
    };
    let by = By::new(actor.to_owned(), Surface::Console);
    audit::append(tx, &by, &change, now).await?;
    Ok(())
}

fn works(row: &ApiKey, now: Timestamp) -> bool {
    row.revoked_at.is_none() && row.expires.is_none_or(|end| end > now)
}

fn view(row: ApiKey, now: Timestamp) -> KeyView {
    let state = if row.revoked_at.is_some() {
        "revoked"
    } else if works(&row, now) {
        "active"
    } else {
        "expired"
    };
    KeyView {
        id: row.id,
        name: row.name,
        prefix: format!("{MARK}_{}", row.prefix),
        // A role that a newer version wrote is shown as the least one; it opens nothing here anyway.
        role: row.role.parse().unwrap_or(Role::Read),
        connections: row.connections,
        state,
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires,
        last_used_at: row.last_used,
    }
}

fn prefix_of(key: &str) -> Option<&str> {
    let (prefix, secret) = key.strip_prefix(MARK)?.strip_prefix('_')?.split_once('_')?;
    (prefix.len() == 12 && !secret.is_empty() && secret.len() < 100).then_some(prefix)
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn wrong_key() -> EngineError {
    EngineError::new(
        Code::Unauthenticated,
        "the key is not known here, has ended, or was revoked",
    )
}
