//! Where the Zoom client keeps its tokens: grant rows and vault rows, one refresh at a time across processes.
//!
//! The order that keeps a rotating refresh token safe: take the lease, write down the intent, ask Zoom, store the new
//! pair together with its row under the lease's fence, and only then use it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parfocal_store::{
    AppId, ConnectionState, ErrorKind, Grant as Row, GrantId, GrantLease, GrantTokens, LeaseAnswer,
    NewGrant, Provider, Scope, Store,
};
use parfocal_zoom::auth::{Grant, RefreshLease, StoreError, TokenStore};

use crate::clock::{Clock, later, span};
use crate::error::{EngineError, Result};
use crate::vault::{Purpose, Vault};

/// How long a refresh may take before another process may try; longer than the longest exchange with its retries.
const LEASE: Duration = Duration::from_secs(90);
/// How soon to look again while another process is refreshing.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The tokens of one grant, for one client.
#[derive(Debug)]
pub(super) struct GrantStore {
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) clock: Clock,
    pub(super) scope: Scope,
    pub(super) app_id: AppId,
    pub(super) subject: String,
    pub(super) held: Mutex<Option<GrantLease>>,
    /// The lease of a pair that Zoom gave and that could not be stored. It is not given back before it runs out:
    /// another process would refresh with a token that is dead by now.
    pub(super) unsaved: Mutex<Option<GrantLease>>,
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

    fn take_lease(&self) -> Option<GrantLease> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn keep_lease(&self, lease: GrantLease) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
    }

    async fn read(&self) -> Result<Option<Grant>> {
        let Some(row) = self.row().await?.filter(|row| row.dead_reason.is_none()) else {
            return Ok(None);
        };
        let owner = row.id.to_string();
        let Some(bytes) = self.vault.get(self.scope, Purpose::Grant, &owner).await? else {
            return Ok(None);
        };
        let mut grant = Grant::from_plaintext(&bytes).map_err(|error| {
            EngineError::new(crate::error::Code::VaultForged, error.to_string())
        })?;
        grant.generation = generation(&row);
        Ok(Some(grant))
    }

    async fn lease(&self) -> Result<RefreshLease> {
        let id = ensure_row(
            &self.store,
            &self.clock,
            self.scope,
            self.app_id,
            &self.subject,
        )
        .await?;
        let now = self.clock.now();
        match self
            .store
            .lease_grant(self.scope, id, now, later(now, LEASE))
            .await?
        {
            LeaseAnswer::Held {
                lease,
                pending_refresh,
            } => {
                if let Some(since) = pending_refresh {
                    tracing::warn!(%since, "an earlier refresh was begun and its answer never stored; trying once more");
                }
                match self.store.begin_refresh(self.scope, &lease, now).await {
                    Ok(()) => {
                        self.keep_lease(lease);
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
            LeaseAnswer::Gone => Err(EngineError::new(
                crate::error::Code::GrantDead,
                "the grant was withdrawn; connect again",
            )),
        }
    }

    async fn write(&self, grant: &Grant) -> Result<()> {
        let unsaved = self
            .unsaved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let lease = match self.take_lease().or(unsaved) {
            Some(lease) => lease,
            // A pair whose lease ran out before it could be stored, or one from a fresh consent.
            None => match self.lease().await? {
                RefreshLease::Granted => self.take_lease().ok_or_else(|| lost("at once"))?,
                RefreshLease::Busy { .. } => return Err(lost("to another process")),
            },
        };
        let stored = self.store_pair(&lease, grant).await;
        if let Err(error) = &stored
            && error.code() != crate::error::Code::LeaseLost
        {
            *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
        }
        stored
    }

    async fn store_pair(&self, lease: &GrantLease, grant: &Grant) -> Result<()> {
        let tokens = GrantTokens {
            scopes: grant.scopes.clone(),
            api_url: grant.api_url.clone(),
            access_exp: Some(grant.expires_at),
        };
        let now = self.clock.now();
        let mut tx = self.store.begin(self.scope).await?;
        tx.store_refreshed(lease, &tokens, now).await?;
        let owner = lease.grant.to_string();
        self.vault
            .put(&mut tx, Purpose::Grant, &owner, &grant.to_plaintext())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn bury(&self, dead: u64, reason: &str) -> Result<()> {
        let Some(row) = self.row().await?.filter(|row| generation(row) <= dead) else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.store.begin(self.scope).await?;
        if tx.kill_grant(row.id, row.generation, reason, now).await? {
            tx.delete_secrets_of(&row.id.to_string()).await?;
            let connections = self.store.connections(self.scope).await?;
            for connection in connections
                .iter()
                .filter(|c| c.app_id == self.app_id && c.subject_id == self.subject)
            {
                let why = format!("Zoom withdrew the authorisation: {reason}");
                tx.set_connection_state(
                    connection.id,
                    ConnectionState::NeedsReconnect,
                    Some(&why),
                    now,
                )
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The client counts token pairs from 1; the row is made, without a pair, as generation 1.
fn generation(row: &Row) -> u64 {
    u64::try_from(row.generation - 1).unwrap_or(0)
}

fn lost(to: &str) -> EngineError {
    EngineError::new(
        crate::error::Code::LeaseLost,
        format!("the lease on the grant was lost {to}"),
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
        Box::pin(async { self.write(grant).await.map_err(told) })
    }

    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.bury(generation, reason).await.map_err(told) })
    }

    fn begin_refresh(&self) -> BoxFuture<'_, Result<RefreshLease, StoreError>> {
        Box::pin(async { self.lease().await.map_err(told) })
    }

    fn end_refresh(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            // Storing the pair gave the lease back already.
            let Some(lease) = self.take_lease() else {
                return Ok(());
            };
            self.store
                .release_grant(self.scope, &lease)
                .await
                .map_err(|error| told(error.into()))
        })
    }
}

/// What a client of a grant is built with.
pub(super) fn token_store(
    store: &Store,
    vault: &Vault,
    clock: &Clock,
    scope: Scope,
    app_id: AppId,
    subject: &str,
) -> Arc<dyn TokenStore> {
    Arc::new(GrantStore {
        store: store.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
        scope,
        app_id,
        subject: subject.to_owned(),
        held: Mutex::new(None),
        unsaved: Mutex::new(None),
    })
}
