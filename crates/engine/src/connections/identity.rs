//! Who came back from Zoom: the grant belongs to (app, Zoom user), wherever and however often they connect.

use parfocal_store::{
    App as AppRow, Connection, ConnectionId, ConnectionOrigin, ConnectionState, Grant as GrantRow,
    NewAccount, NewConnection, NewGrant, Provider, Scope, Tx,
};
use parfocal_zoom::auth::{App as ZoomApp, Grant, MemoryStore, TokenSource};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

use super::features::Feature;
use super::install::Goal;
use super::probe;
use super::view::ConnectionView;
use super::{Connections, connect, grants, scopes};
use crate::audit::{self, By, Change};
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// What a login led to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// The connection.
    pub connection: ConnectionView,
    /// What was done with it.
    pub purpose: FinishedPurpose,
}

/// What a login did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishedPurpose {
    /// Somebody is connected who was not before.
    Installed,
    /// They were connected before: the same connection has new tokens.
    Relinked,
    /// The connection that was to be revived is.
    Reconnected,
    /// Somebody is connected through a link.
    Linked,
}

/// Somebody who came back with a grant.
pub(super) struct Newcomer {
    pub(super) row: AppRow,
    pub(super) zoom_app: ZoomApp,
    pub(super) grant: Grant,
    pub(super) goal: Goal,
}

/// Who it is, in Zoom's words.
struct Who {
    user: String,
    account: String,
    email: Option<String>,
    name: Option<String>,
}

impl Who {
    fn read(me: &Value) -> Option<Self> {
        let text = |name: &str| {
            me.get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Some(Self {
            user: text("id")?,
            account: text("account_id")?,
            email: text("email"),
            name: text("display_name"),
        })
    }

    fn label(&self) -> &str {
        self.email
            .as_deref()
            .or(self.name.as_deref())
            .unwrap_or(&self.user)
    }
}

impl Connections<'_> {
    /// Learns who came back and makes, or revives, their connection.
    pub(super) async fn take_in(self, newcomer: Newcomer, by: &By) -> Result<Finished> {
        let who = match self.who(&newcomer).await {
            Ok(who) => who,
            Err(error) => {
                // Nobody could ever use this grant.
                self.give_back(&newcomer).await;
                return Err(error);
            }
        };
        let scope = self.app.scope();
        let store = self.app.store();
        if let Some(elsewhere) = store
            .grant_elsewhere(scope, newcomer.row.id, &who.user)
            .await?
        {
            return Err(self.yield_to(&elsewhere, &newcomer, &who).await?);
        }
        let by = &by.proven(&who.user);
        let known = self.connections_of(&newcomer.row, &who.user).await?;
        let expected = match &newcomer.goal {
            Goal::Reconnect(id) => Some(self.find(&id.to_string()).await?),
            Goal::Install | Goal::Link(_) => None,
        };
        let stranger = expected
            .as_ref()
            .filter(|row| row.subject_id != who.user)
            .cloned();
        let known = known.into_iter().next();
        let (existing, purpose) = match (&newcomer.goal, known) {
            (Goal::Reconnect(_), None) if stranger.is_some() => {
                self.give_back(&newcomer).await;
                return Err(wrong(stranger.as_ref(), &who));
            }
            (Goal::Reconnect(_), _) if stranger.is_none() => {
                (expected, FinishedPurpose::Reconnected)
            }
            // Whoever was connected before stays the same connection; also a stranger, whose own connection's tokens
            // were just replaced at Zoom and must not be lost.
            (_, Some(row)) => (Some(row), FinishedPurpose::Relinked),
            (Goal::Link(_), None) => (None, FinishedPurpose::Linked),
            (_, None) => (None, FinishedPurpose::Installed),
        };
        let id = self
            .store_newcomer(&newcomer, &who, existing, purpose, by)
            .await?;
        if stranger.is_some() {
            return Err(wrong(stranger.as_ref(), &who));
        }
        self.app.clients().forget(id);
        self.app.webhooks().forget_cache();
        let row = self.find(&id.to_string()).await?;
        self.pick_up_waiting(&row).await?;
        // A look at plan and settings; what it finds is told, and what goes wrong in it undoes nothing.
        let connection = match self.check(&id.to_string()).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(connection = %id, %error, "a new connection could not be looked at yet");
                self.view(self.find(&id.to_string()).await?).await?
            }
        };
        Ok(Finished {
            connection,
            purpose,
        })
    }

    async fn who(self, newcomer: &Newcomer) -> Result<Who> {
        let Newcomer {
            row,
            zoom_app,
            grant,
            ..
        } = newcomer;
        let store = Arc::new(MemoryStore::with(grant.clone()));
        let tokens = TokenSource::user(self.oauth(&row.place)?, zoom_app.clone(), store).build();
        let key = format!("{}/new/{}", Provider::Zoom, row.client_id);
        let client = self.client_at(&row.place, tokens, key)?;
        let me = probe::get(&client, "/users/me", &[])
            .await
            .map_err(|error| match error.kind() {
                parfocal_zoom::ErrorKind::MissingScope => EngineError::from(error).retold(
                    Code::MissingScope,
                    format!("the app {} may not read who has allowed it", row.name),
                )
                .with_hint("Add user:read:user (for admin-managed apps user:read:user:admin) on the app's Scopes page, then start again."),
                _ => error.into(),
            })?;
        Who::read(&me).ok_or_else(|| {
            EngineError::new(
                Code::ZoomRefused,
                "Zoom did not tell who has allowed the app",
            )
        })
    }

    /// The connections of a user through any client of the same app, living ones first.
    async fn connections_of(self, app: &AppRow, user: &str) -> Result<Vec<Connection>> {
        let (scope, store) = (self.app.scope(), self.app.store());
        let family = super::apps::family_of(app);
        let clients: Vec<_> = store
            .apps(scope)
            .await?
            .into_iter()
            .filter(|row| super::apps::family_of(row) == family)
            .map(|row| row.id)
            .collect();
        let mut rows = store.connections(scope).await?;
        rows.retain(|row| row.subject_id == user && clients.contains(&row.app_id));
        rows.sort_by_key(|row| row.state == ConnectionState::Disconnected);
        Ok(rows)
    }

    /// Stores everything about a newcomer in one transaction.
    async fn store_newcomer(
        self,
        newcomer: &Newcomer,
        who: &Who,
        existing: Option<Connection>,
        purpose: FinishedPurpose,
        by: &By,
    ) -> Result<ConnectionId> {
        let (scope, store) = (self.app.scope(), self.app.store());
        let now = self.app.clock().now();
        let Newcomer {
            row, grant, goal, ..
        } = newcomer;
        let olds = store.grants_of_family(scope, row.id, &who.user).await?;
        let level = scopes::level_of(row.kind, &grant.scopes);
        let missing = scopes::missing(Feature::Ingest, level, &grant.scopes);
        let reason = scopes::sentence(level, &missing);
        let state = if reason.is_some() {
            ConnectionState::Degraded
        } else {
            ConnectionState::Healthy
        };
        let mut tx = store.begin(scope).await?;
        let known = tx.account_known_as(Provider::Zoom, &[&who.account]).await?;
        let external_id = known.map_or_else(|| who.account.clone(), |account| account.external_id);
        let account = tx
            .upsert_account(
                &NewAccount {
                    provider: Provider::Zoom,
                    external_id,
                    name: who
                        .email
                        .as_deref()
                        .and_then(connect::domain)
                        .map(str::to_owned),
                    plan: None,
                    region: None,
                    limits_share: None,
                    capabilities: None,
                },
                now,
            )
            .await?;
        let id = if let Some(old) = existing {
            tx.move_connection(old.id, row.id, account, &who.user, now)
                .await?;
            old.id
        } else {
            let new = NewConnection {
                app_id: row.id,
                account_id: account,
                subject_id: who.user.clone(),
                name: who.label().to_owned(),
                origin: ConnectionOrigin::Vault,
            };
            tx.upsert_connection(&new, now).await?
        };
        // At Zoom there is one grant for all clients of an app: what another client held is dead.
        for old in olds.iter().filter(|old| old.app_id != row.id) {
            tx.delete_secrets_of(&old.id.to_string()).await?;
            tx.delete_grant(old.id).await?;
        }
        self.put_grant(&mut tx, row, &who.user, grant, now).await?;
        tx.set_connection_state(id, state, reason.as_deref(), now)
            .await?;
        tx.note_connection_ok(id, now).await?;
        if let Goal::Link(link) = goal
            && !tx.use_connect_link(*link, id, now).await?
        {
            // Two came back through one link: the second one is connected nowhere.
            drop(tx);
            self.give_back(newcomer).await;
            return Err(EngineError::new(
                Code::LinkUsed,
                "the link was used or taken back while you were on Zoom's page",
            ));
        }
        let change = Change {
            action: "connection.connect",
            target: &format!("connection/{id}"),
            detail: json!({
                "purpose": purpose, "app": row.name, "zoom_user": who.user, "account": who.account, "level": level,
                "link": match goal { Goal::Link(link) => Some(link.to_string()), _ => None },
            }),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn put_grant(
        self,
        tx: &mut Tx,
        row: &AppRow,
        user: &str,
        grant: &Grant,
        now: jiff::Timestamp,
    ) -> Result<()> {
        let new = NewGrant {
            app_id: row.id,
            provider: Provider::Zoom,
            subject_external_id: user.to_owned(),
            tokens: grants::tokens_of(grant),
        };
        let grant_id = tx.upsert_grant(&new, now).await?;
        self.app
            .vault()
            .put(
                tx,
                Purpose::Grant,
                &grant_id.to_string(),
                &grant.to_plaintext(),
            )
            .await
    }

    /// The user is connected in another workspace, and Zoom has just replaced that connection's tokens: it gets the
    /// new ones, so that nothing is lost, and this login is refused.
    async fn yield_to(
        self,
        elsewhere: &GrantRow,
        newcomer: &Newcomer,
        who: &Who,
    ) -> Result<EngineError> {
        let now = self.app.clock().now();
        let scope = Scope::of(elsewhere.workspace);
        let mut tx = self.app.store().begin(scope).await?;
        let new = NewGrant {
            app_id: elsewhere.app_id,
            provider: Provider::Zoom,
            subject_external_id: who.user.clone(),
            tokens: grants::tokens_of(&newcomer.grant),
        };
        let id = tx.upsert_grant(&new, now).await?;
        self.app
            .vault()
            .put(
                &mut tx,
                Purpose::Grant,
                &id.to_string(),
                &newcomer.grant.to_plaintext(),
            )
            .await?;
        let change = Change {
            action: "connection.yielded",
            target: &format!("grant/{id}"),
            detail: json!({"zoom_user": who.user, "from_workspace": self.app.scope().workspace}),
        };
        audit::append(&mut tx, &By::system(), &change, now).await?;
        tx.commit().await?;
        let name = self
            .app
            .store()
            .workspace(elsewhere.workspace)
            .await?
            .map_or_else(|| "another one".to_owned(), |workspace| workspace.name);
        Ok(EngineError::new(
            Code::IdentityElsewhere,
            format!(
                "{} is connected through the same app in the workspace {name}",
                who.label()
            ),
        ))
    }

    /// Gives a grant back to Zoom that nobody here will use, as far as possible.
    pub(super) async fn give_back(self, newcomer: &Newcomer) {
        let Ok(oauth) = self.oauth(&newcomer.row.place) else {
            return;
        };
        let token = &newcomer.grant.access_token;
        if let Err(error) = oauth.revoke(&newcomer.zoom_app, token).await {
            tracing::warn!(app = newcomer.row.name, %error, "a grant that nobody uses could not be given back");
        }
    }
}

fn wrong(expected: Option<&Connection>, who: &Who) -> EngineError {
    let expected = expected.map_or("another user", |row| row.name.as_str());
    EngineError::new(
        Code::WrongIdentity,
        format!(
            "{} came back from Zoom, but the connection belongs to {expected}",
            who.label()
        ),
    )
}
