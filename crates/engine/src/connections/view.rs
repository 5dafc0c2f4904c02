//! Connections as shown to people and programs; no secrets.

use jiff::Timestamp;
use parfocal_store::{
    Account, AccountId, AppKind, Connection, ConnectionId, ConnectionOrigin, ConnectionState,
};
use serde::Serialize;

use super::Connections;
use super::features::{Feature, Level};
use super::findings::{Finding, Known, findings};
use super::probe::Capabilities;
use super::scopes::{self, FeatureHealth, MissingScope};
use crate::config::Plan;
use crate::error::{EngineError, Result};

/// A connection as shown to people and programs.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ConnectionView {
    /// Our id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// How the app obtains tokens.
    pub kind: AppKind,
    /// How far it reaches.
    pub level: Level,
    /// Where its credentials come from.
    pub origin: ConnectionOrigin,
    /// Whether it works.
    pub state: ConnectionState,
    /// Why it is in that state; for a disconnected one, by whom.
    pub reason: Option<String>,
    /// The account it reaches.
    pub account: AccountView,
    /// Zoom's id of the user who agreed; the account's for server-to-server.
    pub subject: String,
    /// The app it goes through.
    pub app: String,
    /// That app's client id.
    pub client_id: String,
    /// The cloud the app lives in: `commercial`, `gov` or `other`.
    pub cloud: String,
    /// The API its calls go to, as far as it is known.
    pub api_url: Option<String>,
    /// Where Zoom sends that app's events, as a path on this server; none when no secret of it is known.
    pub webhook_path: Option<String>,
    /// Scopes of the present token.
    pub scopes: Vec<String>,
    /// What those scopes do not allow of the intake.
    pub missing_scopes: Vec<MissingScope>,
    /// What those scopes allow of each feature.
    pub features: Vec<FeatureHealth>,
    /// What a person should know before it fails.
    pub findings: Vec<Finding>,
    /// What is known of its tokens; none before the first.
    pub grant: Option<GrantView>,
    /// When plan and settings were last looked at.
    pub checked_at: Option<Timestamp>,
    /// When a call last succeeded.
    pub last_ok: Option<Timestamp>,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is known of a connection's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GrantView {
    /// When the access token ends; it is renewed by itself.
    pub access_until: Option<Timestamp>,
    /// Counts the token pairs.
    pub generation: i64,
    /// When renewing is tried again after failures.
    pub paused_until: Option<Timestamp>,
    /// Renewals whose answers never came; after two a person has to connect again.
    pub unanswered: i64,
    /// Why it can never be used again, if so.
    pub dead: Option<String>,
}

/// An account as shown with its connection.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
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

impl Connections<'_> {
    pub(super) async fn view(self, row: Connection) -> Result<ConnectionView> {
        let scope = self.app.scope();
        let store = self.app.store();
        let app = self.app_row(row.app_id).await?;
        let account = store
            .account(scope, row.account_id)
            .await?
            .ok_or_else(|| EngineError::not_found("account", row.account_id))?;
        let grant = store.grant_of(scope, row.app_id, &row.subject_id).await?;
        let scopes = grant
            .as_ref()
            .map(|grant| grant.scopes.clone())
            .unwrap_or_default();
        let told = grant.as_ref().and_then(|grant| grant.api_url.clone());
        let level = scopes::level_of(app.kind, &scopes);
        let view = self.app_view(&app);
        let account = self.account_view(account);
        let events_seen = store.has_events(scope, row.id).await?;
        let findings = findings(&Known {
            level,
            state: row.state,
            origin: row.origin,
            capabilities: &account.capabilities,
            subject: &row.subject_id,
            webhook_path: view.webhook_path.as_deref(),
            events_seen,
            skew: self.app.parts().oauth.clock_skew(),
            credentials_gone: view.problem.is_some(),
        });
        let checked_at = account
            .capabilities
            .switches
            .get(&row.subject_id)
            .and_then(|switches| switches.at);
        Ok(ConnectionView {
            id: row.id,
            name: row.name,
            kind: app.kind,
            level,
            origin: row.origin,
            state: row.state,
            reason: row.reason,
            account,
            subject: row.subject_id,
            api_url: self.api_url(&app, told.as_deref()),
            cloud: app.place.cloud,
            app: app.name,
            client_id: app.client_id,
            webhook_path: view.webhook_path,
            missing_scopes: scopes::missing(Feature::Ingest, level, &scopes),
            features: scopes::features(level, &scopes),
            findings,
            grant: grant.map(|grant| GrantView {
                access_until: grant.access_exp,
                generation: grant.generation,
                paused_until: grant.refresh_after,
                unanswered: if level == Level::Account {
                    0
                } else {
                    grant.asked
                },
                dead: grant.dead_reason,
            }),
            scopes,
            checked_at,
            last_ok: row.last_ok,
            last_error: row.last_error,
            last_error_at: row.last_error_at,
            created_at: row.created_at,
        })
    }

    fn account_view(self, account: Account) -> AccountView {
        let (plan, plan_source) = self.plan(&account);
        AccountView {
            id: account.id,
            plan: plan.as_str(),
            plan_source,
            share: account
                .limits_share
                .unwrap_or(self.app.config().limits.share),
            capabilities: Capabilities::read(&account.capabilities),
            external_id: account.external_id,
            name: account.name,
        }
    }

    pub(super) fn plan(self, account: &Account) -> (Plan, &'static str) {
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
}
