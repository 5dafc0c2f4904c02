//! Where access tokens come from: cached, renewed early, one renewal at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::protocol::{After, OnRefused, after, on_refused};
use super::{
    AccessToken, App, Grant, MemoryStore, OAuth, RefreshEnd, RefreshLease, Standing, StoreError,
    TokenStore,
};
use crate::error::{Error, ErrorKind, Result};

/// A token is renewed at least this long before it expires.
const LEAST_MARGIN: Duration = Duration::from_mins(1);
/// Longest wait for another process that is refreshing.
const LEASE_PATIENCE: Duration = Duration::from_mins(1);
/// How long a token is used from memory before the store is asked whether it still stands.
const RECHECK: Duration = Duration::from_secs(15);

#[derive(Clone)]
enum Mode {
    Account { account_id: String },
    User,
    App,
    Fixed,
}

/// Settings of a [`TokenSource`].
#[derive(Debug)]
#[must_use]
pub struct TokenSourceBuilder {
    oauth: OAuth,
    app: App,
    mode: Mode,
    store: Arc<dyn TokenStore>,
    margin: Duration,
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account { .. } => "server-to-server",
            Self::User => "user",
            Self::App => "client credentials",
            Self::Fixed => "fixed",
        })
    }
}

impl TokenSourceBuilder {
    /// Keeps the tokens there instead of in memory; server-to-server tokens too, so that workers share one.
    pub fn store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = store;
        self
    }

    /// Renews so long before expiry (default two minutes, at least one).
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin.max(LEAST_MARGIN);
        self
    }

    /// The source.
    #[must_use]
    pub fn build(self) -> TokenSource {
        TokenSource {
            inner: Arc::new(Inner {
                oauth: self.oauth,
                app: self.app,
                mode: self.mode,
                store: self.store,
                margin: self.margin,
                state: Arc::new(Mutex::new(State::default())),
            }),
        }
    }
}

/// Gives access tokens; cheap to clone, all clones share one renewal at a time.
///
/// ```no_run
/// # async fn example() -> parfocal_zoom::Result<()> {
/// use parfocal_zoom::auth::{App, OAuth, TokenSource};
///
/// let app = App::confidential("client-id", "client-secret");
/// let tokens = TokenSource::server_to_server(OAuth::system()?, app, "account-id").build();
/// let token = tokens.access().await?;
/// # Ok(()) }
/// ```
///
/// # Cancellation
///
/// A renewal that was started is finished in the background when its caller goes away: giving up half way could lose
/// the new refresh token while Zoom has already killed the old one.
#[derive(Clone)]
pub struct TokenSource {
    inner: Arc<Inner>,
}

struct Inner {
    oauth: OAuth,
    app: App,
    mode: Mode,
    store: Arc<dyn TokenStore>,
    margin: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    grant: Option<Grant>,
    /// A grant that Zoom has given but the store has not taken yet.
    unsaved: Option<Grant>,
    dead: Option<(u64, String)>,
    /// When the store was last asked what has become of the grant.
    checked: Option<Duration>,
    /// The last failed renewal, for those who waited for it.
    failed: Option<(Duration, ErrorKind, String, Option<u16>)>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("mode", &self.inner.mode)
            .field("app", &self.inner.app)
            .finish_non_exhaustive()
    }
}

impl TokenSource {
    /// Tokens of a server-to-server app for its account.
    pub fn server_to_server(
        oauth: OAuth,
        app: App,
        account_id: impl Into<String>,
    ) -> TokenSourceBuilder {
        Self::with_mode(
            oauth,
            app,
            Mode::Account {
                account_id: account_id.into(),
            },
        )
    }

    /// Tokens of a user (or admin) who authorised the app; their grant is in the store, see [`TokenSource::connect`].
    pub fn user(oauth: OAuth, app: App, store: Arc<dyn TokenStore>) -> TokenSourceBuilder {
        Self::with_mode(oauth, app, Mode::User).store(store)
    }

    /// Tokens of the app itself (event subscriptions, chat bots).
    pub fn client_credentials(oauth: OAuth, app: App) -> TokenSourceBuilder {
        Self::with_mode(oauth, app, Mode::App)
    }

    /// One token from elsewhere, never renewed.
    #[must_use]
    pub fn fixed(oauth: OAuth, token: SecretString) -> Self {
        let grant = Grant {
            access_token: token,
            refresh_token: None,
            issued_at: Timestamp::MIN,
            expires_at: Timestamp::MAX,
            scopes: Vec::new(),
            api_url: None,
            generation: 1,
        };
        Self::with_mode(oauth, App::public(""), Mode::Fixed)
            .store(Arc::new(MemoryStore::with(grant)))
            .build()
    }

    fn with_mode(oauth: OAuth, app: App, mode: Mode) -> TokenSourceBuilder {
        TokenSourceBuilder {
            oauth,
            app,
            mode,
            store: Arc::new(MemoryStore::new()),
            margin: Duration::from_mins(2),
        }
    }

    /// The OAuth server behind it.
    #[must_use]
    pub fn oauth(&self) -> &OAuth {
        &self.inner.oauth
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.inner.app
    }

    /// An access token that is good for a while yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotConnected`] without a grant, [`ErrorKind::GrantDead`] when the user has to connect again,
    /// [`ErrorKind::ClientRejected`] when the app's credentials are wrong, [`ErrorKind::Store`] when a fresh pair
    /// could not be stored (it is kept and stored first thing next time).
    pub async fn access(&self) -> Result<AccessToken> {
        self.get(None).await
    }

    /// Another token than this one, which Zoom has refused: the one that somebody else got meanwhile, or a new one.
    pub async fn renew(&self, refused: &AccessToken) -> Result<AccessToken> {
        self.get(Some(refused.generation)).await
    }

    /// The scopes of the present grant; fetches a token when there is none yet.
    pub async fn scopes(&self) -> Result<Vec<String>> {
        self.access().await?;
        Ok(self
            .inner
            .state
            .lock()
            .await
            .grant
            .as_ref()
            .map(|grant| grant.scopes.clone())
            .unwrap_or_default())
    }

    /// Takes a new grant into use, after a user has authorised the app: stores it, then uses it.
    pub async fn connect(&self, mut grant: Grant) -> Result<()> {
        let mut state = self.inner.state.lock().await;
        let stored = self.inner.store.load().await.map_err(store_error)?;
        let known = [
            stored.as_ref(),
            state.grant.as_ref(),
            state.unsaved.as_ref(),
        ];
        let newest = known
            .into_iter()
            .flatten()
            .map(|grant| grant.generation)
            .max();
        let newest = newest
            .max(state.dead.as_ref().map(|(generation, _)| *generation))
            .unwrap_or(0);
        grant.generation = grant.generation.max(newest + 1);
        self.inner.store.save(&grant).await.map_err(store_error)?;
        *state = State {
            grant: Some(grant),
            ..State::default()
        };
        Ok(())
    }

    /// Revokes the grant at Zoom and forgets it.
    pub async fn revoke(&self) -> Result<()> {
        let token = self.access().await?;
        self.inner
            .oauth
            .revoke(&self.inner.app, &token.secret)
            .await?;
        let mut state = self.inner.state.lock().await;
        self.inner
            .store
            .mark_dead(token.generation, "revoked")
            .await
            .map_err(store_error)?;
        *state = State {
            dead: Some((token.generation, "revoked".to_owned())),
            ..State::default()
        };
        Ok(())
    }

    async fn get(&self, refused: Option<u64>) -> Result<AccessToken> {
        let asked = self.inner.oauth.clock().monotonic();
        let mut state = Arc::clone(&self.inner.state).lock_owned().await;
        if let Some(token) = self.inner.usable(state.grant.as_ref(), refused)
            && self.inner.stands(&mut state, asked).await
        {
            return Ok(token);
        }
        if let Some((at, kind, message, status)) = &state.failed
            && *at >= asked
            && *at > Duration::ZERO
        {
            // It failed while we waited for it: trying once more per waiter would only make it worse.
            let error = Error::new(*kind, message.clone());
            return Err(match status {
                Some(status) => error.with_answer(*status, None),
                None => error,
            });
        }
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.renew_locked(state, refused).await })
            .await
            .map_err(|error| {
                Error::new(ErrorKind::Network, "the renewal was broken off").with_source(error)
            })?
    }
}

fn store_error(error: StoreError) -> Error {
    Error::new(ErrorKind::Store, error.to_string()).with_source(error)
}

impl Inner {
    fn usable(&self, grant: Option<&Grant>, refused: Option<u64>) -> Option<AccessToken> {
        let grant = grant?;
        let fresh = match refused {
            Some(generation) => grant.generation > generation,
            None => true,
        };
        (fresh && grant.is_fresh(self.oauth.clock().now(), self.margin)).then(|| grant.access())
    }

    /// Whether the grant in memory still is the newest and alive, as the store knows; a store that does not answer
    /// changes nothing. One that is not is forgotten.
    async fn stands(&self, state: &mut State, now: Duration) -> bool {
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

    async fn renew_locked(
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
            Mode::User => match &state.grant {
                Some(grant) => self.oauth.refresh(&self.app, grant).await,
                // Somebody has disconnected while we waited for the lease.
                None => {
                    let error = Error::new(ErrorKind::NotConnected, "nobody is connected any more");
                    return (Err(error), RefreshEnd::NotAsked);
                }
            },
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
            (Err(error), _) => (Err(error), RefreshEnd::Failed),
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
                return match &state.grant {
                    Some(newer) => Ok(newer.access()),
                    None => Err(Error::new(ErrorKind::NotConnected, error.to_string())),
                };
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
