//! The identity provider: its description, its keys, and what it answers. Everything it says is bounded and looked at.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::token::{self, Doubt, Expected, Jwk};
use crate::config::{Oidc, is_safe};
use crate::error::{Code, EngineError, Result};

/// Largest answer that is read, in bytes.
const MOST: usize = 256 * 1024;
/// How long the description and the keys are taken from memory.
const KEEP: Duration = Duration::from_hours(1);
/// How soon the keys may be asked for once more because none of them has signed a token: a provider that signs with keys it does
/// not publish must not be asked with every sign-in.
const AGAIN: Duration = Duration::from_secs(30);

/// What of the description is used (OpenID Connect Discovery 1.0).
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct KeyList {
    keys: Vec<Value>,
}

/// What a code was exchanged for.
#[derive(Deserialize)]
struct Tokens {
    id_token: SecretString,
    access_token: Option<SecretString>,
}

/// What is known of the provider, and since when.
#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Duration, Arc<Metadata>)>,
    keys: Option<(Duration, Arc<Vec<Jwk>>)>,
    /// When they were last asked for before their time.
    renewed: Option<Duration>,
}

/// The provider, for as long as the process lives.
#[derive(Debug)]
pub(crate) struct Provider {
    client: Client,
    known: Mutex<Known>,
}

/// What an answer that came back has to fit.
pub(super) struct Answer<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: jiff::Timestamp,
    pub(super) at: Duration,
}

impl Provider {
    /// A client for the provider of a configuration that was validated.
    pub(crate) fn of(oidc: &Oidc) -> Result<Self> {
        let mut builder = Client::builder()
            .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            // An answer that sends elsewhere would carry codes and secrets along.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        let near = oidc
            .issuer
            .as_deref()
            .and_then(|text| Url::parse(text).ok());
        if near.is_some_and(|url| crate::config::is_loopback(&url)) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            EngineError::new(
                Code::Internal,
                "the client for the provider could not be built",
            )
            .with_source(error)
        })?;
        Ok(Self {
            client,
            known: Mutex::default(),
        })
    }

    /// The provider's description, fetched at most once an hour.
    pub(super) async fn metadata(&self, oidc: &Oidc, at: Duration) -> Result<Arc<Metadata>> {
        let mut known = self.known.lock().await;
        if let Some((since, metadata)) = &known.metadata
            && at.saturating_sub(*since) < KEEP
        {
            return Ok(Arc::clone(metadata));
        }
        let issuer = oidc.issuer.as_deref().unwrap_or_default();
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let metadata: Metadata = self
            .read("its description", self.client.get(address))
            .await?;
        if metadata.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(unusable(&format!(
                "the description is that of {:?}, and oidc.issuer is {issuer:?}",
                short(&metadata.issuer)
            )));
        }
        let local = Url::parse(issuer).is_ok_and(|url| crate::config::is_loopback(&url));
        let addresses = [
            Some(&metadata.authorization_endpoint),
            Some(&metadata.token_endpoint),
            Some(&metadata.jwks_uri),
            metadata.userinfo_endpoint.as_ref(),
        ];
        for url in addresses.into_iter().flatten() {
            // A provider elsewhere has no business on this machine.
            if !is_safe(url) || (crate::config::is_loopback(url) && !local) {
                return Err(unusable(&format!(
                    "the description names {url}, which is not safe"
                )));
            }
        }
        let metadata = Arc::new(metadata);
        known.metadata = Some((at, Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// The provider's keys; `anew` when those in memory do not do.
    async fn keys(&self, metadata: &Metadata, at: Duration, anew: bool) -> Result<Arc<Vec<Jwk>>> {
        let mut known = self.known.lock().await;
        let lately = known
            .renewed
            .is_some_and(|renewed| at.saturating_sub(renewed) < AGAIN);
        if let Some((since, keys)) = &known.keys
            && at.saturating_sub(*since) < KEEP
            && (!anew || lately)
        {
            return Ok(Arc::clone(keys));
        }
        if anew {
            known.renewed = Some(at);
        }
        let request = self.client.get(metadata.jwks_uri.clone());
        let list: KeyList = self.read("its keys", request).await?;
        // Keys of kinds that are not known here are for others.
        let keys: Vec<Jwk> = list
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok())
            .collect();
        let keys = Arc::new(keys);
        known.keys = Some((at, Arc::clone(&keys)));
        Ok(keys)
    }

    /// Exchanges a code and verifies what came: the claims, with those of the user info where lists need more than the token says.
    ///
    /// # Errors
    /// `signin_refused`, `signin_unavailable`.
    pub(super) async fn claims(&self, oidc: &Oidc, answer: &Answer<'_>) -> Result<Value> {
        let metadata = self.metadata(oidc, answer.at).await?;
        let tokens = self.exchange(oidc, &metadata, answer).await?;
        let id_token = tokens.id_token.expose_secret();
        let expected = Expected {
            issuer: &metadata.issuer,
            audience: oidc.client_id.as_deref().unwrap_or_default(),
            nonce: answer.nonce,
            now: answer.now,
        };
        let keys = self.keys(&metadata, answer.at, false).await?;
        let mut found = token::claims(id_token, &keys, &expected);
        if matches!(found, Err(Doubt::UnknownKey)) {
            let newer = self.keys(&metadata, answer.at, true).await?;
            found = token::claims(id_token, &newer, &expected);
        }
        let mut claims = found.map_err(|doubt| {
            let why = match doubt {
                Doubt::UnknownKey => "no key of the provider has signed it",
                Doubt::Wrong(why) => why,
            };
            EngineError::new(
                Code::SignInRefused,
                format!("the provider's token is not believed: {why}"),
            )
        })?;
        let lacks = claims.get("email").is_none()
            || (oidc.asks_for_groups() && claims.get(&oidc.groups_claim).is_none());
        if let (true, Some(url), Some(access)) =
            (lacks, &metadata.userinfo_endpoint, &tokens.access_token)
        {
            let request = self
                .client
                .get(url.clone())
                .bearer_auth(access.expose_secret());
            let more: Value = self.read("about the person", request).await?;
            // Somebody else's would be swapped in.
            if more["sub"] == claims["sub"] {
                for name in [
                    "email",
                    "email_verified",
                    "name",
                    oidc.groups_claim.as_str(),
                ] {
                    if claims.get(name).is_none()
                        && let Some(value) = more.get(name)
                    {
                        claims[name] = value.clone();
                    }
                }
            }
        }
        Ok(claims)
    }

    async fn exchange(
        &self,
        oidc: &Oidc,
        metadata: &Metadata,
        answer: &Answer<'_>,
    ) -> Result<Tokens> {
        let client_id = oidc.client_id.as_deref().unwrap_or_default();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", answer.redirect_uri),
            ("code_verifier", answer.verifier),
        ];
        let mut request = self.client.post(metadata.token_endpoint.clone());
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let in_header =
            methods.is_empty() || methods.iter().any(|one| one == "client_secret_basic");
        match &oidc.client_secret {
            Some(secret) if in_header => {
                let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let both = format!("{}:{}", escaped(client_id), escaped(secret.expose()));
                request =
                    request.header("authorization", format!("Basic {}", STANDARD.encode(both)));
            }
            Some(secret) => {
                form.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            }
            None => form.push(("client_id", client_id)),
        }
        self.read("the code", request.form(&form)).await
    }

    /// Sends a request and reads a JSON answer.
    async fn read<T: DeserializeOwned>(&self, what: &str, request: RequestBuilder) -> Result<T> {
        let lost = |error: reqwest::Error| {
            let error = error.without_url();
            unusable(&format!("asked for {what}, it does not answer: {error}")).with_source(error)
        };
        let mut answer = request
            .header("accept", "application/json")
            .send()
            .await
            .map_err(lost)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MOST {
                return Err(unusable(&format!(
                    "asked for {what}, it answers without end"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_client_error() {
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            let word = |name: &str| short(said[name].as_str().unwrap_or_default());
            return Err(EngineError::new(
                Code::SignInRefused,
                format!(
                    "asked for {what}, the provider said {status}: {} {}",
                    word("error"),
                    word("error_description")
                )
                .trim_end()
                .to_owned(),
            ));
        }
        if !status.is_success() {
            return Err(unusable(&format!("asked for {what}, it said {status}")));
        }
        serde_json::from_slice(&body).map_err(|error| {
            unusable(&format!(
                "asked for {what}, its answer does not fit: {error}"
            ))
        })
    }
}

fn unusable(why: &str) -> EngineError {
    EngineError::new(
        Code::SignInUnavailable,
        format!("the identity provider cannot be used: {why}"),
    )
}

/// A word of somebody else's, for a message: bounded and without control characters.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
