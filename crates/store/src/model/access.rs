//! Who we are to a provider: workspaces, apps, accounts, connections, grants, secrets, pending logins.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Provider, words};
use crate::id::{AccountId, AppId, ConnectionId, GrantId, LinkId, SecretId, WorkspaceId};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: Json,
}

words! {
    /// How an app obtains tokens.
    AppKind {
        /// Server-to-server: account credentials.
        ServerToServer = "s2s",
        /// User-managed: authorization code.
        User = "user",
        /// Only webhooks arrive under this app.
        Webhook = "webhook",
    }
}

/// An app registered with a provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// The provider.
    pub provider: Provider,
    /// How it obtains tokens.
    pub kind: AppKind,
    /// The name it has in addresses (`/webhooks/zoom/{app}`).
    pub name: String,
    /// Its client id.
    pub client_id: String,
    /// Where its client secret is: a vault purpose, or the name of the environment variable.
    pub secret_ref: Option<String>,
    /// Where its webhook secret tokens are, newest first.
    pub webhook_secrets: Vec<String>,
    /// Whether it is a public client (PKCE, no secret).
    pub public: bool,
    /// Where it lives.
    pub place: AppPlace,
    /// The client id that stands for all clients of one marketplace app, when it is another one's.
    pub family: Option<String>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// The cloud in which an app is registered, and addresses that differ from that cloud's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppPlace {
    /// `commercial`, `gov` or `other`.
    pub cloud: String,
    /// Address of consent and token pages, when it is not the cloud's.
    pub oauth_url: Option<String>,
    /// Address of the API, when it is not the cloud's.
    pub api_url: Option<String>,
}

impl Default for AppPlace {
    fn default() -> Self {
        Self {
            cloud: "commercial".to_owned(),
            oauth_url: None,
            api_url: None,
        }
    }
}

/// What is known of an app when it is put in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApp {
    /// The provider.
    pub provider: Provider,
    /// How it obtains tokens.
    pub kind: AppKind,
    /// The name it has in addresses.
    pub name: String,
    /// Its client id; with the provider, the key.
    pub client_id: String,
    /// Where its client secret is.
    pub secret_ref: Option<String>,
    /// Where its webhook secret tokens are, newest first.
    pub webhook_secrets: Vec<String>,
    /// Whether it is a public client.
    pub public: bool,
}

/// A provider's account: the owner of everything taken in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// The provider.
    pub provider: Provider,
    /// The provider's account id.
    pub external_id: String,
    /// A readable name.
    pub name: Option<String>,
    /// The plan, as configured or probed (`free`, `pro`, `business` …).
    pub plan: Option<String>,
    /// The region or cloud, when not the usual one.
    pub region: Option<String>,
    /// The share of the account's rate limits that is ours (0 to 1).
    pub limits_share: Option<f64>,
    /// What the account can do, as probed.
    pub capabilities: Json,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// What is known of an account when it is put in; what is `None` keeps its value.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAccount {
    /// The provider.
    pub provider: Provider,
    /// The provider's account id; with the provider, the key.
    pub external_id: String,
    /// A readable name.
    pub name: Option<String>,
    /// The plan.
    pub plan: Option<String>,
    /// The region or cloud.
    pub region: Option<String>,
    /// Our share of the limits.
    pub limits_share: Option<f64>,
    /// What the account can do.
    pub capabilities: Option<Json>,
}

words! {
    /// Whether a connection works.
    ConnectionState {
        /// Everything asked for works.
        Healthy = "healthy",
        /// It works, but something is missing (see the reason).
        Degraded = "degraded",
        /// A person has to connect again.
        NeedsReconnect = "needs_reconnect",
        /// The app was removed, or we were told to stop.
        Disconnected = "disconnected",
    }
}

words! {
    /// Where a connection's credentials come from.
    ConnectionOrigin {
        /// The vault.
        Vault = "vault",
        /// The environment: referenced, never stored.
        Env = "env",
    }
}

/// One way of ours into an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// The app it goes through.
    pub app_id: AppId,
    /// The account it reaches.
    pub account_id: AccountId,
    /// The provider's id of the user who consented; the account's id for server-to-server.
    pub subject_id: String,
    /// A readable name.
    pub name: String,
    /// Where its credentials come from.
    pub origin: ConnectionOrigin,
    /// Whether it works.
    pub state: ConnectionState,
    /// Why it is in that state, for a person.
    pub reason: Option<String>,
    /// When a call last succeeded.
    pub last_ok: Option<Timestamp>,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A connection to put in; (app, account, subject) is the key.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConnection {
    /// The app it goes through.
    pub app_id: AppId,
    /// The account it reaches.
    pub account_id: AccountId,
    /// The provider's id of the user who consented; the account's id for server-to-server.
    pub subject_id: String,
    /// A readable name.
    pub name: String,
    /// Where its credentials come from.
    pub origin: ConnectionOrigin,
}

/// An OAuth grant of (app, identity). Its tokens are vault rows owned by it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// The app.
    pub app_id: AppId,
    /// The provider.
    pub provider: Provider,
    /// The identity: the provider's user id, or account id for server-to-server.
    pub subject_external_id: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The address of the API this grant is for, as the provider told it.
    pub api_url: Option<String>,
    /// When the access token ends.
    pub access_exp: Option<Timestamp>,
    /// Counts the token pairs; a newer pair has a higher number.
    pub generation: i64,
    /// Until when somebody holds it for a refresh.
    pub lease_until: Option<Timestamp>,
    /// When a refresh was begun whose answer is not known yet.
    pub pending_refresh: Option<Timestamp>,
    /// How often the refresh token of this generation was shown to the provider without an answer.
    pub asked: i64,
    /// How many refreshes in a row were answered with a failure.
    pub failures: i64,
    /// Until when nobody asks again, after failures.
    pub refresh_after: Option<Timestamp>,
    /// Why it can never be used again, if so.
    pub dead_reason: Option<String>,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A grant to put in after a consent or a first token; (app, subject) is the key.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrant {
    /// The app.
    pub app_id: AppId,
    /// The provider.
    pub provider: Provider,
    /// The identity.
    pub subject_external_id: String,
    /// What the tokens allow.
    pub tokens: GrantTokens,
}

/// What is known of a token pair besides the tokens themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantTokens {
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The address of the API, when the provider told one (else the old one stays).
    pub api_url: Option<String>,
    /// When the access token ends.
    pub access_exp: Option<Timestamp>,
}

/// The right to refresh a grant, until an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantLease {
    /// The grant.
    pub grant: GrantId,
    /// The generation at the time of the lease: a refresh is only stored on top of it.
    pub generation: i64,
    /// When the lease ends by itself.
    pub until: Timestamp,
    pub(crate) token: String,
}

/// The answer to asking for a [`GrantLease`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It is yours. The pending refresh of a holder who vanished is told along.
    Held {
        /// Your lease.
        lease: GrantLease,
        /// When a former holder began a refresh whose answer never arrived.
        pending_refresh: Option<Timestamp>,
        /// How many such refreshes there were with the token of this generation.
        asked: i64,
        /// How many refreshes in a row were answered with a failure.
        failures: i64,
    },
    /// Somebody else has it, until then at the latest.
    HeldElsewhere {
        /// When to look again at the latest.
        until: Timestamp,
    },
    /// Refreshes failed, and it is not time to try again.
    Paused {
        /// When it is.
        until: Timestamp,
        /// How many failed in a row.
        failures: i64,
    },
    /// There is no such grant, or it is dead.
    Gone,
}

/// What is known when a lease is given back without a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRelease {
    /// The provider may have made a pair that never arrived: the ask stays counted.
    Unanswered {
        /// What the count is raised to, unless it is higher already.
        asked: i64,
    },
    /// It is certain that the provider made none: the ask does not count.
    WithoutEffect {
        /// After a failure, when to ask again at the earliest.
        pause_until: Option<Timestamp>,
    },
}

/// What became of the pair of a holder who was overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePair {
    /// It is the grant's pair now.
    Stored,
    /// Somebody else is asking; try again then.
    Wait {
        /// When their lease ends at the latest.
        until: Timestamp,
    },
    /// A newer pair is there, or the grant was taken back.
    Superseded,
}

/// An encrypted value of the vault.
///
/// The associated data of the encryption are purpose, workspace and owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// What it is for.
    pub purpose: String,
    /// Whose it is.
    pub owner_id: String,
    /// The key it is encrypted under.
    pub key_id: String,
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
    /// When it was written.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("owner_id", &self.owner_id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// What an encryption made.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key it is encrypted under.
    pub key_id: String,
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// A login that was begun: what the callback must find again, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthState {
    /// Hash of the `state` parameter; the parameter itself is not stored.
    pub hash: String,
    /// What the login is for.
    pub purpose: String,
    /// Through which app.
    pub app_id: AppId,
    /// Where the PKCE verifier is: the owner of its vault row.
    pub verifier_ref: Option<String>,
    /// Whatever the callback needs to know, as JSON text.
    pub data: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it stops being valid.
    pub expires: Timestamp,
    /// When it was used, which it can be once.
    pub used_at: Option<Timestamp>,
}

/// A link to send to a person, through which they can connect once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectLink {
    /// Its id.
    pub id: LinkId,
    /// The workspace it belongs to.
    #[serde(skip)]
    pub workspace: WorkspaceId,
    /// The app it leads to.
    pub app_id: AppId,
    /// For whom it is.
    pub name: Option<String>,
    /// Scopes that are asked for; empty: the app's own.
    pub scopes: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being valid.
    pub expires: Timestamp,
    /// When somebody connected through it.
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// The connection that was made through it.
    pub connection_id: Option<ConnectionId>,
}

/// A link to put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnectLink {
    /// Hash of its token; the token itself is not stored.
    pub token_hash: String,
    /// The app it leads to.
    pub app_id: AppId,
    /// For whom it is.
    pub name: Option<String>,
    /// Scopes that are asked for.
    pub scopes: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// When it stops being valid.
    pub expires: Timestamp,
}
