//! One renewal: look, take the lease, look again, ask once, store, use.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::{Inner, Mode, State, store_error};
use crate::auth::protocol::{After, OnRefused, after, on_refused};
use crate::auth::{AccessToken, Grant, RefreshEnd, RefreshLease, Standing};
use crate::error::{Error, ErrorKind, Result};

/// Longest wait for another process that is refreshing.
const LEASE_PATIENCE: Duration = Duration::from_mins(1);
/// How long a token is used from memory before the store is asked whether it still stands.
const RECHECK: Duration = Duration::from_secs(15);

impl Inner {
    pub(super) fn usable(
        &self,
        grant: Option<&Grant>,
        refused: Option<u64>,
    ) -> Option<AccessToken> {
        let grant = grant?;
        let fresh = match refused {
            Some(generation) => grant.generation > generation,
            None => true,
        };
        (fresh && grant.is_fresh(self.oauth.clock().now(), self.margin)).then(|| grant.access())
    }

    /// Whether the grant in memory still is the newest and alive, as the store knows; a store that does not answer
    /// changes nothing. One that is not is forgotten.
    pub(super) async fn stands(&self, state: &mut State, now: Duration) -> bool {
        let due = state
            .checked
            .is_none_or(|at| now.saturating_sub(at) >= RECHECK);
        let Some(generation) = state.grant.as_ref().map(|grant| grant.generation) else {
            return false;
        };
        if !due || matches!(self.mode, Mode::Fixed) {
            return true;
        }
        state.checked = Some(now);
        match self.store.standing(generation).await {
            Ok(Standing::Current) => true,
            Ok(Standing::Newer | Standing::Dead) => {
                state.grant = None;
                false
            }
            Err(error) => {
                tracing::debug!(%error, "the store cannot say whether the grant still stands");
                true
            }
        }
    }

    pub(super) async fn renew_locked(
        self: Arc<Self>,
        mut state: OwnedMutexGuard<State>,
        refused: Option<u64>,
    ) -> Result<AccessToken> {
        let result = self.renew(&mut state, refused).await;
        state.failed = result.as_ref().err().map(|error| {
            (
                self.oauth.clock().monotonic(),
                error.kind(),
                error.message().to_owned(),
                error.status(),
            )
        });
        result
    }

    async fn renew(&self, state: &mut State, refused: Option<u64>) -> Result<AccessToken> {
        if let Some(grant) = state.unsaved.take() {
            self.keep(state, grant).await?;
            if let Some(token) = self.usable(state.grant.as_ref(), refused) {
                return Ok(token);
            }
        }
        self.reload(state).await?;
        if let Some(token) = self.usable(state.grant.as_ref(), refused) {
            return Ok(token);
        }
        match self.mode {
            Mode::Fixed => {
                let token = state
                    .grant
                    .as_ref()
                    .filter(|grant| refused.is_none_or(|gone| grant.generation > gone));
                return token.map(Grant::access).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Unauthorized,
                        "the given token was refused and cannot be renewed",
                    )
                });
            }
            Mode::User => {
                if let Some((_, reason)) = &state.dead {
                    return Err(Error::new(
                        ErrorKind::GrantDead,
                        format!("the grant is dead: {reason}"),
                    ));
                }
                if state.grant.is_none() {
                    return Err(Error::new(
                        ErrorKind::NotConnected,
                        "nobody has connected yet",
                    ));
                }
            }
            Mode::Account { .. } | Mode::App => {}
        }
        if let Some(token) = self.lease(state, refused).await? {
            return Ok(token);
        }
        let (result, end) = self.fetch(state).await;
        if let Err(error) = self.store.end_refresh(end).await {
            tracing::warn!(error = %error, "the refresh lease could not be given back; it will run out");
        }
        result
    }

    /// Takes the store's grant if it is newer than ours.
    async fn reload(&self, state: &mut State) -> Result<()> {
        let stored = self.store.load().await.map_err(store_error)?;
        let ours = state.grant.as_ref().map_or(0, |grant| grant.generation);
        let outlives = |generation: u64| {
            let dead = state.dead.as_ref();
            dead.is_none_or(|(dead, _)| generation > *dead)
        };
        match stored {
            Some(grant)
                if outlives(grant.generation)
                    && (grant.generation > ours || state.grant.is_none()) =>
            {
                state.dead = None;
                state.grant = Some(grant);
            }
            // Somebody has disconnected.
            None if matches!(self.mode, Mode::User) && state.dead.is_none() => state.grant = None,
            _ => {}
        }
        Ok(())
    }

    /// Waits for the right to refresh; gives a token when another process has refreshed meanwhile.
    async fn lease(&self, state: &mut State, refused: Option<u64>) -> Result<Option<AccessToken>> {
        let clock = self.oauth.clock();
        let patience = clock.monotonic() + LEASE_PATIENCE;
        loop {
            match self.store.begin_refresh().await.map_err(store_error)? {
                RefreshLease::Granted => {
                    if let Err(error) = self.reload(state).await {
                        let _ = self.store.end_refresh(RefreshEnd::NotAsked).await;
                        return Err(error);
                    }
                    let token = self.usable(state.grant.as_ref(), refused);
                    if token.is_some() {
                        self.store
                            .end_refresh(RefreshEnd::NotAsked)
                            .await
                            .map_err(store_error)?;
                    }
                    return Ok(token);
                }
                RefreshLease::Paused { retry_in } => {
                    return Err(Error::new(
                        ErrorKind::Server,
                        format!(
                            "renewing the access token failed before; it is tried again in {} s",
                            retry_in.as_secs() + 1
                        ),
                    )
                    .with_retry_after(Some(retry_in)));
                }
                RefreshLease::Dead { reason } => {
                    let generation = state.grant.take().map_or(0, |grant| grant.generation);
                    state.dead = Some((generation, reason.clone()));
                    return Err(Error::new(
                        ErrorKind::GrantDead,
                        format!("the grant is dead: {reason}"),
                    ));
                }
                RefreshLease::Busy { retry_in } => {
                    let now = clock.monotonic();
                    if now >= patience {
                        return Err(Error::new(
                            ErrorKind::Store,
                            "another process has been refreshing for too long",
                        ));
                    }
                    clock
                        .sleep_until(
                            now + retry_in.clamp(Duration::from_millis(10), Duration::from_secs(5)),
                        )
                        .await;
                    self.reload(state).await?;
                    if let Some(token) = self.usable(state.grant.as_ref(), refused) {
                        return Ok(Some(token));
                    }
                }
            }
        }
    }

    /// Asks Zoom once; what came of it, for the caller and for the store.
    async fn fetch(&self, state: &mut State) -> (Result<AccessToken>, RefreshEnd) {
        let generation = state.grant.as_ref().map_or(0, |grant| grant.generation) + 1;
        let fetched = match &self.mode {
            Mode::Account { account_id } => {
                self.oauth
                    .account_credentials(&self.app, account_id, generation)
                    .await
            }
            Mode::App => self.oauth.client_credentials(&self.app, generation).await,
            Mode::User => {
                let Some(grant) = &state.grant else {
                    // Somebody has disconnected while we waited for the lease.
                    let error = Error::new(ErrorKind::NotConnected, "nobody is connected any more");
                    return (Err(error), RefreshEnd::NotAsked);
                };
                self.oauth.refresh(&self.app, grant).await
            }
            Mode::Fixed => {
                let error = Error::new(ErrorKind::Unauthorized, "a given token cannot be renewed");
                return (Err(error), RefreshEnd::NotAsked);
            }
        };
        let meaning = after(fetched.as_ref().map(|_| ()));
        match (fetched, meaning) {
            (Ok(grant), _) => {
                tracing::debug!(
                    generation = grant.generation,
                    "a new access token was given"
                );
                (self.keep(state, grant).await, RefreshEnd::Settled)
            }
            (Err(error), After::Refused) if matches!(self.mode, Mode::User) => {
                (self.bury(state, error).await, RefreshEnd::Settled)
            }
            (Err(error), After::Unanswered) => {
                tracing::warn!(error = %error, "Zoom's answer to a renewal was lost");
                (Err(error), RefreshEnd::Unanswered)
            }
            (Err(error), _) => {
                if error.kind() == ErrorKind::ClientRejected {
                    self.refused(state, &error).await;
                }
                (Err(error), RefreshEnd::Failed)
            }
        }
    }

    /// Zoom refuses the app: whoever looks at the store learns it, and a token without a user is not tried again.
    async fn refused(&self, state: &mut State, error: &Error) {
        if !matches!(self.mode, Mode::User)
            && let Some(grant) = &mut state.grant
        {
            // It was refused or is about to end; only a new one shows that the app is welcome again.
            grant.expires_at = Timestamp::MIN;
        }
        if let Err(error) = self.store.mark_refused(error.message()).await {
            tracing::warn!(%error, "it could not be noted that Zoom refuses the app");
        }
    }

    /// Stores a grant, then takes it into use.
    async fn keep(&self, state: &mut State, grant: Grant) -> Result<AccessToken> {
        if let Err(error) = self.store.save(&grant).await {
            if error.is_superseded() {
                // Another process has a newer pair, or a person has disconnected: what the store says counts.
                tracing::warn!(error = %error, "a pair that came too late is dropped");
                state.grant = None;
                self.reload(state).await?;
                return state
                    .grant
                    .as_ref()
                    .map(Grant::access)
                    .ok_or_else(|| Error::new(ErrorKind::NotConnected, error.to_string()));
            }
            if matches!(self.mode, Mode::User) {
                // Used but not stored, it would be lost with the process, and the old one is dead already.
                state.unsaved = Some(grant);
                return Err(store_error(error));
            }
            tracing::warn!(error = %error, "the token could not be stored; it serves this process only");
        }
        let token = grant.access();
        state.dead = None;
        state.grant = Some(grant);
        Ok(token)
    }

    /// Zoom says the refresh token is dead: true, unless somebody else has used it just before us.
    async fn bury(&self, state: &mut State, error: Error) -> Result<AccessToken> {
        let generation = state.grant.as_ref().map_or(0, |grant| grant.generation);
        self.reload(state).await?;
        let stored = state.grant.as_ref().map(|grant| grant.generation);
        if let Some(grant) = &state.grant
            && on_refused(generation, stored) == OnRefused::UseStored
        {
            return Ok(grant.access());
        }
        tracing::warn!(
            generation,
            reason = error.message(),
            "the grant is dead; the user has to connect again"
        );
        self.store
            .mark_dead(generation, error.message())
            .await
            .map_err(store_error)?;
        state.dead = Some((generation, error.message().to_owned()));
        state.grant = None;
        Err(error)
    }
}
