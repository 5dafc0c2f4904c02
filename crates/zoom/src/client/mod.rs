//! The client: one pipeline for every call.
//!
//! Limiter → token → send → classify → renew or retry. Each stage needs the results of the others, so it is one loop
//! and not a stack of layers.

mod call;
mod classify;
mod pipeline;
mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use url::Url;

pub use call::Call;
pub use reply::{Reply, Response, Streamed};

use crate::auth::{AccessToken, TokenSource};
use crate::backoff::Backoff;
use crate::clock::{Clock, Random};
use crate::download::ZOOM_HOSTS;
use crate::error::Result;
use crate::limit::{Budget, MemoryBudget, Plan, Priority};
use crate::transport::{self, Transport};

const DEFAULT_API: &str = "https://api.zoom.us/v2";

/// Settings of a [`Client`].
#[must_use]
pub struct ClientBuilder {
    tokens: TokenSource,
    transport: Transport,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    budget: Option<Arc<dyn Budget>>,
    account: String,
    api_url: Option<String>,
    default_api_url: Option<String>,
    backoff: Backoff,
    max_body: usize,
    download_hosts: Vec<String>,
    options: Options,
}

impl ClientBuilder {
    /// The address of the REST API, with `/v2`; otherwise the one that comes with the token, else
    /// `https://api.zoom.us/v2`.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = Some(url.into());
        self
    }

    /// The address of the REST API, with `/v2`, for tokens that come with none (default: `https://api.zoom.us/v2`).
    pub fn default_api_url(mut self, url: impl Into<String>) -> Self {
        self.default_api_url = Some(url.into());
        self
    }

    /// The budget to ask before each call, shared by all clients of an account. Without one the client paces itself
    /// to a share of what Zoom's Free plan allows.
    pub fn budget(mut self, budget: Arc<dyn Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Key of the Zoom account in the budget (default: `default`).
    pub fn account(mut self, key: impl Into<String>) -> Self {
        self.account = key.into();
        self
    }

    /// Another transport than that of the token source.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// How often, and with what pauses, a failed call is repeated.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Largest answer read, in bytes (default 16 MiB).
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Hosts besides Zoom's own that downloads may begin at, and that get the token; subdomains included, with or
    /// without a leading dot.
    pub fn download_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.download_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Configuration`] for an address that is neither https nor on this machine.
    pub fn build(self) -> Result<Client> {
        let api = self
            .api_url
            .as_deref()
            .map(transport::base_url)
            .transpose()?;
        let budget = self.budget.unwrap_or_else(|| {
            Arc::new(MemoryBudget::builder(Plan::Free).build(Arc::clone(&self.clock)))
        });
        Ok(Client {
            shared: Arc::new(Shared {
                tokens: self.tokens,
                transport: self.transport,
                clock: self.clock,
                random: self.random,
                budget,
                account: self.account,
                api,
                default_api: transport::base_url(
                    self.default_api_url.as_deref().unwrap_or(DEFAULT_API),
                )?,
                backoff: self.backoff,
                max_body: self.max_body,
                download_hosts: self.download_hosts,
            }),
            options: self.options,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What differs from call to call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) priority: Priority,
    /// Longest wait for the limiter; it does not count against the backoff's total.
    pub(crate) patience: Duration,
}

pub(crate) struct Shared {
    pub(crate) tokens: TokenSource,
    pub(crate) transport: Transport,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) budget: Arc<dyn Budget>,
    pub(crate) account: String,
    pub(crate) api: Option<Url>,
    pub(crate) default_api: Url,
    pub(crate) backoff: Backoff,
    pub(crate) max_body: usize,
    pub(crate) download_hosts: Vec<String>,
}

/// A client for one Zoom account; cheap to clone, clones share everything.
///
/// ```no_run
/// # async fn example() -> parfocal_zoom::Result<()> {
/// use futures_util::TryStreamExt as _;
/// use parfocal_zoom::auth::{App, OAuth, TokenSource};
/// use parfocal_zoom::{Client, api::UserStatus};
///
/// let app = App::confidential("client-id", "client-secret");
/// let tokens = TokenSource::server_to_server(OAuth::system()?, app, "account-id").build();
/// let client = Client::builder(tokens).build()?;
/// let mut users = client.users().list(UserStatus::Active).items();
/// while let Some(user) = users.try_next().await? {
///     println!("{:?}", user.email);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("account", &self.shared.account)
            .field("priority", &self.options.priority)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Settings to start from; transport, clock and random source are those of the token source.
    pub fn builder(tokens: TokenSource) -> ClientBuilder {
        let oauth = tokens.oauth();
        ClientBuilder {
            transport: oauth.transport().clone(),
            clock: Arc::clone(oauth.clock()),
            random: Arc::clone(oauth.random_source()),
            tokens,
            budget: None,
            account: "default".to_owned(),
            api_url: None,
            default_api_url: None,
            backoff: Backoff {
                attempts: 5,
                total: Duration::from_mins(1),
                ..Backoff::default()
            },
            max_body: 16 * 1024 * 1024,
            download_hosts: Vec::new(),
            options: Options {
                priority: Priority::Interactive,
                patience: Duration::from_mins(1),
            },
        }
    }

    /// The hosts besides Zoom's own that downloads may begin at, and that get the token.
    #[must_use]
    pub fn download_hosts(&self) -> &[String] {
        &self.shared.download_hosts
    }

    /// The same client for work of this priority.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// The same client with another longest wait for the limiter (default 60 s). Longer waits, such as for the reset
    /// of a daily budget, come back as errors that say when to try again.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// The token source.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.shared.tokens
    }

    /// Any call: `path` is under `/v2` and begins with a slash, its parts already percent-encoded
    /// (see [`crate::id::encode_segment`]).
    ///
    /// Known endpoints get their own rate label, unknown ones an assumed one.
    ///
    /// ```no_run
    /// # async fn example(client: parfocal_zoom::Client) -> parfocal_zoom::Result<()> {
    /// use http::Method;
    /// let roles: serde_json::Value = client.call(Method::GET, "/roles").query("type", "common").json().await?;
    /// # Ok(()) }
    /// ```
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(self.clone(), method, path.into())
    }

    /// The base address for a token: the configured one, else the token's if it is Zoom's, else the global one.
    pub(crate) fn base(&self, token: &AccessToken) -> Url {
        if let Some(api) = &self.shared.api {
            return api.clone();
        }
        if let Some(text) = token.api_url() {
            match transport::base_url(text) {
                Ok(url) if self.is_trusted(&url) => {
                    if let Ok(url) = transport::join(&url, "/v2") {
                        return url;
                    }
                }
                _ => tracing::warn!(
                    "the token names an API address that is not Zoom's; it is ignored"
                ),
            }
        }
        self.shared.default_api.clone()
    }

    fn is_trusted(&self, url: &Url) -> bool {
        let oauth = self.shared.tokens.oauth().base();
        let Some(host) = url.host_str() else {
            return false;
        };
        if transport::is_loopback(url) {
            return transport::is_loopback(oauth);
        }
        Some(host) == oauth.host_str()
            || ZOOM_HOSTS
                .iter()
                .any(|domain| transport::is_within(host, domain))
    }
}

/// Zoom's tracking id of an answer, if it looks like one.
pub(crate) fn tracking_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-zm-trackingid")?.to_str().ok()?.trim();
    (!id.is_empty() && id.len() <= 128).then(|| id.to_owned())
}
