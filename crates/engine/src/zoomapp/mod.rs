//! The Zoom App: who has it open in Zoom's client, what they may see, and calls to Zoom on their behalf.
//!
//! A session is a row; its cookie is random and only its hash is kept. It says who somebody is once a context that Zoom sealed, or
//! a consent, has proven it; what they may do follows from the connection that is theirs, looked up anew every other second. Tokens
//! stay where all connections keep theirs and are never part of a session.

mod check;
pub mod paths;
mod seat;
mod session;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use parfocal_store::{App as AppRow, Connection, ConnectionId};
use parfocal_zoom::Client;
use parfocal_zoom::context::AppContext;
use parfocal_zoom::limit::Priority;
use serde_json::json;
use url::Url;

pub(crate) use check::check;
pub use parfocal_zoom::context::CONTEXT_HEADER;
pub use paths::{Refused, Route};
pub use seat::Seat;
pub use session::{Entered, Session, Standing};

use crate::App;
use crate::error::{Code, EngineError, Result};

/// Name of the component.
pub const COMPONENT: &str = "zoomapp";
/// How long what is known of a session may be taken from memory, in real time.
const REMEMBER: Duration = Duration::from_secs(2);
/// How long a client may be. Whether its connection still works is asked with the session, and its tokens ask for themselves; a
/// changed secret or plan shows in it after this.
const REMEMBER_CLIENT: Duration = Duration::from_secs(30);
/// Sessions that are kept in memory.
const MOST_REMEMBERED: usize = 20_000;
/// Longest wait for the shared budget: somebody looks at the panel meanwhile.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is known of something, and since when.
type Known<K, V> = Mutex<HashMap<K, (Duration, V)>>;

/// What is known of sessions that were used lately, by the hash of their cookie, and of the clients that act for people.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    sessions: Known<String, Session>,
    clients: Known<ConnectionId, Client>,
}

fn recall<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized, V: Clone>(
    known: &Known<K, V>,
    key: &Q,
    now: Duration,
    life: Duration,
) -> Option<V> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, value) = known.get(key)?;
    (now.saturating_sub(*at) < life).then(|| value.clone())
}

fn remember<K: Hash + Eq, V>(known: &Known<K, V>, key: K, now: Duration, life: Duration, value: V) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST_REMEMBERED {
        known.retain(|_, (at, _)| now.saturating_sub(*at) < life);
    }
    if known.len() < MOST_REMEMBERED {
        known.insert(key, (now, value));
    }
}

impl Cache {
    fn session(&self, hash: &str, now: Duration) -> Option<Session> {
        recall(&self.sessions, hash, now, REMEMBER)
    }

    fn keep(&self, hash: String, now: Duration, session: &Session) {
        remember(&self.sessions, hash, now, REMEMBER, session.clone());
    }

    fn forget(&self, hash: &str) {
        let mut known = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(hash);
    }
}

/// Everything about the Zoom App; from [`App::zoomapp`].
#[derive(Debug, Clone, Copy)]
pub struct ZoomApp<'a> {
    pub(crate) app: &'a App,
}

impl ZoomApp<'_> {
    /// The app that it runs under: the one that the component's setting `app` names, else the only one with a secret.
    pub(crate) async fn row(&self) -> Result<AppRow> {
        let active = self.app.components().active().await?;
        let named = active
            .setting(COMPONENT, "app")
            .filter(|name| !name.is_empty());
        self.app.connections().client_app(named.as_deref()).await
    }

    /// Its client id, which Zoom's client names it by.
    pub async fn client_id(&self) -> Result<String> {
        Ok(self.row().await?.client_id)
    }

    /// Opens what Zoom's client says of who opened the app.
    ///
    /// # Errors
    /// `zoomapp_context_refused`.
    async fn open_context(&self, app: &AppRow, text: &str) -> Result<AppContext> {
        let secret = self.app.connections().context_secret(app).await?;
        let now = self.app.clock().now();
        AppContext::open(text, &secret, &app.client_id, now).map_err(|error| {
            tracing::warn!(app = app.name, %error, "a context of Zoom's client was refused");
            EngineError::new(
                Code::ContextRefused,
                format!("what Zoom's client says of who opened the app is not believed: {error}"),
            )
        })
    }

    /// A client that acts for a session's person, before everything that nobody waits for.
    ///
    /// # Errors
    /// `zoomapp_unauthorized` when nobody has allowed it.
    pub async fn client(&self, session: &Session) -> Result<Client> {
        let connection = session.connection().ok_or_else(not_authorized)?;
        let now = self.app.clock().monotonic();
        let clients = &self.app.zoomapp_cache().clients;
        if let Some(client) = recall(clients, &connection, now, REMEMBER_CLIENT) {
            return Ok(client);
        }
        let row = self
            .app
            .store()
            .connection(self.app.scope(), connection)
            .await?
            .ok_or_else(not_authorized)?;
        let client = self
            .app
            .connections()
            .client(&row)
            .await?
            .with_priority(Priority::Interactive)
            .with_patience(PATIENCE);
        remember(clients, connection, now, REMEMBER_CLIENT, client.clone());
        Ok(client)
    }

    /// The address that opens the app in Zoom's client after it was installed in a browser.
    ///
    /// # Errors
    /// What Zoom refused; `zoom_refused` when the address is none of Zoom's.
    pub async fn deep_link(&self, connection: &Connection, action: &str) -> Result<Url> {
        let client = self.app.connections().client(connection).await?;
        let answer: serde_json::Value = client
            .call(http::Method::POST, "/zoomapp/deeplink")
            .body(&json!({ "action": action }))
            .json()
            .await?;
        let text = answer
            .get("deeplink")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        Url::parse(text)
            .ok()
            .filter(|url| self.is_zooms(url))
            .ok_or_else(|| {
                EngineError::new(
                    Code::ZoomRefused,
                    "Zoom answered with an address that is none of Zoom's",
                )
            })
    }

    /// Whether an address leads to Zoom: its web pages or its client, or the simulator that stands in for both.
    fn is_zooms(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let within = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        match url.scheme() {
            "zoommtg" | "zoomus" => true,
            "https" if within("zoom.us") || within("zoomgov.com") => true,
            "http" | "https" => {
                let oauth = &self.app.config().zoom.oauth_url;
                crate::config::is_loopback(oauth)
                    && (url.host(), url.port()) == (oauth.host(), oauth.port())
            }
            _ => false,
        }
    }

    /// Whether Zoom is a simulator on this machine, so that pages may offer a stand-in for Zoom's client.
    pub fn is_simulated(&self) -> bool {
        crate::config::is_loopback(&self.app.config().zoom.oauth_url)
    }
}

fn not_authorized() -> EngineError {
    EngineError::new(
        Code::NotAuthorized,
        "nobody has allowed this app to act for them in this session",
    )
}
