//! What Zoom gives for a grant, and its form at rest.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// An access token, with the generation of the grant it belongs to.
#[derive(Clone)]
pub struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) generation: u64,
    pub(crate) api_url: Option<String>,
}

impl AccessToken {
    /// The token itself, to put into an `Authorization` header.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Which refresh it came from.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The API address Zoom named with it, without `/v2`.
    #[must_use]
    pub fn api_url(&self) -> Option<&str> {
        self.api_url.as_deref()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The tokens of one grant; a new value for each refresh.
///
/// Zoom's tokens are 600 to more than 1,000 characters long and must be treated as opaque.
#[derive(Clone)]
pub struct Grant {
    /// The access token; lives an hour.
    pub access_token: SecretString,
    /// The refresh token; lives 90 days and is used once. `None` for grants that are asked for anew.
    pub refresh_token: Option<SecretString>,
    /// When the access token was given.
    pub issued_at: Timestamp,
    /// When the access token expires.
    pub expires_at: Timestamp,
    /// The granted scopes, in no particular order.
    pub scopes: Vec<String>,
    /// The regional API address, without `/v2`.
    pub api_url: Option<String>,
    /// Counts the refreshes; a higher one is newer.
    pub generation: u64,
}

/// A stored grant could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the stored grant could not be read: {0}")]
pub struct UnreadableGrant(String);

#[derive(Serialize, Deserialize)]
struct AtRest {
    v: u32,
    access_token: String,
    refresh_token: Option<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    scopes: Vec<String>,
    api_url: Option<String>,
    generation: u64,
}

impl Drop for AtRest {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

impl Grant {
    /// The grant as JSON, tokens in the clear: for a store that encrypts it. Wiped from memory when dropped.
    #[must_use]
    pub fn to_plaintext(&self) -> Zeroizing<Vec<u8>> {
        let at_rest = AtRest {
            v: 1,
            access_token: self.access_token.expose_secret().to_owned(),
            refresh_token: self
                .refresh_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scopes: self.scopes.clone(),
            api_url: self.api_url.clone(),
            generation: self.generation,
        };
        Zeroizing::new(
            serde_json::to_vec(&at_rest).expect("strings and numbers can be written as JSON"),
        )
    }

    /// Reads what [`Grant::to_plaintext`] wrote.
    pub fn from_plaintext(bytes: &[u8]) -> Result<Self, UnreadableGrant> {
        // serde's message could quote the input, which holds tokens: only its position is passed on.
        let mut at_rest: AtRest = serde_json::from_slice(bytes).map_err(|error| {
            UnreadableGrant(format!("line {} column {}", error.line(), error.column()))
        })?;
        if at_rest.v != 1 {
            return Err(UnreadableGrant(format!("version {} is unknown", at_rest.v)));
        }
        Ok(Self {
            access_token: std::mem::take(&mut at_rest.access_token).into(),
            refresh_token: at_rest.refresh_token.take().map(Into::into),
            issued_at: at_rest.issued_at,
            expires_at: at_rest.expires_at,
            scopes: std::mem::take(&mut at_rest.scopes),
            api_url: at_rest.api_url.take(),
            generation: at_rest.generation,
        })
    }

    /// Whether the access token is good for `margin` more at `now`.
    ///
    /// A token that was given for less than twice the margin is good for half its life.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp, margin: Duration) -> bool {
        let margin = SignedDuration::try_from(margin).unwrap_or(SignedDuration::MAX);
        let life = self.expires_at.duration_since(self.issued_at);
        let margin = margin.min(life / 2);
        self.expires_at.duration_since(now) > margin
    }

    /// Whether the grant has this scope, or its `:admin` form.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes
            .iter()
            .any(|held| held == scope || held.strip_suffix(":admin") == Some(scope))
    }

    pub(crate) fn access(&self) -> AccessToken {
        AccessToken {
            secret: self.access_token.clone(),
            generation: self.generation,
            api_url: self.api_url.clone(),
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes.len())
            .field("api_url", &self.api_url)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
