//! Connections: our ways into Zoom accounts, their credentials, their health, and a client for each.

mod apps;
mod checklist;
mod connect;
mod device;
mod env;
pub(crate) mod erase;
mod events;
mod features;
mod findings;
mod grants;
mod health;
mod identity;
mod in_client;
mod install;
mod links;
mod place;
mod probe;
mod removal;
pub mod scopes;
mod view;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use parfocal_store::{
    Account, AccountId, App as AppRow, AppId, AppKind, Connection, ConnectionId, ConnectionOrigin,
    ConnectionState, Provider,
};
use parfocal_zoom::Client;
use parfocal_zoom::auth::TokenSource;
use parfocal_zoom::limit::Plan as ZoomPlan;

use crate::App;
use crate::budget::AccountLimits;
use crate::config::Plan;
use crate::error::{Code, EngineError, Result};

pub use apps::{AppView, NewUserApp};
pub use connect::NewServerToServer;
pub use device::{DevicePoll, DevicePrompt};
pub use erase::Erased;
pub use features::{Feature, Level};
pub use findings::{Finding, Switches, Weight};
pub(crate) use grants::EXCHANGE;
pub use identity::{Finished, FinishedPurpose};
pub use in_client::{ChallengeMethod, InClient};
pub use install::{BeginUser, Consent, Purpose, Returned};
pub use links::{LinkState, LinkView, MadeLink, NewLink};
pub use place::Cloud;
pub use probe::{Access, Capabilities, Capability};
pub(crate) use removal::deauthorized;
pub use removal::{Remove, Removed, Revoked};
pub use scopes::{ChecklistFacts, EventNeed, FeatureHealth, MissingScope, Needed, ScopeNeed};
pub use view::{AccountView, ConnectionView, GrantView};

/// Name of the connection whose credentials come from the environment.
pub const ENV_NAME: &str = "env";
/// Where the client secret of the environment's app is.
const ENV_SECRET: &str = "env:ZOOM_S2S_CLIENT_SECRET";
/// Where other client secrets are.
const VAULT_SECRET: &str = "vault:client_secret";
/// Where webhook secrets of connected apps are.
const VAULT_WEBHOOK_SECRET: &str = "vault:webhook_secret";

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
            EngineError::not_found("connection", which).with_hint(
                "`parfocal connections list` shows what there is; `parfocal connect` makes one.",
            )
        })
    }

    /// Whether a connection is the one that the environment names now.
    fn is_configured(self, row: &Connection) -> bool {
        let configured = self.app.config().zoom.account_id.as_deref();
        row.origin == ConnectionOrigin::Env
            && row.state != ConnectionState::Disconnected
            && configured.map(str::trim) == Some(row.subject_id.as_str())
    }

    /// The connection through which an account is best reached: one that sees the whole account before one that sees
    /// its own person, a healthy one before a degraded one, and a server-to-server one that Zoom refused last time
    /// before none.
    ///
    /// While a connection to the whole account waits to be put right, no person's stands in for it: what Zoom would
    /// refuse that person would be taken for what the account cannot give.
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
        let wide = self.account_wide(&rows).await?;
        if !wide.is_empty() {
            rows.retain(|row| wide.contains(&row.id));
        }
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
        for row in rows {
            let usable = match row.state {
                ConnectionState::Healthy | ConnectionState::Degraded => true,
                // Its tokens need no person: asking for one is how it is noticed that the app is welcome again.
                ConnectionState::NeedsReconnect => {
                    self.app_row(row.app_id).await?.kind == AppKind::ServerToServer
                }
                _ => false,
            };
            if usable {
                return Ok(row);
            }
        }
        let why = if broken.is_empty() {
            "no connection reaches this account".to_owned()
        } else {
            format!(
                "no connection to this account works ({})",
                broken.join("; ")
            )
        };
        Err(EngineError::new(Code::ConnectionNeedsAttention, why))
    }

    /// Of an account's connections, those that see all of it, whether they work or not; none that was ended.
    async fn account_wide(&self, rows: &[Connection]) -> Result<Vec<ConnectionId>> {
        let (store, scope) = (self.app.store(), self.app.scope());
        let apps: HashMap<AppId, AppKind> = store
            .apps(scope)
            .await?
            .into_iter()
            .map(|app| (app.id, app.kind))
            .collect();
        let rows = rows
            .iter()
            .filter(|row| row.state != ConnectionState::Disconnected);
        let (servers, people): (Vec<&Connection>, Vec<&Connection>) =
            rows.partition(|row| apps.get(&row.app_id) == Some(&AppKind::ServerToServer));
        let mut wide: Vec<ConnectionId> = servers.iter().map(|row| row.id).collect();
        // With one that works, the grants of perhaps thousands of people need not be read.
        if servers
            .iter()
            .any(|row| row.state == ConnectionState::Healthy)
        {
            return Ok(wide);
        }
        for row in people {
            let grant = store.grant_of(scope, row.app_id, &row.subject_id).await?;
            let granted = grant.map(|grant| grant.scopes).unwrap_or_default();
            if scopes::level_of(AppKind::User, &granted) != Level::User {
                wide.push(row.id);
            }
        }
        Ok(wide)
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
        let zoom_app = self.zoom_app(&app).await?;
        let (store, clock) = (self.app.store(), self.app.clock());
        grants::ensure_row(store, clock, scope, app.id, &connection.subject_id).await?;
        let client = self.build(&app, zoom_app, &account, &connection.subject_id)?;
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
        zoom_app: parfocal_zoom::auth::App,
        account: &Account,
        subject: &str,
    ) -> Result<Client> {
        let rotating = app.kind == AppKind::User;
        let tokens = grants::token_store(self.app, app.id, subject, rotating);
        let oauth = self.oauth(&app.place)?;
        let source = if rotating {
            TokenSource::user(oauth, zoom_app, tokens).build()
        } else {
            TokenSource::server_to_server(oauth, zoom_app, subject)
                .store(tokens)
                .build()
        };
        self.client_at(&app.place, source, budget_key(account))
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
}

/// The key of an account in the shared budget.
pub(crate) fn budget_key(account: &Account) -> String {
    format!("{}/{}", Provider::Zoom, account.external_id)
}
