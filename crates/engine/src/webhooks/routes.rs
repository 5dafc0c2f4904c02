//! Which secret belongs to which app, and which connection an event is about; kept in memory, since the database is
//! not asked for each event.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use parfocal_store::{
    AppId, AppKind, ConnectionId, ConnectionState, NewApp, Provider, Scope, WorkspaceId,
};
use parfocal_zoom::webhook::{Verifier, WebhookSecret};
use secrecy::ExposeSecret;

use crate::App;
use crate::config::Secret;
use crate::connections::Capabilities;
use crate::error::Result;
use crate::vault::Purpose;

/// The app of secrets that the configuration does not give to a particular app.
const DEFAULT_APP: &str = "default";
/// What an app's row says of a secret that lies in the vault.
const IN_VAULT: &str = "vault:webhook_secret";
/// Changes that other processes made are seen after this at the latest.
const TTL: Duration = Duration::from_secs(5);
/// What is not known is looked up anew at most this often.
const MISS_PAUSE: Duration = Duration::from_secs(1);

/// An app whose events may arrive.
#[derive(Debug)]
pub(super) struct RoutedApp {
    pub(super) id: AppId,
    pub(super) id_text: String,
    pub(super) workspace: WorkspaceId,
    /// The operator's own secret, not tied to an app: its events may concern any connected account.
    any_account: bool,
}

/// The connection an event is about.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) connection: ConnectionId,
    /// The account's id as it is stored; Zoom may use another one in events.
    pub(super) account: String,
    works: bool,
}

/// Secrets with the apps they belong to.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) verifier: Verifier,
    secrets: Vec<WebhookSecret>,
    apps: Vec<usize>,
}

impl Door {
    fn new(secrets: Vec<WebhookSecret>, apps: Vec<usize>) -> Self {
        Self {
            verifier: Verifier::new(secrets.iter().cloned()),
            secrets,
            apps,
        }
    }

    /// The secret that matched.
    pub(super) fn secret(&self, index: usize) -> &WebhookSecret {
        &self.secrets[index]
    }
}

/// One state of the cache.
#[derive(Debug)]
pub(super) struct Routes {
    at: Duration,
    apps: Vec<RoutedApp>,
    bare: Door,
    named: HashMap<String, Door>,
    by_app: HashMap<(AppId, String), Target>,
    by_account: HashMap<(WorkspaceId, String), Target>,
}

impl Routes {
    /// The secrets of a path: those of the named app, or all.
    pub(super) fn door(&self, app: Option<&str>) -> Option<&Door> {
        match app {
            None => Some(&self.bare),
            Some(name) => self.named.get(name),
        }
    }

    /// The app whose secret matched.
    pub(super) fn app(&self, door: &Door, secret: usize) -> &RoutedApp {
        &self.apps[door.apps[secret]]
    }

    /// The connection that an event of this app and account is about.
    pub(super) fn target(&self, app: &RoutedApp, account: &str) -> Option<&Target> {
        let own = self.by_app.get(&(app.id, account.to_owned()));
        if own.is_some() || !app.any_account {
            return own;
        }
        self.by_account.get(&(app.workspace, account.to_owned()))
    }

    pub(super) fn find_app(&self, id: AppId) -> Option<&RoutedApp> {
        self.apps.iter().find(|app| app.id == id)
    }
}

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct RouteCache {
    current: RwLock<Option<Arc<Routes>>>,
    loading: tokio::sync::Mutex<()>,
    refreshing: AtomicBool,
}

impl RouteCache {
    pub(super) fn forget(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<Arc<Routes>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The routes; old ones are used while new ones are loaded beside.
    pub(super) async fn current(&self, app: &App) -> Result<Arc<Routes>> {
        let Some(routes) = self.get() else {
            return self.load(app, Duration::ZERO).await;
        };
        let age = app.clock().monotonic().saturating_sub(routes.at);
        if age > TTL && !self.refreshing.swap(true, Ordering::AcqRel) {
            let app = app.clone();
            tokio::spawn(async move {
                let cache = app.routes();
                if let Err(error) = cache.load(&app, MISS_PAUSE).await {
                    tracing::warn!(%error, "the webhook routes cannot be read again; the old ones stay in use");
                }
                cache.refreshing.store(false, Ordering::Release);
            });
        }
        Ok(routes)
    }

    /// Newer routes, because something was not found; at most once in a while.
    pub(super) async fn newer(&self, app: &App, than: &Routes) -> Result<Option<Arc<Routes>>> {
        let age = app.clock().monotonic().saturating_sub(than.at);
        if age < MISS_PAUSE {
            // Another caller may have loaded newer ones already.
            return Ok(self.get().filter(|routes| routes.at > than.at));
        }
        self.load(app, MISS_PAUSE).await.map(Some)
    }

    /// Loads the routes unless some younger than `fresh` are there by the time it is our turn.
    async fn load(&self, app: &App, fresh: Duration) -> Result<Arc<Routes>> {
        let _turn = self.loading.lock().await;
        if let Some(routes) = self.get() {
            let age = app.clock().monotonic().saturating_sub(routes.at);
            if fresh.is_zero() || age < fresh {
                return Ok(routes);
            }
        }
        let routes = Arc::new(load(app).await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&routes));
        Ok(routes)
    }
}

async fn load(app: &App) -> Result<Routes> {
    let at = app.clock().monotonic();
    let store = app.store();
    let mut apps = Vec::new();
    let mut bare = (Vec::new(), Vec::new());
    let mut named = HashMap::new();
    let config = &app.config().zoom;
    for row in store
        .all_apps()
        .await?
        .into_iter()
        .filter(|row| row.provider == Provider::Zoom)
    {
        let index = apps.len();
        let mut tokens: Vec<WebhookSecret> = Vec::new();
        let mut names = vec![row.name.clone()];
        if row.kind == AppKind::Webhook && row.name == DEFAULT_APP {
            let secrets = config.webhook_secret_token.iter();
            tokens.extend(secrets.map(|s| WebhookSecret::new(DEFAULT_APP, s.to_secret_string())));
        }
        for (name, configured) in &config.apps {
            let own_row = row.kind == AppKind::Webhook && row.client_id == placeholder(name);
            if own_row || configured.client_id.as_deref() == Some(row.client_id.as_str()) {
                let secrets = configured.webhook_secret_token.iter();
                tokens.extend(secrets.map(|s| WebhookSecret::new(name, s.to_secret_string())));
                names.push(name.clone());
            }
        }
        if !row.webhook_secrets.is_empty() {
            let scope = Scope::of(row.workspace);
            let stored = app
                .vault()
                .get_text(scope, Purpose::WebhookSecret, &row.id.to_string())
                .await;
            match stored {
                Ok(Some(lines)) => tokens.extend(
                    lines
                        .expose_secret()
                        .lines()
                        .map(|line| WebhookSecret::new(&row.name, line)),
                ),
                Ok(None) => {}
                // One unreadable secret must not close the door for the other apps.
                Err(error) => {
                    tracing::error!(app = row.name, %error, "a webhook secret cannot be read");
                }
            }
        }
        apps.push(RoutedApp {
            id: row.id,
            id_text: row.id.to_string(),
            workspace: row.workspace,
            any_account: row.kind == AppKind::Webhook && row.name == DEFAULT_APP,
        });
        if tokens.is_empty() {
            continue;
        }
        bare.0.extend(tokens.iter().cloned());
        bare.1.extend(std::iter::repeat_n(index, tokens.len()));
        names.dedup();
        for name in names {
            named.insert(name, Door::new(tokens.clone(), vec![index; tokens.len()]));
        }
    }
    let mut by_app: HashMap<(AppId, String), Target> = HashMap::new();
    let mut by_account: HashMap<(WorkspaceId, String), Target> = HashMap::new();
    for connection in store.all_connections().await? {
        let scope = Scope::of(connection.workspace);
        let Some(account) = store.account(scope, connection.account_id).await? else {
            continue;
        };
        let works = matches!(
            connection.state,
            ConnectionState::Healthy | ConnectionState::Degraded
        );
        let target = Target {
            connection: connection.id,
            account: account.external_id.clone(),
            works,
        };
        let mut ids = Capabilities::read(&account.capabilities).aliases;
        ids.push(account.external_id);
        for id in ids {
            // Of several users of one account through one app, one whose connection works.
            let own = by_app
                .entry((connection.app_id, id.clone()))
                .or_insert_with(|| target.clone());
            if works && !own.works {
                *own = target.clone();
            }
            let best = by_account
                .entry((connection.workspace, id))
                .or_insert_with(|| target.clone());
            if works && !best.works {
                *best = target.clone();
            }
        }
    }
    let bare = Door::new(bare.0, bare.1);
    Ok(Routes {
        at,
        apps,
        bare,
        named,
        by_app,
        by_account,
    })
}

/// The client id that stands for an app whose real one is not configured.
fn placeholder(name: &str) -> String {
    format!("webhook:{name}")
}

/// Keeps a secret token in the vault that is not tied to an app, as `ZOOM_WEBHOOK_SECRET_TOKEN` would give one; the one
/// from before stays valid, since Zoom may go on signing with it for a while.
pub(crate) async fn keep_secret(app: &App, secret: &Secret) -> Result<()> {
    let (scope, now) = (app.scope(), app.clock().now());
    let client_id = placeholder(DEFAULT_APP);
    let new = NewApp {
        provider: Provider::Zoom,
        kind: AppKind::Webhook,
        name: DEFAULT_APP.to_owned(),
        client_id,
        secret_ref: None,
        webhook_secrets: vec![IN_VAULT.to_owned()],
        public: false,
    };
    let mut tx = app.store().begin(scope).await?;
    let owner = tx.upsert_app(&new, now).await?.id.to_string();
    tx.commit().await?;
    let before = app
        .vault()
        .get_text(scope, Purpose::WebhookSecret, &owner)
        .await?;
    let mut lines = vec![secret.expose().trim()];
    let former = before
        .as_ref()
        .and_then(|text| text.expose_secret().lines().next());
    lines.extend(former.filter(|former| *former != secret.expose().trim()));
    let lines = zeroize::Zeroizing::new(lines.join("\n"));
    let mut tx = app.store().begin(scope).await?;
    app.vault()
        .put(&mut tx, Purpose::WebhookSecret, &owner, lines.as_bytes())
        .await?;
    tx.commit().await?;
    app.webhooks().forget_cache();
    Ok(())
}

/// Makes rows for the apps that the configuration gives webhook secrets to; the secrets stay in the configuration.
pub(crate) async fn sync_apps(app: &App) -> Result<()> {
    let config = &app.config().zoom;
    let mut wanted: Vec<(String, String)> = Vec::new();
    if !config.webhook_secret_token.is_empty() {
        wanted.push((DEFAULT_APP.to_owned(), placeholder(DEFAULT_APP)));
    }
    for (name, configured) in &config.apps {
        let client_id = configured
            .client_id
            .clone()
            .unwrap_or_else(|| placeholder(name));
        wanted.push((name.clone(), client_id));
    }
    let known = app.store().apps(app.scope()).await?;
    wanted.retain(|(_, client_id)| !known.iter().any(|row| row.client_id == *client_id));
    if wanted.is_empty() {
        return Ok(());
    }
    let mut tx = app.store().begin(app.scope()).await?;
    for (name, client_id) in wanted {
        let new = NewApp {
            provider: Provider::Zoom,
            kind: AppKind::Webhook,
            name,
            client_id,
            secret_ref: None,
            webhook_secrets: Vec::new(),
            public: false,
        };
        tx.upsert_app(&new, app.clock().now()).await?;
    }
    tx.commit().await?;
    Ok(())
}
