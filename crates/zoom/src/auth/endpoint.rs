//! Zoom's token endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::refusal::refusal;
use super::{App, AuthorizationRequest, Authorize, Grant, Pkce};
use crate::backoff::Backoff;
use crate::clock::{Clock, OsRandom, Random, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::lenient;
use crate::limit::RetryAfter;
use crate::transport::{self, Transport};

const DEFAULT_URL: &str = "https://zoom.us";
const MAX_BODY: usize = 256 * 1024;

/// Zoom's OAuth server: consent page, tokens, revocation.
///
/// ```no_run
/// # async fn example() -> parfocal_zoom::Result<()> {
/// use parfocal_zoom::auth::{App, OAuth};
///
/// let oauth = OAuth::system()?;
/// let app = App::public("client-id");
/// let request = oauth.authorize(&app, "http://127.0.0.1:9876/callback").build()?;
/// println!("open {}", request.url);
/// # let (state, code) = ("state", "code");
/// let grant = oauth.redeem(&app, &request, state, code).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct OAuth {
    base: Url,
    transport: Transport,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    backoff: Backoff,
    /// Our clock minus Zoom's at the last answer, in seconds; `i64::MIN` before the first.
    skew: Arc<AtomicI64>,
}

/// Whether a request may be sent again although an earlier one may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It gives the same, or another token as good.
    Always,
    /// It uses up what it sends: only when it surely did not get there, or was answered with a failure.
    UnlessLost,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default, deserialize_with = "lenient::field")]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    api_url: Option<String>,
}

impl OAuth {
    /// The server at `https://zoom.us`.
    pub fn new(
        transport: Transport,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        Ok(Self {
            base: transport::base_url(DEFAULT_URL)?,
            transport,
            clock,
            random,
            backoff: Backoff::default(),
            skew: Arc::new(AtomicI64::new(i64::MIN)),
        })
    }

    /// The server at `https://zoom.us`, with the clock and random source of the operating system.
    pub fn system() -> Result<Self> {
        Self::new(
            Transport::new()?,
            Arc::new(SystemClock::new()),
            Arc::new(OsRandom::default()),
        )
    }

    /// The same at another address, without `/oauth`; plain http only to this machine.
    pub fn with_url(mut self, url: &str) -> Result<Self> {
        self.base = transport::base_url(url)?;
        Ok(self)
    }

    /// How often, and with what pauses, the token endpoint is asked again (default 4 attempts within 30 s).
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The server's address.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// How far this machine's clock is ahead of Zoom's (negative: behind), as the last answer told; to the second.
    #[must_use]
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        match self.skew.load(Ordering::Relaxed) {
            i64::MIN => None,
            seconds => Some(SignedDuration::from_secs(seconds)),
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn random_source(&self) -> &Arc<dyn Random> {
        &self.random
    }

    pub(super) fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// Starts to build the address of the consent page, with PKCE unless it is left out.
    pub fn authorize<'a>(&'a self, app: &'a App, redirect_uri: impl Into<String>) -> Authorize<'a> {
        Authorize::new(self, app, redirect_uri.into())
    }

    /// Checks the state that came back, then exchanges the code.
    pub async fn redeem(
        &self,
        app: &App,
        request: &AuthorizationRequest,
        state: &str,
        code: &str,
    ) -> Result<Grant> {
        request.check_state(state)?;
        self.exchange(app, code, &request.redirect_uri, request.pkce.as_ref())
            .await
    }

    /// Exchanges an authorization code; it lives five minutes and works once.
    pub async fn exchange(
        &self,
        app: &App,
        code: &str,
        redirect_uri: &str,
        pkce: Option<&Pkce>,
    ) -> Result<Grant> {
        if app.is_public() && pkce.is_none() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a public client has to use PKCE",
            ));
        }
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
        ];
        if let Some(pkce) = pkce {
            form.push(("code_verifier", pkce.verifier().expose_secret()));
        }
        self.grant(app, form, 1, Again::UnlessLost).await
    }

    /// Exchanges a refresh token; the new grant replaces the old one and has the next generation.
    ///
    /// Failures that Zoom answers with are waited out for a while; a request whose answer was lost is never repeated
    /// here, since it may have used the token up (see [`super::protocol`]).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GrantDead`] when the refresh token is dead, [`ErrorKind::ClientRejected`] when the app's
    /// credentials are wrong (the grant then stays valid).
    pub async fn refresh(&self, app: &App, grant: &Grant) -> Result<Grant> {
        let Some(refresh_token) = &grant.refresh_token else {
            return Err(Error::new(
                ErrorKind::GrantDead,
                "the grant has no refresh token",
            ));
        };
        let form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let mut fresh = self
            .grant(app, form, grant.generation + 1, Again::UnlessLost)
            .await?;
        // Zoom always sends a new one; if it ever does not, the old one has to do.
        fresh.refresh_token = fresh.refresh_token.or_else(|| Some(refresh_token.clone()));
        if fresh.scopes.is_empty() {
            fresh.scopes.clone_from(&grant.scopes);
        }
        fresh.api_url = fresh.api_url.or_else(|| grant.api_url.clone());
        Ok(fresh)
    }

    /// Asks for a server-to-server token of this account.
    pub async fn account_credentials(
        &self,
        app: &App,
        account_id: &str,
        generation: u64,
    ) -> Result<Grant> {
        self.grant(
            app,
            vec![
                ("grant_type", "account_credentials"),
                ("account_id", account_id),
            ],
            generation,
            Again::Always,
        )
        .await
    }

    /// Asks for a token of the app itself.
    pub async fn client_credentials(&self, app: &App, generation: u64) -> Result<Grant> {
        let form = vec![("grant_type", "client_credentials")];
        self.grant(app, form, generation, Again::Always).await
    }

    /// Revokes a grant by its access token; both its tokens die.
    pub async fn revoke(&self, app: &App, access_token: &SecretString) -> Result<()> {
        self.post(
            app,
            "/oauth/revoke",
            vec![("token", access_token.expose_secret())],
            Again::Always,
        )
        .await
        .map(|_| ())
    }

    pub(super) async fn grant(
        &self,
        app: &App,
        form: Vec<(&str, &str)>,
        generation: u64,
        repeat: Again,
    ) -> Result<Grant> {
        let (body, issued_at) = self.post(app, "/oauth/token", form, repeat).await?;
        // serde's message could quote the body, which holds tokens.
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| decode("the token answer is not the JSON it should be"))?;
        let access_token = answer
            .access_token
            .filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()))
            .ok_or_else(|| decode("the token answer holds no usable access token"))?;
        let life =
            SignedDuration::from_secs(answer.expires_in.unwrap_or(3600).clamp(0, 365 * 86_400));
        Ok(Grant {
            access_token: access_token.into(),
            refresh_token: answer
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(Into::into),
            issued_at,
            expires_at: issued_at.saturating_add(life).unwrap_or(Timestamp::MAX),
            scopes: answer
                .scope
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            api_url: answer.api_url.filter(|url| !url.is_empty()),
            generation,
        })
    }

    /// Posts a form, repeating what is safe to repeat; gives the body and the time before the last attempt.
    pub(super) async fn post(
        &self,
        app: &App,
        path: &str,
        mut form: Vec<(&str, &str)>,
        repeat: Again,
    ) -> Result<(bytes::Bytes, Timestamp)> {
        let operation = format!("POST {path}");
        if app.is_public() {
            form.push(("client_id", app.client_id()));
        }
        let mut secrets: Vec<&str> = form
            .iter()
            .filter(|(name, _)| {
                matches!(
                    *name,
                    "code" | "refresh_token" | "token" | "code_verifier" | "device_code"
                )
            })
            .map(|(_, value)| *value)
            .collect();
        // Answers like to repeat what was sent.
        secrets.extend(app.secret().map(ExposeSecret::expose_secret));
        let url = transport::join(&self.base, path)?;
        let started = self.clock.monotonic();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let issued_at = self.clock.now();
            let mut request = self.transport.calls(&url).post(url.clone()).form(&form);
            if let Some(secret) = app.secret() {
                request = request.basic_auth(app.client_id(), Some(secret.expose_secret()));
            }
            let error = match self.send(request, &secrets).await {
                Ok(body) => return Ok((body, issued_at)),
                Err(error) => error,
            };
            let elapsed = self.clock.monotonic().saturating_sub(started);
            let delay = self
                .backoff
                .delay(attempt, error.retry_after(), &*self.random);
            let again = match error.kind() {
                ErrorKind::Server | ErrorKind::RateLimited => true,
                ErrorKind::Network => repeat == Again::Always || !error.may_have_been_received(),
                _ => false,
            };
            if !again || attempt >= self.backoff.attempts || elapsed + delay > self.backoff.total {
                return Err(error
                    .with_operation(operation)
                    .with_effort(attempt, elapsed));
            }
            tracing::debug!(path, attempt, ?delay, error = %error, "the token endpoint is asked again");
            self.clock.sleep_until(self.clock.monotonic() + delay).await;
        }
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        secrets: &[&str],
    ) -> Result<bytes::Bytes> {
        let response = request.send().await.map_err(Error::from_transport)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(RetryAfter::parse)
            .map(|retry| retry.delay(self.clock.now()));
        let tracking = crate::client::tracking_id(response.headers());
        self.compare_clocks(response.headers());
        let body = transport::bounded_body(response, MAX_BODY).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(refusal(status.as_u16(), &body, secrets)
            .with_retry_after(retry_after)
            .with_tracking_id(tracking))
    }

    fn compare_clocks(&self, headers: &http::HeaderMap) {
        let date = headers
            .get("date")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        if let Some(date) = date {
            let ahead = self.clock.now().as_second() - date.timestamp().as_second();
            self.skew.store(ahead, Ordering::Relaxed);
        }
    }
}

pub(super) fn decode(message: &str) -> Error {
    Error::new(ErrorKind::Decode, message).with_received(true)
}
