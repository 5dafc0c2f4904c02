//! Where access tokens come from: cached, renewed early, one renewal at a time.

mod renewal;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::{AccessToken, App, Grant, MemoryStore, OAuth, StoreError, TokenStore};
use crate::error::{Error, ErrorKind, Result};

/// A token is renewed at least this long before it expires.
const LEAST_MARGIN: Duration = Duration::from_mins(1);

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
