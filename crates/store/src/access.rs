//! Workspaces, apps, accounts and connections.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements, two};
use crate::error::Result;
use crate::id::{AccountId, AppId, ConnectionId, WorkspaceId};
use crate::model::{
    Account, App, AppPlace, Change, Connection, ConnectionState, NewAccount, NewApp, NewConnection,
    Provider, Upsert, Workspace,
};
use crate::store::{Scope, Store};

macro_rules! app {
    () => {
        "id, workspace_id, provider, kind, name, client_id, secret_ref, webhook_secrets, public, cloud, oauth_url, api_url, family, created_at, updated_at"
    };
}
macro_rules! account {
    () => {
        "id, workspace_id, provider, external_id, name, plan, region, limits_share, capabilities, created_at, updated_at"
    };
}
macro_rules! connection_columns {
    () => {
        "id, workspace_id, app_id, account_id, subject_id, name, origin, state, reason, last_ok, last_error, last_error_at, created_at, updated_at"
    };
}

statements! {
    WORKSPACE = one("SELECT id, name, settings FROM workspaces WHERE id = $1");
    WORKSPACES = one("SELECT id, name, settings FROM workspaces ORDER BY name");
    WORKSPACE_NEW = one("INSERT INTO workspaces (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
    WORKSPACE_NAMED = one("SELECT id FROM workspaces WHERE name = $1");

    APP = one(concat!("SELECT ", app!(), " FROM apps WHERE workspace_id = $1 AND id = $2"));
    APPS = one(concat!("SELECT ", app!(), " FROM apps WHERE workspace_id = $1 ORDER BY name, id"));
    APPS_EVERYWHERE = one(concat!("SELECT ", app!(), " FROM apps ORDER BY workspace_id, name, id"));
    APP_LOCKED = locked!("SELECT ", app!(), " FROM apps WHERE workspace_id = $1 AND provider = $2 AND client_id = $3");
    APP_NEW = one("INSERT INTO apps (id, workspace_id, provider, kind, name, client_id, secret_ref, webhook_secrets, public, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (workspace_id, provider, client_id) DO NOTHING");
    APP_SET = one("UPDATE apps SET kind = $3, name = $4, secret_ref = $5, webhook_secrets = $6, public = $7, updated_at = $8
        WHERE workspace_id = $1 AND id = $2");
    APP_PLACE = one("UPDATE apps SET cloud = $3, oauth_url = $4, api_url = $5, family = $6, updated_at = $7 WHERE workspace_id = $1 AND id = $2
        AND (cloud <> $3 OR COALESCE(oauth_url, '') <> COALESCE($4, '') OR COALESCE(api_url, '') <> COALESCE($5, '') OR COALESCE(family, '') <> COALESCE($6, ''))");
    APP_DELETE = one("DELETE FROM apps WHERE workspace_id = $1 AND id = $2");

    ACCOUNT = one(concat!("SELECT ", account!(), " FROM accounts WHERE workspace_id = $1 AND id = $2"));
    ACCOUNT_BY = one(concat!("SELECT ", account!(), " FROM accounts WHERE workspace_id = $1 AND provider = $2 AND external_id = $3"));
    ACCOUNTS = one(concat!("SELECT ", account!(), " FROM accounts WHERE workspace_id = $1 ORDER BY created_at, id"));
    ACCOUNT_PUT = one("INSERT INTO accounts AS t (id, workspace_id, provider, external_id, name, plan, region, limits_share, capabilities, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, COALESCE($9, '{}'), $10, $10)
        ON CONFLICT (workspace_id, provider, external_id) DO UPDATE SET
            name = COALESCE($5, t.name), plan = COALESCE($6, t.plan), region = COALESCE($7, t.region),
            limits_share = COALESCE($8, t.limits_share), capabilities = COALESCE($9, t.capabilities), updated_at = $10
        RETURNING id");

    WORKSPACE_HELD = two("SELECT id FROM workspaces WHERE id = $1", "SELECT id FROM workspaces WHERE id = $1 FOR NO KEY UPDATE");
    ACCOUNT_NAMED = one(concat!("SELECT ", account!(), " FROM accounts WHERE workspace_id = $1
        AND id = (SELECT account_id FROM account_names WHERE workspace_id = $1 AND provider = $2 AND name = $3)"));
    ACCOUNT_NAME = one("INSERT INTO account_names (workspace_id, provider, name, account_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, provider, name) DO NOTHING");

    CONNECTION = one(concat!("SELECT ", connection_columns!(), " FROM connections WHERE workspace_id = $1 AND id = $2"));
    CONNECTIONS = one(concat!("SELECT ", connection_columns!(), " FROM connections WHERE workspace_id = $1 ORDER BY created_at, id"));
    CONNECTIONS_EVERYWHERE = one(concat!("SELECT ", connection_columns!(), " FROM connections ORDER BY workspace_id, created_at, id"));
    CONNECTION_NEW = one("INSERT INTO connections AS t (id, workspace_id, app_id, account_id, subject_id, name, origin, state, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'healthy', $8, $8)
        ON CONFLICT (workspace_id, app_id, account_id, subject_id) DO UPDATE SET name = $6, origin = $7, updated_at = $8
        RETURNING id");
    CONNECTION_STATE = one("UPDATE connections SET state = $3, reason = $4, updated_at = $5 WHERE workspace_id = $1 AND id = $2
        AND (state <> $3 OR COALESCE(reason, '') <> COALESCE($4, ''))");
    CONNECTION_OK = one("UPDATE connections SET last_ok = $3 WHERE workspace_id = $1 AND id = $2 AND COALESCE(last_ok, 0) < $3");
    CONNECTION_ERROR = one("UPDATE connections SET last_error = $3, last_error_at = $4 WHERE workspace_id = $1 AND id = $2");
    CONNECTION_RENAME = one("UPDATE connections SET name = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2");
    CONNECTION_HEARD = one("SELECT COUNT(*) FROM (SELECT connection_id FROM inbox WHERE workspace_id = $1 ORDER BY n DESC LIMIT 2000) AS newest
        WHERE connection_id = $2");
    CONNECTION_MOVE = one("UPDATE connections SET app_id = $3, account_id = $4, subject_id = $5, updated_at = $6 WHERE workspace_id = $1 AND id = $2
        AND (app_id <> $3 OR account_id <> $4 OR subject_id <> $5)");
    CONNECTION_DELETE = one("DELETE FROM connections WHERE workspace_id = $1 AND id = $2");
}

fn workspace(row: &mut Cells) -> Result<Workspace> {
    Ok(Workspace {
        id: row.id()?,
        name: row.text()?,
        settings: row.json()?,
    })
}

fn app(row: &mut Cells) -> Result<App> {
    Ok(App {
        id: row.id()?,
        workspace: row.id()?,
        provider: row.parsed()?,
        kind: row.parsed()?,
        name: row.text()?,
        client_id: row.text()?,
        secret_ref: row.opt_text()?,
        webhook_secrets: serde_json::from_value(row.json()?).unwrap_or_default(),
        public: row.flag()?,
        place: AppPlace {
            cloud: row.text()?,
            oauth_url: row.opt_text()?,
            api_url: row.opt_text()?,
        },
        family: row.opt_text()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

fn account(row: &mut Cells) -> Result<Account> {
    Ok(Account {
        id: row.id()?,
        workspace: row.id()?,
        provider: row.parsed()?,
        external_id: row.text()?,
        name: row.opt_text()?,
        plan: row.opt_text()?,
        region: row.opt_text()?,
        limits_share: row.opt_real()?,
        capabilities: row.json()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

pub(crate) fn connection(row: &mut Cells) -> Result<Connection> {
    Ok(Connection {
        id: row.id()?,
        workspace: row.id()?,
        app_id: row.id()?,
        account_id: row.id()?,
        subject_id: row.text()?,
        name: row.text()?,
        origin: row.parsed()?,
        state: row.parsed()?,
        reason: row.opt_text()?,
        last_ok: row.opt_instant()?,
        last_error: row.opt_text()?,
        last_error_at: row.opt_instant()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// A workspace.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>> {
        self.one(WORKSPACE, args![id], workspace).await
    }

    /// All workspaces, by name.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.all(WORKSPACES, args![], workspace).await
    }

    /// The workspace of that name, made if it is not there.
    pub async fn ensure_workspace(&self, name: &str, now: Timestamp) -> Result<WorkspaceId> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let id: WorkspaceId = tx.new_id(now);
        tx.execute(WORKSPACE_NEW, args![id, name]).await?;
        let id = tx.exactly(WORKSPACE_NAMED, args![name], Cells::id).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// An app.
    pub async fn app(&self, scope: Scope, id: AppId) -> Result<Option<App>> {
        self.one(APP, args![scope.workspace, id], app).await
    }

    /// The apps of a workspace, by name.
    pub async fn apps(&self, scope: Scope) -> Result<Vec<App>> {
        self.all(APPS, args![scope.workspace], app).await
    }

    /// The apps of all workspaces: a webhook does not say whose it is.
    pub async fn all_apps(&self) -> Result<Vec<App>> {
        self.all(APPS_EVERYWHERE, args![], app).await
    }

    /// An account.
    pub async fn account(&self, scope: Scope, id: AccountId) -> Result<Option<Account>> {
        self.one(ACCOUNT, args![scope.workspace, id], account).await
    }

    /// The account with a provider's id.
    pub async fn account_by_external(
        &self,
        scope: Scope,
        provider: Provider,
        external_id: &str,
    ) -> Result<Option<Account>> {
        self.one(
            ACCOUNT_BY,
            args![scope.workspace, provider, external_id],
            account,
        )
        .await
    }

    /// The accounts of a workspace, oldest first.
    pub async fn accounts(&self, scope: Scope) -> Result<Vec<Account>> {
        self.all(ACCOUNTS, args![scope.workspace], account).await
    }

    /// A connection.
    pub async fn connection(&self, scope: Scope, id: ConnectionId) -> Result<Option<Connection>> {
        self.one(CONNECTION, args![scope.workspace, id], connection)
            .await
    }

    /// The connections of a workspace, oldest first.
    pub async fn connections(&self, scope: Scope) -> Result<Vec<Connection>> {
        self.all(CONNECTIONS, args![scope.workspace], connection)
            .await
    }

    /// Whether any of the newest two thousand events is about this connection.
    pub async fn has_events(&self, scope: Scope, id: ConnectionId) -> Result<bool> {
        let args = args![scope.workspace, id];
        let heard = self.exactly(CONNECTION_HEARD, args, Cells::count).await?;
        Ok(heard > 0)
    }

    /// The connections of all workspaces.
    pub async fn all_connections(&self) -> Result<Vec<Connection>> {
        self.all(CONNECTIONS_EVERYWHERE, args![], connection).await
    }
}

impl Tx {
    /// Puts an app in, or changes the one with the same provider and client id.
    pub async fn upsert_app(&mut self, new: &NewApp, now: Timestamp) -> Result<Upsert<AppId>> {
        let secrets = serde_json::Value::from(new.webhook_secrets.clone()).to_string();
        let id: AppId = self.new_id(now);
        let w = self.w();
        let added = self
            .execute(
                APP_NEW,
                args![
                    id,
                    w,
                    new.provider,
                    new.kind,
                    &new.name,
                    &new.client_id,
                    new.secret_ref.clone(),
                    &secrets,
                    new.public,
                    now
                ],
            )
            .await?;
        if added > 0 {
            return Ok(Upsert {
                id,
                change: Change::Inserted,
            });
        }
        let old = self
            .exactly(APP_LOCKED, args![w, new.provider, &new.client_id], app)
            .await?;
        let same = old.kind == new.kind
            && old.name == new.name
            && old.secret_ref == new.secret_ref
            && old.webhook_secrets == new.webhook_secrets
            && old.public == new.public;
        if same {
            return Ok(Upsert {
                id: old.id,
                change: Change::Unchanged,
            });
        }
        self.execute(
            APP_SET,
            args![
                w,
                old.id,
                new.kind,
                &new.name,
                new.secret_ref.clone(),
                &secrets,
                new.public,
                now
            ],
        )
        .await?;
        Ok(Upsert {
            id: old.id,
            change: Change::Updated,
        })
    }

    /// Says where an app lives and which clients are one app; whether that was a change.
    pub async fn place_app(
        &mut self,
        id: AppId,
        place: &AppPlace,
        family: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(
                APP_PLACE,
                args![
                    w,
                    id,
                    &place.cloud,
                    place.oauth_url.clone(),
                    place.api_url.clone(),
                    family,
                    now
                ],
            )
            .await?
            > 0)
    }

    /// Removes an app that nothing refers to any more.
    ///
    /// # Errors
    /// `Constraint` while connections or grants go through it.
    pub async fn delete_app(&mut self, id: AppId) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(APP_DELETE, args![w, id]).await? > 0)
    }

    /// The account that goes by one of these ids of the provider's. Until the transaction ends nobody else in the workspace
    /// finds out the same, so that of two who look for one account at once only the first makes it.
    pub async fn account_known_as(
        &mut self,
        provider: Provider,
        names: &[&str],
    ) -> Result<Option<Account>> {
        let w = self.w();
        self.exactly(WORKSPACE_HELD, args![w], |_| Ok(())).await?;
        for name in names {
            let found = self
                .one(ACCOUNT_NAMED, args![w, provider, *name], account)
                .await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Puts an account in, or adds what is known now to the one with the same provider and id.
    pub async fn upsert_account(&mut self, new: &NewAccount, now: Timestamp) -> Result<AccountId> {
        let id: AccountId = self.new_id(now);
        let w = self.w();
        let id = self
            .exactly(
                ACCOUNT_PUT,
                args![
                    id,
                    w,
                    new.provider,
                    &new.external_id,
                    new.name.clone(),
                    new.plan.clone(),
                    new.region.clone(),
                    new.limits_share,
                    new.capabilities.as_ref().map(ToString::to_string),
                    now
                ],
                Cells::id,
            )
            .await?;
        self.name_account(id, new.provider, &[&new.external_id])
            .await?;
        Ok(id)
    }

    /// Lets an account go by more ids; one that another account goes by already stays with that.
    pub async fn name_account(
        &mut self,
        id: AccountId,
        provider: Provider,
        names: &[&str],
    ) -> Result<()> {
        let w = self.w();
        for name in names {
            self.execute(ACCOUNT_NAME, args![w, provider, *name, id])
                .await?;
        }
        Ok(())
    }

    /// Puts a connection in; the one with the same app, account and subject keeps its id and state.
    pub async fn upsert_connection(
        &mut self,
        new: &NewConnection,
        now: Timestamp,
    ) -> Result<ConnectionId> {
        let id: ConnectionId = self.new_id(now);
        let w = self.w();
        self.exactly(
            CONNECTION_NEW,
            args![
                id,
                w,
                new.app_id,
                new.account_id,
                &new.subject_id,
                &new.name,
                new.origin,
                now
            ],
            Cells::id,
        )
        .await
    }

    /// Sets a connection's state and the reason; whether that was a change.
    pub async fn set_connection_state(
        &mut self,
        id: ConnectionId,
        state: ConnectionState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(CONNECTION_STATE, args![w, id, state, reason, now])
            .await?
            > 0)
    }

    /// Notes that a call went well at `at`.
    pub async fn note_connection_ok(&mut self, id: ConnectionId, at: Timestamp) -> Result<()> {
        let w = self.w();
        self.execute(CONNECTION_OK, args![w, id, at]).await?;
        Ok(())
    }

    /// Notes what a failed call said.
    pub async fn note_connection_error(
        &mut self,
        id: ConnectionId,
        error: &str,
        at: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(CONNECTION_ERROR, args![w, id, error, at])
            .await?;
        Ok(())
    }

    /// Gives a connection another name.
    pub async fn rename_connection(
        &mut self,
        id: ConnectionId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(CONNECTION_RENAME, args![w, id, name, now])
            .await?
            > 0)
    }

    /// Lets a connection go through another app (or another client of it), or reach another identity; it keeps its id.
    ///
    /// # Errors
    /// `Constraint` when another connection does that already.
    pub async fn move_connection(
        &mut self,
        id: ConnectionId,
        app: AppId,
        account: AccountId,
        subject: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(CONNECTION_MOVE, args![w, id, app, account, subject, now])
            .await?
            > 0)
    }

    /// Removes a connection. The account's data stays.
    pub async fn delete_connection(&mut self, id: ConnectionId) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(CONNECTION_DELETE, args![w, id]).await? > 0)
    }
}
