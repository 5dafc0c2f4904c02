//! Connections: our ways into Zoom accounts, their credentials, their health, and a client for each.

mod connect;
mod env;
mod grants;
mod health;
mod probe;
mod scopes;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use parfocal_store::{
    Account, AccountId, App as AppRow, AppKind, Connection, ConnectionId, ConnectionOrigin,
    ConnectionState, Provider,
};
use parfocal_zoom::Client;
use parfocal_zoom::auth::{App as ZoomApp, TokenSource};
use parfocal_zoom::limit::Plan as ZoomPlan;
use secrecy::SecretString;
use serde::Serialize;

use crate::App;
use crate::budget::AccountLimits;
use crate::config::Plan;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

pub use connect::NewServerToServer;
pub use probe::{Access, Capabilities, Capability};
pub use scopes::MissingScope;

/// Name of the connection whose credentials come from the environment.
pub const ENV_NAME: &str = "env";
/// Where the client secret of the environment's app is.
const ENV_SECRET: &str = "env:ZOOM_S2S_CLIENT_SECRET";
/// Where other client secrets are.
const VAULT_SECRET: &str = "vault:client_secret";
/// Where webhook secrets of connected apps are.
const VAULT_WEBHOOK_SECRET: &str = "vault:webhook_secret";

/// A connection as shown to people and programs; no secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionView {
    /// Our id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// How the app obtains tokens.
    pub kind: AppKind,
    /// Where its credentials come from.
    pub origin: ConnectionOrigin,
    /// Whether it works.
    pub state: ConnectionState,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// The account it reaches.
    pub account: AccountView,
    /// The app it goes through.
    pub app: String,
    /// That app's client id.
    pub client_id: String,
    /// Where Zoom sends that app's events, as a path on this server; none when no secret of it is known.
    pub webhook_path: Option<String>,
    /// Scopes of the present token.
    pub scopes: Vec<String>,
    /// What those scopes do not allow.
    pub missing_scopes: Vec<MissingScope>,
    /// When a call last succeeded.
    pub last_ok: Option<Timestamp>,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An account as shown with its connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountView {
    /// Our id.
    pub id: AccountId,
    /// Zoom's account id.
    pub external_id: String,
    /// A readable name.
    pub name: Option<String>,
    /// The plan whose limits hold: `free`, `pro`, `business` or `off`.
    pub plan: &'static str,
    /// Where the plan is known from: `account`, `configuration`, `seen`, `assumed`.
    pub plan_source: &'static str,
    /// The part of the account's rate budget that is ours.
    pub share: f64,
    /// What the account gives and refuses.
    pub capabilities: Capabilities,
}

/// The clients that are open, by connection.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    open: Mutex<HashMap<ConnectionId, Open>>,
    noted: Mutex<HashMap<ConnectionId, Timestamp>>,
}

#[derive(Debug)]
struct Open {
    client: Client,
    /// What it was built from; a change of app, connection or account makes it stale.
    built_from: (Timestamp, String, String),
}

impl Clients {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: ConnectionId) {
        self.open().remove(&id);
    }
}

/// Everything about connections; from [`App::connections`].
#[derive(Debug, Clone, Copy)]
pub struct Connections<'a> {
    pub(crate) app: &'a App,
}

impl Connections<'_> {
    /// All connections, oldest first.
    pub async fn list(&self) -> Result<Vec<ConnectionView>> {
        let rows = self.app.store().connections(self.app.scope()).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.view(row).await?);
        }
        Ok(views)
    }

    /// A connection by id or name.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` when several have this name.
    pub async fn show(&self, which: &str) -> Result<ConnectionView> {
        self.view(self.find(which).await?).await
    }

    /// The row of a connection by id or name.
    pub async fn find(&self, which: &str) -> Result<Connection> {
        let mut rows = self.app.store().connections(self.app.scope()).await?;
        let id: Option<ConnectionId> = which.parse().ok();
        rows.retain(|row| Some(row.id) == id || row.name == which);
        if rows.len() > 1 && rows.iter().any(|row| self.is_configured(row)) {
            // Of the environment's connections, former ones included, the one that it names now is meant.
            rows.retain(|row| row.origin != ConnectionOrigin::Env || self.is_configured(row));
        }
        if rows.len() > 1 {
            return Err(EngineError::invalid(format!(
                "there are {} connections named {which}",
                rows.len()
            ))
            .with_hint("Name it by its id, from `parfocal connections list`."));
        }
        rows.pop().ok_or_else(|| {
            EngineError::not_found("connection", which)
                .with_hint("`parfocal connections list` shows what there is; `parfocal connect s2s` makes one.")
        })
    }

    /// Whether a connection is the one that the environment names now.
    fn is_configured(self, row: &Connection) -> bool {
        let configured = self.app.config().zoom.account_id.as_deref();
        row.origin == ConnectionOrigin::Env
            && row.state != ConnectionState::Disconnected
            && configured.map(str::trim) == Some(row.subject_id.as_str())
    }

    /// Removes a connection and erases its secrets. What was taken in through it stays.
    ///
    /// # Errors
    /// `env_connection_fixed` for the environment's connection while it is configured.
    pub async fn remove(&self, which: &str) -> Result<()> {
        let row = self.find(which).await?;
        // Removing what cannot be read any more makes room for a new start.
        let fixed = self.is_configured(&row) && self.app.config().zoom.s2s_client_secret.is_some();
        if fixed && self.app.vault().check_keys().await.is_ok() {
            return Err(EngineError::new(
                Code::EnvConnection,
                "the connection `env` is made by the environment's credentials",
            ));
        }
        let scope = self.app.scope();
        let store = self.app.store();
        let grant = store.grant_of(scope, row.app_id, &row.subject_id).await?;
        let shared = store
            .connections(scope)
            .await?
            .iter()
            .any(|other| other.app_id == row.app_id && other.id != row.id);
        let mut tx = store.begin(scope).await?;
        if let Some(grant) = grant {
            tx.delete_secrets_of(&grant.id.to_string()).await?;
            tx.delete_grant(grant.id).await?;
        }
        tx.delete_connection(row.id).await?;
        if !shared {
            // The app's row stays, since events of the inbox name it; its secrets go.
            tx.delete_secrets_of(&row.app_id.to_string()).await?;
        }
        tx.commit().await?;
        self.app.clients().forget(row.id);
        self.app.webhooks().forget_cache();
        Ok(())
    }

    /// The connection through which an account is best reached: a healthy one before a degraded one.
    ///
    /// # Errors
    /// `connection_needs_attention` when none of them works, with the reasons.
    pub async fn for_account(&self, account: AccountId) -> Result<Connection> {
        let mut rows = self.app.store().connections(self.app.scope()).await?;
        rows.retain(|row| row.account_id == account);
        rows.sort_by_key(|row| match row.state {
            ConnectionState::Healthy => 0,
            ConnectionState::Degraded => 1,
            _ => 2,
        });
        let broken: Vec<String> = rows
            .iter()
            .map(|row| {
                format!(
                    "{}: {}",
                    row.name,
                    row.reason.as_deref().unwrap_or(row.state.as_str())
                )
            })
            .collect();
        rows.into_iter()
            .find(|row| {
                matches!(
                    row.state,
                    ConnectionState::Healthy | ConnectionState::Degraded
                )
            })
            .ok_or_else(|| {
                let why = if broken.is_empty() {
                    "no connection reaches this account".to_owned()
                } else {
                    format!(
                        "no connection to this account works ({})",
                        broken.join("; ")
                    )
                };
                EngineError::new(Code::ConnectionNeedsAttention, why)
            })
    }

    /// The accounts that are connected, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.app.store().accounts(self.app.scope()).await?)
    }

    /// A client for the best connection of an account, and which connection that is.
    pub async fn client_for(&self, account: AccountId) -> Result<(Client, Connection)> {
        let connection = self.for_account(account).await?;
        Ok((self.client(&connection).await?, connection))
    }

    /// The client of a connection: paced by the shared budget, its tokens shared by all processes.
    pub async fn client(&self, connection: &Connection) -> Result<Client> {
        let scope = self.app.scope();
        let app = self
            .app
            .store()
            .app(scope, connection.app_id)
            .await?
            .ok_or_else(|| EngineError::not_found("app", connection.app_id))?;
        let account = self
            .app
            .store()
            .account(scope, connection.account_id)
            .await?
            .ok_or_else(|| EngineError::not_found("account", connection.account_id))?;
        self.app
            .budget()
            .set_account(&budget_key(&account), self.limits(&account));
        let built_from = (
            app.updated_at,
            app.client_id.clone(),
            connection.subject_id.clone(),
        );
        if let Some(open) = self.app.clients().open().get(&connection.id)
            && open.built_from == built_from
        {
            return Ok(open.client.clone());
        }
        let secret = self.client_secret(&app).await?;
        let client = self.build(&app, secret, &account, &connection.subject_id)?;
        let open = Open {
            client: client.clone(),
            built_from,
        };
        self.app.clients().open().insert(connection.id, open);
        Ok(client)
    }

    fn build(
        self,
        app: &AppRow,
        secret: Option<SecretString>,
        account: &Account,
        subject: &str,
    ) -> Result<Client> {
        let parts = self.app.parts();
        let tokens = grants::token_store(
            &parts.store,
            &parts.vault,
            &parts.clock,
            self.app.scope(),
            app.id,
            subject,
        );
        let oauth = parts.oauth.clone();
        let source = match (app.kind, secret) {
            (AppKind::ServerToServer, Some(secret)) => {
                let zoom_app = ZoomApp::confidential(app.client_id.clone(), secret);
                TokenSource::server_to_server(oauth, zoom_app, subject)
                    .store(tokens)
                    .build()
            }
            (AppKind::User, Some(secret)) => {
                let zoom_app = ZoomApp::confidential(app.client_id.clone(), secret);
                TokenSource::user(oauth, zoom_app, tokens).build()
            }
            (AppKind::User, None) if app.public => {
                TokenSource::user(oauth, ZoomApp::public(app.client_id.clone()), tokens).build()
            }
            _ => {
                return Err(EngineError::new(
                    Code::ConnectionNeedsAttention,
                    format!(
                        "the client secret of the app {} is not known any more",
                        app.name
                    ),
                ));
            }
        };
        let mut builder = Client::builder(source)
            .download_hosts(&self.app.config().zoom.download_hosts)
            .budget(std::sync::Arc::new(parts.budget.clone()))
            .account(budget_key(account));
        if let Some(url) = &self.app.config().zoom.api_url {
            builder = builder.api_url(url.as_str());
        }
        Ok(builder.build()?)
    }

    /// The client secret of an app: from the environment by reference, or from the vault.
    async fn client_secret(&self, app: &AppRow) -> Result<Option<SecretString>> {
        match app.secret_ref.as_deref() {
            Some(ENV_SECRET) => {
                let zoom = &self.app.config().zoom;
                let same = zoom.s2s_client_id.as_deref() == Some(app.client_id.as_str());
                Ok(zoom
                    .s2s_client_secret
                    .as_ref()
                    .filter(|_| same)
                    .map(crate::config::Secret::to_secret_string))
            }
            Some(_) => {
                let owner = app.id.to_string();
                self.app
                    .vault()
                    .get_text(self.app.scope(), Purpose::ClientSecret, &owner)
                    .await
            }
            None => Ok(None),
        }
    }

    /// The limits of an account: its own plan, else the configured one, else what was seen of it.
    pub(crate) fn limits(self, account: &Account) -> AccountLimits {
        let share = account
            .limits_share
            .unwrap_or(self.app.config().limits.share);
        match self.plan(account).0 {
            Plan::Off => AccountLimits::Off,
            Plan::Business => AccountLimits::Paced {
                plan: ZoomPlan::Business,
                share,
            },
            Plan::Pro => AccountLimits::Paced {
                plan: ZoomPlan::Pro,
                share,
            },
            Plan::Free | Plan::Auto => AccountLimits::Paced {
                plan: ZoomPlan::Free,
                share,
            },
        }
    }

    fn plan(self, account: &Account) -> (Plan, &'static str) {
        let named = |name: &str| match name {
            "free" => Some(Plan::Free),
            "pro" => Some(Plan::Pro),
            "business" => Some(Plan::Business),
            "off" => Some(Plan::Off),
            _ => None,
        };
        if let Some(plan) = account.plan.as_deref().and_then(named) {
            return (plan, "account");
        }
        if self.app.config().limits.plan != Plan::Auto {
            return (self.app.config().limits.plan, "configuration");
        }
        let seen = Capabilities::read(&account.capabilities).plan_hint;
        match seen.as_deref().and_then(named) {
            Some(plan) => (plan, "seen"),
            None => (Plan::Free, "assumed"),
        }
    }

    async fn view(&self, row: Connection) -> Result<ConnectionView> {
        let scope = self.app.scope();
        let store = self.app.store();
        let app = store
            .app(scope, row.app_id)
            .await?
            .ok_or_else(|| EngineError::not_found("app", row.app_id))?;
        let account = store
            .account(scope, row.account_id)
            .await?
            .ok_or_else(|| EngineError::not_found("account", row.account_id))?;
        let scopes = store
            .grant_of(scope, row.app_id, &row.subject_id)
            .await?
            .map(|grant| grant.scopes)
            .unwrap_or_default();
        let (plan, plan_source) = self.plan(&account);
        let has_secret = !app.webhook_secrets.is_empty();
        let any_secret = has_secret || !self.app.config().zoom.webhook_secret_token.is_empty();
        Ok(ConnectionView {
            id: row.id,
            name: row.name,
            kind: app.kind,
            origin: row.origin,
            state: row.state,
            reason: row.reason,
            account: AccountView {
                id: account.id,
                plan: plan.as_str(),
                plan_source,
                share: account
                    .limits_share
                    .unwrap_or(self.app.config().limits.share),
                capabilities: Capabilities::read(&account.capabilities),
                external_id: account.external_id,
                name: account.name,
            },
            webhook_path: any_secret.then(|| {
                if has_secret {
                    format!("/webhooks/zoom/{}", app.name)
                } else {
                    "/webhooks/zoom".to_owned()
                }
            }),
            app: app.name,
            client_id: app.client_id,
            missing_scopes: scopes::missing(&scopes),
            scopes,
            last_ok: row.last_ok,
            last_error: row.last_error,
            last_error_at: row.last_error_at,
            created_at: row.created_at,
        })
    }
}

/// The key of an account in the shared budget.
pub(crate) fn budget_key(account: &Account) -> String {
    format!("{}/{}", Provider::Zoom, account.external_id)
}
