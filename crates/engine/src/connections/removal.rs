//! The end of a connection: removed here, with revoke at Zoom, or removed at Zoom, which says so by `app_deauthorized`.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{
    AppId, AppKind, Connection, ConnectionId, ConnectionState, EventState, InboxEvent, Scope,
};
use parfocal_zoom::ErrorKind;
use serde::Serialize;
use serde_json::{Value, json};

use super::erase::{DataErase, Erased, erase, names_of};
use super::features::Level;
use super::{Connections, scopes};
use crate::App;
use crate::audit::{self, By, Change, Surface};
use crate::clock::later;
use crate::error::{Code, EngineError, Result};
use crate::jobs::Outcome;

/// When a worker looks whether an erasure that was begun elsewhere came to its end.
const LOOK_AFTER: Duration = Duration::from_mins(10);

/// How a connection is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remove {
    /// Erase what was taken in through it too, unless another connection reaches the same account.
    pub erase_data: bool,
}

/// Whether the grant was given back to Zoom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// It was.
    Yes,
    /// It was dead before, or there was none.
    AlreadyDead,
    /// Zoom could not be told; the tokens run out by themselves, or remove the app at Zoom.
    NotPossible {
        /// Why.
        why: String,
    },
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The connection that was.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// Whether Zoom was told.
    pub revoked: Revoked,
    /// What was erased; none when that was not asked for.
    pub erased: Option<Erased>,
}

impl Connections<'_> {
    /// Removes a connection: revokes its grant at Zoom, erases its secrets, and what was taken in if that is wanted.
    ///
    /// That Zoom cannot be told keeps nothing from being erased here.
    ///
    /// # Errors
    /// `env_connection_fixed` for the environment's connection while it is configured.
    pub async fn remove(&self, which: &str, how: Remove, by: &By) -> Result<Removed> {
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
        let revoked = self.revoke(&row).await;
        let app = self.app_row(row.app_id).await?;
        let grant = store.grant_of(scope, row.app_id, &row.subject_id).await?;
        let all = store.connections(scope).await?;
        let others = |same: &dyn Fn(&Connection) -> bool| {
            all.iter().any(|other| other.id != row.id && same(other))
        };
        let app_shared = others(&|other| other.app_id == row.app_id);
        let account_shared = others(&|other| {
            other.account_id == row.account_id && other.state != ConnectionState::Disconnected
        });
        let order = self.order(&row, how, account_shared, &by.actor).await?;
        let now = self.app.clock().now();
        let mut tx = store.begin(scope).await?;
        if let Some(grant) = grant {
            tx.delete_secrets_of(&grant.id.to_string()).await?;
            tx.delete_grant(grant.id).await?;
        }
        tx.delete_connection(row.id).await?;
        if !app_shared && app.kind == AppKind::ServerToServer {
            // The app's row stays, since events of the inbox name it; its secrets go. An app that people authorise
            // stays whole: the next person may come.
            tx.delete_secrets_of(&row.app_id.to_string()).await?;
        }
        if let Some(order) = &order {
            let again = DataErase {
                quiet: true,
                ..order.clone()
            };
            // This process begins at once; a worker looks later whether it came to its end.
            again.enqueue(&mut tx, now, later(now, LOOK_AFTER)).await?;
        }
        let change = Change {
            action: "connection.remove",
            target: &format!("connection/{}", row.id),
            detail: json!({"name": row.name, "app": app.name, "revoked": revoked, "erase_data": how.erase_data}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.app.clients().forget(row.id);
        self.app.webhooks().forget_cache();
        let erased = match (order, how.erase_data) {
            (Some(order), _) => Some(Erased::of(erase(self.app, scope, &order).await?)),
            (None, true) => Some(Erased::kept(
                "another connection reaches the same account".to_owned(),
            )),
            (None, false) => None,
        };
        Ok(Removed {
            connection: row.id,
            name: row.name,
            revoked,
            erased,
        })
    }

    async fn order(
        self,
        row: &Connection,
        how: Remove,
        shared: bool,
        actor: &str,
    ) -> Result<Option<DataErase>> {
        if !how.erase_data || shared {
            return Ok(None);
        }
        let account = self
            .app
            .store()
            .account(self.app.scope(), row.account_id)
            .await?
            .ok_or_else(|| EngineError::not_found("account", row.account_id))?;
        Ok(Some(DataErase {
            account: account.id,
            host: None,
            names: names_of(&account),
            because: format!("connection/{}", row.id),
            actor: actor.to_owned(),
            quiet: false,
        }))
    }

    /// Tells Zoom that the grant is not wanted any more.
    async fn revoke(self, row: &Connection) -> Revoked {
        let why = |error: &dyn std::fmt::Display| Revoked::NotPossible {
            why: error.to_string(),
        };
        let scope = self.app.scope();
        let app = match self.app_row(row.app_id).await {
            Ok(app) => app,
            Err(error) => return why(&error),
        };
        match self
            .app
            .store()
            .grant_of(scope, row.app_id, &row.subject_id)
            .await
        {
            Ok(Some(grant)) if grant.dead_reason.is_none() => {
                // A server-to-server token is not fetched only to be revoked.
                let now = self.app.clock().now();
                let over = grant.access_exp.is_none_or(|until| until <= now);
                if over && app.kind == AppKind::ServerToServer {
                    return Revoked::AlreadyDead;
                }
            }
            Ok(_) => return Revoked::AlreadyDead,
            Err(error) => return why(&error),
        }
        let zoom_app = match self.zoom_app(&app).await {
            Ok(zoom_app) => zoom_app,
            Err(error) => return why(&error),
        };
        let client = match self.client(row).await {
            Ok(client) => client,
            Err(error) => return why(&error),
        };
        let token = match client.tokens().access().await {
            Ok(token) => token,
            Err(error)
                if matches!(error.kind(), ErrorKind::GrantDead | ErrorKind::NotConnected) =>
            {
                return Revoked::AlreadyDead;
            }
            Err(error) => return why(&error),
        };
        match client
            .tokens()
            .oauth()
            .revoke(&zoom_app, token.secret())
            .await
        {
            Ok(()) => Revoked::Yes,
            // Zoom does not know the token any more.
            Err(error) if error.kind() == ErrorKind::GrantDead => Revoked::AlreadyDead,
            Err(error) => why(&error),
        }
    }

    /// Gives a connection another name.
    ///
    /// # Errors
    /// `invalid_input` for an empty name, or one that another connection has.
    pub async fn rename(
        &self,
        which: &str,
        name: &str,
        by: &By,
    ) -> Result<super::view::ConnectionView> {
        let row = self.find(which).await?;
        let name = name.trim();
        let (scope, now) = (self.app.scope(), self.app.clock().now());
        let all = self.app.store().connections(scope).await?;
        if name.is_empty()
            || all
                .iter()
                .any(|other| other.name == name && other.id != row.id)
        {
            return Err(EngineError::invalid(
                "the name is empty, or another connection has it",
            ));
        }
        let mut tx = self.app.store().begin(scope).await?;
        tx.rename_connection(row.id, name, now).await?;
        let change = Change {
            action: "connection.rename",
            target: &format!("connection/{}", row.id),
            detail: json!({"from": row.name, "to": name}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.view(self.find(&row.id.to_string()).await?).await
    }
}

/// What `app_deauthorized` says.
struct Word {
    client_id: Option<String>,
    user: Option<String>,
    account: Option<String>,
    at: Option<String>,
}

impl Word {
    fn read(payload: &Value) -> Self {
        let text = |name: &str| {
            payload
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Self {
            client_id: text("client_id"),
            user: text("user_id"),
            account: text("account_id"),
            at: text("deauthorization_time"),
        }
    }
}

/// Somebody removed the app at Zoom: their grant and their data go, unconditionally, and the audit log says so.
pub(crate) async fn deauthorized(
    app: &App,
    event: &InboxEvent,
    payload: &Value,
) -> Result<Outcome> {
    let scope = Scope::of(event.workspace);
    let store = app.store();
    let word = Word::read(payload);
    let clients = clients(app, scope, event.app_id, word.client_id.as_deref()).await?;
    let mut gone: Vec<Connection> = store.connections(scope).await?;
    gone.retain(|row| clients.contains(&row.app_id) && Some(&row.subject_id) == word.user.as_ref());
    let now = app.clock().now();
    let mut orders = Vec::new();
    let mut grants = Vec::new();
    for row in &gone {
        let grant = store.grant_of(scope, row.app_id, &row.subject_id).await?;
        let Some(account) = store.account(scope, row.account_id).await? else {
            continue;
        };
        let granted = grant
            .as_ref()
            .map(|grant| grant.scopes.clone())
            .unwrap_or_default();
        // An admin's consent reached the whole account; unless somebody else's still does, all of it goes.
        let level = scopes::level_of(AppKind::User, &granted);
        let alone = !store.connections(scope).await?.iter().any(|other| {
            other.id != row.id
                && other.account_id == row.account_id
                && other.state != ConnectionState::Disconnected
        });
        let whole = level == Level::Admin && alone;
        orders.push(DataErase {
            account: account.id,
            host: (!whole).then(|| row.subject_id.clone()),
            names: names_of(&account),
            because: format!("connection/{}", row.id),
            actor: actor(&word),
            quiet: false,
        });
        grants.extend(grant.map(|grant| grant.id));
    }
    let mut tx = store.begin(scope).await?;
    for id in &grants {
        tx.withdraw_grant(*id, "the app was removed at Zoom", now)
            .await?;
        tx.delete_secrets_of(&id.to_string()).await?;
    }
    for row in &gone {
        let reason = reason(row, &word, now);
        tx.set_connection_state(row.id, ConnectionState::Disconnected, Some(&reason), now)
            .await?;
    }
    for order in &orders {
        order.enqueue(&mut tx, now, now).await?;
    }
    let (state, note) = if gone.is_empty() {
        let note = "nobody of this app and user is connected";
        (EventState::Ignored, Some(note))
    } else {
        (EventState::Routed, None)
    };
    tx.mark_event(event.id, state, note).await?;
    let by = By::new(actor(&word), Surface::Webhook);
    let ids: Vec<String> = gone.iter().map(|row| row.id.to_string()).collect();
    let change = Change {
        action: "connection.deauthorized",
        target: &match ids.first() {
            Some(id) => format!("connection/{id}"),
            None => format!("app/{}", event.app_id),
        },
        detail: json!({
            "zoom_user": word.user, "zoom_account": word.account, "client_id": word.client_id, "at": word.at,
            "connections": ids, "grants_erased": grants.len(), "event": event.id,
        }),
    };
    audit::append(&mut tx, &by, &change, now).await?;
    for row in &gone {
        app.clients().forget(row.id);
    }
    Ok(Outcome::done(tx))
}

/// The clients that an event of this app speaks for.
async fn clients(
    app: &App,
    scope: Scope,
    heard_by: AppId,
    named: Option<&str>,
) -> Result<Vec<AppId>> {
    let rows = app.store().apps(scope).await?;
    let family = |id: &str| {
        rows.iter().find(|row| row.client_id == id).map_or_else(
            || id.to_owned(),
            |row| super::apps::family_of(row).to_owned(),
        )
    };
    let heard = rows.iter().find(|row| row.id == heard_by);
    // The operator's own secret is tied to no app: what the event names counts. Any other app speaks for itself only.
    let own =
        heard.filter(|row| row.kind != AppKind::Webhook || !row.client_id.starts_with("webhook:"));
    let meant = match (own, named) {
        (Some(own), _) => super::apps::family_of(own).to_owned(),
        (None, Some(named)) => family(named),
        (None, None) => return Ok(Vec::new()),
    };
    Ok(rows
        .iter()
        .filter(|row| super::apps::family_of(row) == meant)
        .map(|row| row.id)
        .collect())
}

fn actor(word: &Word) -> String {
    format!("zoom:{}", word.user.as_deref().unwrap_or("unknown"))
}

fn reason(row: &Connection, word: &Word, now: Timestamp) -> String {
    let at = word.at.clone().unwrap_or_else(|| now.to_string());
    format!(
        "The app was removed at Zoom by {} at {at}; their tokens and data were erased.",
        row.name
    )
}
