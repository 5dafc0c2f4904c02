//! OAuth with Zoom: one [`TokenSource`] over every way to get a token.
//!
//! | mode | grant | acts as |
//! | --- | --- | --- |
//! | [`TokenSource::server_to_server`] | `account_credentials` | the account |
//! | [`TokenSource::user`] | `authorization_code`, then `refresh_token` | the user who agreed |
//! | the same after [`OAuth::device`] | `device_code`, then `refresh_token` | the user who agreed on another machine |
//! | [`TokenSource::client_credentials`] | `client_credentials` | the app itself |
//!
//! Zoom rotates refresh tokens: each refresh returns a new one and the old one dies. So a source refreshes one at a
//! time, early, and stores the new pair *before* it uses it; see [`TokenStore`] and, for the rules, [`protocol`].

mod authorize;
mod device;
mod endpoint;
mod file;
mod grant;
pub mod protocol;
mod refusal;
mod source;
mod store;

pub use authorize::{AuthorizationRequest, Authorize, Pkce};
pub use device::{Device, DevicePoll};
pub use endpoint::OAuth;
pub use file::{EncryptedFileStore, EncryptionKey, InvalidKey};
pub use grant::{AccessToken, Grant};
pub use refusal::Refusal;
pub use source::{TokenSource, TokenSourceBuilder};
pub use store::{MemoryStore, RefreshEnd, RefreshLease, Standing, StoreError, TokenStore};

use std::fmt;

use secrecy::SecretString;

/// The OAuth client of an app registered with Zoom.
#[derive(Clone)]
pub struct App {
    client_id: String,
    client_secret: Option<SecretString>,
}

impl App {
    /// A client that can keep a secret: it signs in with a Basic header.
    pub fn confidential(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: Some(client_secret.into()),
        }
    }

    /// A public client (desktop program, command line): no secret, PKCE instead. Zoom gives it a client id of its own.
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
        }
    }

    /// The client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether the client has no secret.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.client_secret.is_none()
    }

    pub(crate) fn secret(&self) -> Option<&SecretString> {
        self.client_secret.as_ref()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .field("public", &self.is_public())
            .finish_non_exhaustive()
    }
}
