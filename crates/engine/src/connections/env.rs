//! The connection `env`: credentials from the environment are used by reference and never stored.

use std::time::Duration;

use parfocal_store::{
    AppKind, ConnectionOrigin, ConnectionState, NewAccount, NewApp, NewConnection, Provider,
};

use super::{Connections, ENV_NAME, ENV_SECRET, VAULT_WEBHOOK_SECRET};
use crate::error::Result;
use crate::vault::Purpose;

/// Why a connection that came back without ever having worked is not called healthy.
const UNCHECKED: &str = "Not checked yet: Zoom has given no token so far.";
/// First and longest pause before untried connections are tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

impl Connections<'_> {
    /// Brings the rows in line with the environment: makes or renames the connection `env`, or marks it as gone.
    ///
    /// Nothing outside is asked; the connection is tried when it is first used or checked.
    pub(crate) async fn sync_env(&self) -> Result<()> {
        let zoom = &self.app.config().zoom;
        let given = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let secret = zoom
            .s2s_client_secret
            .as_ref()
            .filter(|secret| !secret.is_empty());
        match (given(&zoom.account_id), given(&zoom.s2s_client_id), secret) {
            (Some(account), Some(client_id), Some(_)) => self.put_env(account, client_id).await,
            _ => self.drop_env(None).await,
        }
    }

    /// Tries connections that were never tried, again and again while Zoom is out of reach: what their accounts are
    /// called in events, and what they can do, is known after that. Those that need a person are tried once: an app's
    /// secret may have been corrected since.
    pub(crate) async fn try_untried(&self) {
        let mut pause = FIRST_PAUSE;
        let mut first = true;
        loop {
            let rows = match self.app.store().connections(self.app.scope()).await {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(%error, "connections cannot be read");
                    return;
                }
            };
            let untried: Vec<_> = rows
                .into_iter()
                .filter(|row| match row.state {
                    ConnectionState::Healthy | ConnectionState::Degraded => row.last_ok.is_none(),
                    ConnectionState::NeedsReconnect => first,
                    _ => false,
                })
                .collect();
            first = false;
            let mut again = false;
            for row in untried {
                if let Err(error) = self.check(&row.id.to_string()).await {
                    tracing::warn!(connection = row.name, %error, "a connection could not be tried");
                    again |= error.is_retryable();
                }
            }
            if !again {
                return;
            }
            self.app.clock().sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn put_env(&self, account_id: String, client_id: String) -> Result<()> {
        let scope = self.app.scope();
        let store = self.app.store();
        let now = self.app.clock().now();
        let existing = store
            .apps(scope)
            .await?
            .into_iter()
            .find(|app| app.provider == Provider::Zoom && app.client_id == client_id);
        let connections = store.connections(scope).await?;
        let up_to_date = existing.as_ref().is_some_and(|app| {
            app.secret_ref.as_deref() == Some(ENV_SECRET)
                && connections.iter().any(|row| {
                    row.app_id == app.id
                        && row.subject_id == account_id
                        && row.origin == ConnectionOrigin::Env
                        && row.state != ConnectionState::Disconnected
                })
        });
        if up_to_date {
            return Ok(());
        }
        let webhook_secrets: Vec<String> = existing
            .map(|app| app.webhook_secrets)
            .unwrap_or_default()
            .into_iter()
            .filter(|place| place == VAULT_WEBHOOK_SECRET)
            .collect();
        let mut tx = store.begin(scope).await?;
        // First of all, as everywhere: nobody who waits for this holds what is needed next.
        let known = tx.account_known_as(Provider::Zoom, &[&account_id]).await?;
        let app = tx
            .upsert_app(
                &NewApp {
                    provider: Provider::Zoom,
                    kind: AppKind::ServerToServer,
                    name: ENV_NAME.to_owned(),
                    client_id,
                    secret_ref: Some(ENV_SECRET.to_owned()),
                    webhook_secrets,
                    public: false,
                },
                now,
            )
            .await?;
        // The environment takes over: a copy that was stored before must not outlive it.
        tx.delete_secret(Purpose::ClientSecret.as_str(), &app.id.to_string())
            .await?;
        let external_id = known.map_or_else(|| account_id.clone(), |account| account.external_id);
        let account = tx
            .upsert_account(
                &NewAccount {
                    provider: Provider::Zoom,
                    external_id,
                    name: None,
                    plan: None,
                    region: None,
                    limits_share: None,
                    capabilities: None,
                },
                now,
            )
            .await?;
        let connection = tx
            .upsert_connection(
                &NewConnection {
                    app_id: app.id,
                    account_id: account,
                    subject_id: account_id,
                    name: ENV_NAME.to_owned(),
                    origin: ConnectionOrigin::Env,
                },
                now,
            )
            .await?;
        // One that is back and never worked does not pass for healthy before Zoom gave it a token.
        let untried = connections
            .iter()
            .any(|row| row.id == connection && row.last_ok.is_none());
        let (state, reason) = if untried {
            (ConnectionState::Degraded, Some(UNCHECKED))
        } else {
            (ConnectionState::Healthy, None)
        };
        tx.set_connection_state(connection, state, reason, now)
            .await?;
        tx.commit().await?;
        self.drop_env(Some(connection)).await
    }

    /// Marks connections of the environment as gone, except the one that is configured.
    async fn drop_env(&self, keep: Option<parfocal_store::ConnectionId>) -> Result<()> {
        let scope = self.app.scope();
        let gone: Vec<_> = self
            .app
            .store()
            .connections(scope)
            .await?
            .into_iter()
            .filter(|row| row.origin == ConnectionOrigin::Env && Some(row.id) != keep)
            .filter(|row| row.state != ConnectionState::Disconnected)
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut tx = self.app.store().begin(scope).await?;
        for row in gone {
            let reason = "Its credentials are not in the environment any more.";
            let now = self.app.clock().now();
            tx.set_connection_state(row.id, ConnectionState::Disconnected, Some(reason), now)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
