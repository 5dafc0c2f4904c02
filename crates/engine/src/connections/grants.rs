//! Where the Zoom client keeps its tokens: grant rows and vault rows, one refresh at a time across processes.
//!
//! The order that keeps a rotating refresh token safe: take the lease, write down the intent and count it, ask Zoom,
//! store the new pair together with its row under the lease's fence, and only then use it. The rules for everything
//! that can go wrong between those steps are in [`parfocal_zoom::auth::protocol`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use parfocal_store::{
    AppId, AppKind, ConnectionState, ErrorKind, Grant as Row, GrantId, GrantLease, GrantTokens,
    LatePair, LeaseAnswer, NewGrant, Provider, RefreshRelease, Scope, Store, Tx,
};
use parfocal_zoom::auth::protocol::{after_silence, may_ask};
use parfocal_zoom::auth::{Grant, RefreshEnd, RefreshLease, Standing, StoreError, TokenStore};

use super::connect::assess;
use crate::clock::{Clock, later, span};
use crate::error::{Code, EngineError, Result};
use crate::vault::{Purpose, Vault};

/// How long an exchange may go on with its repetitions, besides the last request's own timeout.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(15);
/// What a lease lasts longer than the longest exchange, so that Zoom is never asked after it.
const SLACK: Duration = Duration::from_secs(10);
/// How soon to look again while another process is refreshing.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// First and longest pause of all processes after a refresh that was answered with a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
/// Why a grant is dead after two asks without an answer.
const LOST: &str = "the answer to a renewal was lost twice, or its processes vanished over and over, so it is not known whether its token still lives";

/// A lease that is held, how often its token was shown without an answer (this time included), and how often
/// refreshes failed before.
#[derive(Debug)]
struct Held {
    lease: GrantLease,
    asked: i64,
    failures: i64,
}

/// The tokens of one grant, for one client.
#[derive(Debug)]
pub(super) struct GrantStore {
    store: Store,
    vault: Vault,
    clock: Clock,
    scope: Scope,
    app_id: AppId,
    subject: String,
    /// Whether each refresh uses its token up; server-to-server tokens are asked for anew instead.
    rotating: bool,
    lease: Duration,
    held: Mutex<Option<Held>>,
    /// The lease of a pair that Zoom gave and that could not be stored. It is not given back before it runs out:
    /// another process would refresh with a token that is dead by now.
    unsaved: Mutex<Option<GrantLease>>,
}

/// Makes the row of a grant that has no tokens yet, unless it is there.
pub(super) async fn ensure_row(
    store: &Store,
    clock: &Clock,
    scope: Scope,
    app_id: AppId,
    subject: &str,
) -> Result<GrantId> {
    if let Some(row) = store.grant_of(scope, app_id, subject).await? {
        return Ok(row.id);
    }
    let new = NewGrant {
        app_id,
        provider: Provider::Zoom,
        subject_external_id: subject.to_owned(),
        tokens: GrantTokens {
            scopes: Vec::new(),
            api_url: None,
            access_exp: None,
        },
    };
    let mut tx = store.begin(scope).await?;
    // One that another process made meanwhile, and may have leased already, stays as it is.
    let id = tx.ensure_grant(&new, clock.now()).await?;
    tx.commit().await?;
    Ok(id)
}

impl GrantStore {
    async fn row(&self) -> Result<Option<Row>> {
        Ok(self
            .store
            .grant_of(self.scope, self.app_id, &self.subject)
            .await?)
    }

    fn take_lease(&self) -> Option<Held> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    async fn read(&self) -> Result<Option<Grant>> {
        let Some(row) = self.row().await?.filter(|row| row.dead_reason.is_none()) else {
            return Ok(None);
        };
        let owner = row.id.to_string();
        let Some(bytes) = self.vault.get(self.scope, Purpose::Grant, &owner).await? else {
            return Ok(None);
        };
        let mut grant = Grant::from_plaintext(&bytes)
            .map_err(|error| EngineError::new(Code::VaultForged, error.to_string()))?;
        grant.generation = generation(&row);
        Ok(Some(grant))
    }

    async fn lease(&self) -> Result<RefreshLease> {
        let gone = |reason: Option<String>| RefreshLease::Dead {
            reason: reason.unwrap_or_else(|| "the connection was removed".to_owned()),
        };
        let Some(row) = self.row().await? else {
            return Ok(gone(None));
        };
        let now = self.clock.now();
        let until = later(now, self.lease);
        match self
            .store
            .lease_grant(self.scope, row.id, now, until)
            .await?
        {
            LeaseAnswer::Held {
                lease,
                pending_refresh,
                asked,
                failures,
            } => {
                if self.rotating && !may_ask(u32::try_from(asked).unwrap_or(u32::MAX)) {
                    self.give_up(&lease).await?;
                    return Ok(gone(Some(LOST.to_owned())));
                }
                if let Some(since) = pending_refresh.filter(|_| self.rotating) {
                    tracing::warn!(%since, "an earlier renewal was begun and its answer never stored; trying once more");
                }
                match self.store.begin_refresh(self.scope, &lease, now).await {
                    Ok(()) => {
                        let held = Held {
                            lease,
                            asked: asked + 1,
                            failures,
                        };
                        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                        Ok(RefreshLease::Granted)
                    }
                    // The intent is not written, so Zoom must not be asked; somebody else is at it.
                    Err(error) if error.kind() == ErrorKind::LeaseLost => Ok(RefreshLease::Busy {
                        retry_in: LOOK_AGAIN,
                    }),
                    Err(error) => Err(error.into()),
                }
            }
            LeaseAnswer::HeldElsewhere { until } => Ok(RefreshLease::Busy {
                retry_in: span(now, until).min(LOOK_AGAIN),
            }),
            LeaseAnswer::Paused { until, .. } => Ok(RefreshLease::Paused {
                retry_in: span(now, until),
            }),
            LeaseAnswer::Gone => {
                let row = self.row().await?;
                Ok(gone(row.and_then(|row| row.dead_reason)))
            }
        }
    }

    async fn end(&self, end: RefreshEnd) -> Result<()> {
        // Storing the pair gave the lease back already.
        let Some(held) = self.take_lease() else {
            return Ok(());
        };
        let release = match end {
            RefreshEnd::Unanswered if self.rotating => {
                let doubt = after_silence(u32::try_from(held.asked).unwrap_or(u32::MAX));
                if !may_ask(doubt) {
                    return self.give_up(&held.lease).await;
                }
                RefreshRelease::Unanswered {
                    asked: i64::from(doubt),
                }
            }
            RefreshEnd::Failed | RefreshEnd::Unanswered => RefreshRelease::WithoutEffect {
                pause_until: Some(later(self.clock.now(), pause(held.failures))),
            },
            RefreshEnd::NotAsked | RefreshEnd::Settled => {
                RefreshRelease::WithoutEffect { pause_until: None }
            }
        };
        Ok(self
            .store
            .release_grant(self.scope, &held.lease, release)
            .await?)
    }

    /// Nobody asks with this token again: it was shown so often without an answer that only a person can go on.
    async fn give_up(&self, lease: &GrantLease) -> Result<()> {
        tracing::warn!(
            grant = %lease.grant,
            "answers to renewals were lost; the user has to connect again"
        );
        let why = format!("{}: {LOST}.", Code::RefreshLost.title());
        self.kill(lease.grant, lease.generation, LOST, &why).await
    }

    /// Stores a pair on top of the generation it was made from, under the lease if it is still held; with an instant
    /// when it has to wait until then for another process.
    async fn write(&self, grant: &Grant) -> Result<Option<Timestamp>> {
        let unsaved = self
            .unsaved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let lease = self.take_lease().map(|held| held.lease).or(unsaved);
        // The client counts token pairs; the row counts one more, itself.
        let made_from = i64::try_from(grant.generation).unwrap_or(i64::MAX);
        if let Some(lease) = lease.filter(|lease| lease.generation == made_from) {
            let stored = self
                .store_pair(Some(&lease), lease.grant, made_from, grant)
                .await;
            match stored {
                Err(error) if error.code() == Code::LeaseLost => {}
                Err(error) => {
                    *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
                    return Err(error);
                }
                stored => return stored,
            }
        }
        match self.row().await? {
            Some(row) => self.store_pair(None, row.id, made_from, grant).await,
            None => Err(superseded()),
        }
    }

    async fn store_pair(
        &self,
        lease: Option<&GrantLease>,
        id: GrantId,
        made_from: i64,
        grant: &Grant,
    ) -> Result<Option<Timestamp>> {
        let tokens = tokens_of(grant);
        let now = self.clock.now();
        let mut tx = self.store.begin(self.scope).await?;
        if let Some(lease) = lease {
            tx.store_refreshed(lease, &tokens, now).await?;
            self.recover(&mut tx, grant, now).await?;
        } else {
            match tx.store_late(id, made_from, &tokens, now).await? {
                LatePair::Stored => {
                    tracing::warn!(grant = %id, "a pair was stored after its lease had run out");
                    self.set_states(&mut tx, ConnectionState::Healthy, None, now)
                        .await?;
                }
                LatePair::Wait { until } => return Ok(Some(until)),
                LatePair::Superseded => return Err(superseded()),
            }
        }
        let owner = id.to_string();
        self.vault
            .put(&mut tx, Purpose::Grant, &owner, &grant.to_plaintext())
            .await?;
        tx.commit().await?;
        Ok(None)
    }

    async fn bury(&self, dead: u64, reason: &str) -> Result<()> {
        let Some(row) = self.row().await?.filter(|row| generation(row) <= dead) else {
            return Ok(());
        };
        let why = format!("Zoom withdrew the authorisation: {reason}");
        self.kill(row.id, row.generation, reason, &why).await?;
        // Killing it gave the lease back.
        self.take_lease();
        Ok(())
    }

    async fn kill(&self, id: GrantId, generation: i64, reason: &str, why: &str) -> Result<()> {
        let now = self.clock.now();
        let connections = self.store.connections(self.scope).await?;
        let mut tx = self.store.begin(self.scope).await?;
        if tx.kill_grant(id, generation, reason, now).await? {
            tx.delete_secrets_of(&id.to_string()).await?;
            let state = ConnectionState::NeedsReconnect;
            for connection in connections.iter().filter(|row| self.lives_by(row)) {
                tx.set_connection_state(connection.id, state, Some(why), now)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Sets the state of the connections that live by this grant.
    async fn set_states(
        &self,
        tx: &mut Tx,
        state: ConnectionState,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let connections = self.store.connections(self.scope).await?;
        for connection in connections.iter().filter(|row| self.lives_by(row)) {
            tx.set_connection_state(connection.id, state, why, now)
                .await?;
        }
        Ok(())
    }

    /// Connections that Zoom refused work again, now that it gives tokens.
    async fn recover(&self, tx: &mut Tx, grant: &Grant, now: Timestamp) -> Result<()> {
        let kind = if self.rotating {
            AppKind::User
        } else {
            AppKind::ServerToServer
        };
        for connection in self.store.connections(self.scope).await? {
            if self.lives_by(&connection) && connection.state == ConnectionState::NeedsReconnect {
                let (state, why) = assess(kind, &grant.scopes);
                tx.set_connection_state(connection.id, state, why.as_deref(), now)
                    .await?;
                tracing::info!(connection = %connection.id, "Zoom gives tokens again");
            }
        }
        Ok(())
    }

    /// Notes that Zoom refuses the app, so that nobody takes its connections for healthy.
    async fn refuse(&self, reason: &str) -> Result<()> {
        let now = self.clock.now();
        let row = self.row().await?;
        let stored = if self.rotating {
            None
        } else {
            self.read().await?
        };
        let mut tx = self.store.begin(self.scope).await?;
        if let (Some(row), Some(mut grant)) = (row, stored) {
            // Other processes must ask anew too: only a new token shows that the app is welcome again.
            grant.expires_at = Timestamp::UNIX_EPOCH;
            let owner = row.id.to_string();
            self.vault
                .put(&mut tx, Purpose::Grant, &owner, &grant.to_plaintext())
                .await?;
        }
        let why = format!("Zoom refuses the app: {reason}");
        self.set_states(&mut tx, ConnectionState::NeedsReconnect, Some(&why), now)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether a connection lives by this grant and was not disconnected by a person.
    fn lives_by(&self, row: &parfocal_store::Connection) -> bool {
        row.app_id == self.app_id
            && row.subject_id == self.subject
            && row.state != ConnectionState::Disconnected
    }

    async fn look(&self, ours: u64) -> Result<Standing> {
        Ok(match self.row().await? {
            None => Standing::Dead,
            Some(row) if row.dead_reason.is_some() => Standing::Dead,
            Some(row) if generation(&row) > ours => Standing::Newer,
            Some(_) => Standing::Current,
        })
    }
}

/// How long all processes leave Zoom alone after so many failures in a row.
fn pause(failures: i64) -> Duration {
    let doubled = u32::try_from(failures.clamp(0, 16)).unwrap_or(0);
    FIRST_PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE)
}

/// What a row says of a pair.
pub(super) fn tokens_of(grant: &Grant) -> GrantTokens {
    GrantTokens {
        scopes: grant.scopes.clone(),
        api_url: grant.api_url.clone(),
        access_exp: Some(grant.expires_at),
    }
}

/// The client counts token pairs from 1; the row is made, without a pair, as generation 1.
fn generation(row: &Row) -> u64 {
    u64::try_from(row.generation - 1).unwrap_or(0)
}

fn superseded() -> EngineError {
    EngineError::new(
        Code::Conflict,
        "a newer pair of tokens is stored, or the connection was removed",
    )
}

fn told(error: EngineError) -> StoreError {
    StoreError::with_source(error.to_string(), error)
}

impl TokenStore for GrantStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<Grant>, StoreError>> {
        Box::pin(async { self.read().await.map_err(told) })
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            match self.write(grant).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => Err(StoreError::new(
                    "another process is renewing the same grant; this pair is looked at after that",
                )),
                Err(error) if error.code() == Code::Conflict => {
                    Err(StoreError::superseded(error.to_string()))
                }
                Err(error) => Err(told(error)),
            }
        })
    }

    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.bury(generation, reason).await.map_err(told) })
    }

    fn mark_refused<'a>(&'a self, reason: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.refuse(reason).await.map_err(told) })
    }

    fn begin_refresh(&self) -> BoxFuture<'_, Result<RefreshLease, StoreError>> {
        Box::pin(async { self.lease().await.map_err(told) })
    }

    fn end_refresh(&self, end: RefreshEnd) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.end(end).await.map_err(told) })
    }

    fn standing(&self, generation: u64) -> BoxFuture<'_, Result<Standing, StoreError>> {
        Box::pin(async move { self.look(generation).await.map_err(told) })
    }
}

/// What a client of a grant is built with; `rotating` for grants whose refresh token is used up by each refresh.
pub(super) fn token_store(
    app: &crate::App,
    app_id: AppId,
    subject: &str,
    rotating: bool,
) -> Arc<dyn TokenStore> {
    let parts = app.parts();
    let timeout = Duration::from_secs(app.config().zoom.timeout_seconds);
    Arc::new(GrantStore {
        store: parts.store.clone(),
        vault: parts.vault.clone(),
        clock: parts.clock.clone(),
        scope: app.scope(),
        app_id,
        subject: subject.to_owned(),
        rotating,
        lease: timeout + EXCHANGE + SLACK,
        held: Mutex::new(None),
        unsaved: Mutex::new(None),
    })
}
