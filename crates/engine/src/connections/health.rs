//! What calls through a connection teach about it: state, reasons, refused resources.

use std::sync::PoisonError;
use std::time::Duration;

use parfocal_store::{AccountId, ConnectionId, ConnectionState, NewAccount, Provider};

use super::Connections;
use super::probe::{Access, Capabilities, Capability, cause_of};
use crate::clock::span;
use crate::error::{Code, EngineError, Result};

/// A success is written down at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(30);

impl Connections<'_> {
    /// Notes that a call went well; cheap to call after each.
    pub async fn note_ok(&self, id: ConnectionId) -> Result<()> {
        let now = self.app.clock().now();
        {
            let mut noted = self
                .app
                .clients()
                .noted
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let fresh = noted
                .get(&id)
                .is_some_and(|at| *at <= now && span(*at, now) < NOTE_EVERY);
            if fresh {
                return Ok(());
            }
            noted.insert(id, now);
        }
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.note_connection_ok(id, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that a call failed, and changes the connection's state when the failure says so: refused credentials and
    /// dead grants need a person, a missing scope degrades. Other failures leave the state.
    pub async fn note_error(&self, id: ConnectionId, error: &EngineError) -> Result<()> {
        let state = match error.code() {
            Code::CredentialsRefused
            | Code::ClientRejected
            | Code::RefreshLost
            | Code::GrantDead
            | Code::ConnectionNeedsAttention
            | Code::VaultKey
            | Code::VaultForged => Some(ConnectionState::NeedsReconnect),
            Code::MissingScope => Some(ConnectionState::Degraded),
            _ => None,
        };
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.note_connection_error(id, error.message(), now).await?;
        if let Some(state) = state {
            let changed = tx
                .set_connection_state(id, state, Some(error.message()), now)
                .await?;
            if changed {
                tracing::warn!(connection = %id, state = state.as_str(), error = error.message(), "a connection changed its state");
            }
        }
        tx.commit().await?;
        self.app
            .clients()
            .noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        Ok(())
    }

    /// What is known of an account's resource, such as `recordings`; none when it was never asked for.
    pub async fn capability(
        &self,
        account: AccountId,
        resource: &str,
    ) -> Result<Option<Capability>> {
        let row = self.app.store().account(self.app.scope(), account).await?;
        Ok(row.and_then(|row| {
            Capabilities::read(&row.capabilities)
                .resources
                .remove(resource)
        }))
    }

    /// Notes that an account gave a resource.
    pub async fn note_given(&self, account: AccountId, resource: &str) -> Result<()> {
        let at = self.app.clock().now();
        let given = Capability {
            access: Access::Given,
            cause: None,
            detail: None,
            at,
        };
        self.set_capability(account, resource, given).await
    }

    /// Notes that an account refused a resource for its plan, a scope or a permission, in Zoom's words; returns the
    /// cause, or none when the failure is of another kind and nothing was noted.
    pub async fn note_refused(
        &self,
        account: AccountId,
        resource: &str,
        error: &parfocal_zoom::Error,
    ) -> Result<Option<&'static str>> {
        let Some(cause) = cause_of(error) else {
            return Ok(None);
        };
        let refused = Capability {
            access: Access::Refused,
            cause: Some(cause.to_owned()),
            detail: Some(error.message().to_owned()),
            at: self.app.clock().now(),
        };
        self.set_capability(account, resource, refused).await?;
        Ok(Some(cause))
    }

    async fn set_capability(
        &self,
        account: AccountId,
        resource: &str,
        capability: Capability,
    ) -> Result<()> {
        let store = self.app.store();
        let Some(row) = store.account(self.app.scope(), account).await? else {
            return Err(EngineError::not_found("account", account));
        };
        let mut known = Capabilities::read(&row.capabilities);
        let same = known.resources.get(resource).is_some_and(|old| {
            (old.access, &old.cause, &old.detail)
                == (capability.access, &capability.cause, &capability.detail)
        });
        if same {
            return Ok(());
        }
        known.resources.insert(resource.to_owned(), capability);
        let mut tx = store.begin(self.app.scope()).await?;
        tx.upsert_account(
            &NewAccount {
                provider: Provider::Zoom,
                external_id: row.external_id,
                name: None,
                plan: None,
                region: None,
                limits_share: None,
                capabilities: Some(known.to_json()),
            },
            self.app.clock().now(),
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
