//! Making a server-to-server connection: the credentials are tried before anything is stored.

use parfocal_store::{
    AppKind, Connection, ConnectionOrigin, ConnectionState, EventFilter, EventState, NewAccount,
    NewApp, NewConnection, PageRequest, Provider,
};
use parfocal_zoom::auth::{App as ZoomApp, TokenSource};

use super::features::{Feature, Level};
use super::place::Cloud;
use super::probe::{self, Access, Capabilities, Capability, Probe};
use super::{
    ConnectionView, Connections, VAULT_SECRET, VAULT_WEBHOOK_SECRET, findings, grants, scopes,
};
use crate::audit::{self, By, Change};
use crate::config::{Plan, Secret};
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// How many pages of events that waited for their account are looked through; older ones can be replayed by hand.
const MOST_WAITING_PAGES: usize = 40;

/// The credentials of a server-to-server app, from its page on Zoom's marketplace.
#[derive(Debug, Clone)]
pub struct NewServerToServer {
    /// A name for the connection; none: the account's id, or its owner's domain.
    pub name: Option<String>,
    /// Account id.
    pub account_id: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Secret,
    /// Secret tokens that sign this app's webhooks; empty keeps those that are stored.
    pub webhook_secrets: Vec<Secret>,
    /// The account's plan; none: as configured, or as seen.
    pub plan: Option<Plan>,
    /// The part of the account's rate budget that is ours; none: as configured.
    pub share: Option<f64>,
    /// The cloud in which the app is registered.
    pub cloud: Cloud,
}

impl Connections<'_> {
    /// Connects a server-to-server app: asks Zoom for a token, learns who the account is, then stores it.
    ///
    /// Connecting the same app and account again replaces the secret and keeps the connection's id.
    ///
    /// # Errors
    /// `zoom_credentials_refused` with Zoom's words, `zoom_unreachable`; nothing is stored then.
    pub async fn connect_s2s(&self, new: NewServerToServer, by: &By) -> Result<ConnectionView> {
        check_input(&new)?;
        let account_id = new.account_id.trim().to_owned();
        let client_id = new.client_id.trim().to_owned();
        let secret = new.client_secret.to_secret_string();
        let parts = self.app.parts();
        let place = new.cloud.to_place();
        let zoom_app = ZoomApp::confidential(client_id.clone(), secret);
        let oauth = self.oauth(&place)?;
        let source = TokenSource::server_to_server(oauth, zoom_app, account_id.clone()).build();
        source.access().await.map_err(explain)?;
        let granted = source.scopes().await.map_err(explain)?;
        let key = format!("{}/{account_id}", Provider::Zoom);
        let client = self.client_at(&place, source, key)?;
        let found = probe::account(&client, Level::Account).await?;

        let scope = self.app.scope();
        let now = self.app.clock().now();
        let owner = found.owner.as_deref();
        let switches = findings::switches(&client, Level::Account, owner, now)
            .await
            .inspect_err(|error| tracing::warn!(%error, "the account's settings could not be read"))
            .ok();
        let name = name_for(&new, &found, &account_id);
        let apps = parts.store.apps(scope).await?;
        let existing = apps
            .iter()
            .find(|app| app.provider == Provider::Zoom && app.client_id == client_id);
        let app_name = existing.map_or_else(
            || self.free_name(&name, &apps, &client_id),
            |app| app.name.clone(),
        );
        let mut webhook_secrets = existing
            .map(|app| app.webhook_secrets.clone())
            .unwrap_or_default();
        let vaulted = VAULT_WEBHOOK_SECRET.to_owned();
        if !new.webhook_secrets.is_empty() && !webhook_secrets.contains(&vaulted) {
            webhook_secrets.push(vaulted);
        }

        let mut tx = parts.store.begin(scope).await?;
        // Asked in the transaction: who connects the same account under another of its ids at this moment finds this one. First of
        // all, so that nobody who waits for this holds what is needed next.
        let names: Vec<&str> = [Some(account_id.as_str()), found.account_id.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        let known = tx.account_known_as(Provider::Zoom, &names).await?;
        let app_id = tx
            .upsert_app(
                &NewApp {
                    provider: Provider::Zoom,
                    kind: AppKind::ServerToServer,
                    name: app_name,
                    client_id,
                    secret_ref: Some(VAULT_SECRET.to_owned()),
                    webhook_secrets,
                    public: false,
                },
                now,
            )
            .await?
            .id;
        tx.place_app(app_id, &place, None, now).await?;
        let owner = app_id.to_string();
        let secret = new.client_secret.expose().as_bytes();
        parts
            .vault
            .put(&mut tx, Purpose::ClientSecret, &owner, secret)
            .await?;
        self.put_webhook_secrets(&mut tx, app_id, &new.webhook_secrets)
            .await?;
        let external_id = known
            .as_ref()
            .map_or_else(|| account_id.clone(), |account| account.external_id.clone());
        let before = known
            .map(|account| Capabilities::read(&account.capabilities))
            .unwrap_or_default();
        let mut capabilities = learn(before, &found, &external_id, now);
        capabilities.goes_by(&account_id, &external_id);
        if let Some(switches) = switches {
            capabilities.switches.insert(account_id.clone(), switches);
        }
        let account = tx
            .upsert_account(
                &NewAccount {
                    provider: Provider::Zoom,
                    external_id,
                    name: found.owner.as_deref().and_then(domain).map(str::to_owned),
                    plan: new
                        .plan
                        .filter(|plan| *plan != Plan::Auto)
                        .map(|plan| plan.as_str().to_owned()),
                    region: None,
                    limits_share: new.share,
                    capabilities: Some(capabilities.to_json()),
                },
                now,
            )
            .await?;
        tx.name_account(account, Provider::Zoom, &names).await?;
        let connection = tx
            .upsert_connection(
                &NewConnection {
                    app_id,
                    account_id: account,
                    subject_id: account_id.clone(),
                    name,
                    origin: ConnectionOrigin::Vault,
                },
                now,
            )
            .await?;
        let (state, missing) = assess(AppKind::ServerToServer, &granted);
        tx.set_connection_state(connection, state, missing.as_deref(), now)
            .await?;
        tx.note_connection_ok(connection, now).await?;
        let change = Change {
            action: "connection.connect",
            target: &format!("connection/{connection}"),
            detail: serde_json::json!({"kind": "s2s", "app": app_id, "account": account, "state": state}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;

        let grant =
            grants::ensure_row(&parts.store, &parts.clock, scope, app_id, &account_id).await?;
        parts.store.resume_grant(scope, grant).await?;
        self.app.clients().forget(connection);
        self.app.webhooks().forget_cache();
        // The first use of the stored connection: its token is shared with other processes from here on.
        let row = self.find(&connection.to_string()).await?;
        self.client(&row).await?.tokens().access().await?;
        self.pick_up_waiting(&row).await?;
        self.view(row).await
    }

    /// Tries a connection: a fresh look at its token, its account and its scopes; its state says what was found.
    ///
    /// # Errors
    /// Only what keeps it from being tried, such as Zoom being out of reach; refused credentials are a finding.
    pub async fn check(&self, which: &str) -> Result<ConnectionView> {
        let row = self.find(which).await?;
        let now = self.app.clock().now();
        let app = self.app_row(row.app_id).await?;
        if let Some(grant) = self
            .app
            .store()
            .grant_of(self.app.scope(), row.app_id, &row.subject_id)
            .await?
        {
            // Whoever checks has mended something, or wants to know now.
            self.app
                .store()
                .resume_grant(self.app.scope(), grant.id)
                .await?;
        }
        if row.state == ConnectionState::Disconnected && row.origin == ConnectionOrigin::Vault {
            return self.view(row).await;
        }
        let outcome = async {
            let client = self.client(&row).await?;
            let explain = |error| explain_for(app.kind, error);
            client.tokens().access().await.map_err(explain)?;
            let granted = client.tokens().scopes().await.map_err(explain)?;
            let level = scopes::level_of(app.kind, &granted);
            let found = probe::account(&client, level).await?;
            let owner = found.owner.as_deref();
            let switches = findings::switches(&client, level, owner, now).await?;
            Ok::<_, EngineError>((granted, found, switches))
        }
        .await;
        match outcome {
            Ok((granted, found, switches)) => {
                let scope = self.app.scope();
                let account = self
                    .app
                    .store()
                    .account(scope, row.account_id)
                    .await?
                    .ok_or_else(|| EngineError::not_found("account", row.account_id))?;
                let before = Capabilities::read(&account.capabilities);
                let known_ids = before.aliases.len();
                let mut after = learn(before, &found, &account.external_id, now);
                after.switches.insert(row.subject_id.clone(), switches);
                let (state, missing) = assess(app.kind, &granted);
                let mut tx = self.app.store().begin(scope).await?;
                let id = tx
                    .upsert_account(
                        &NewAccount {
                            provider: Provider::Zoom,
                            external_id: account.external_id.clone(),
                            name: found.owner.as_deref().and_then(domain).map(str::to_owned),
                            plan: None,
                            region: None,
                            limits_share: None,
                            capabilities: Some(after.to_json()),
                        },
                        now,
                    )
                    .await?;
                let names: Vec<&str> = after.aliases.iter().map(String::as_str).collect();
                tx.name_account(id, Provider::Zoom, &names).await?;
                tx.set_connection_state(row.id, state, missing.as_deref(), now)
                    .await?;
                tx.note_connection_ok(row.id, now).await?;
                tx.commit().await?;
                self.app.webhooks().forget_cache();
                if row.last_ok.is_none() || after.aliases.len() > known_ids {
                    self.pick_up_waiting(&row).await?;
                }
            }
            Err(error) if error.is_retryable() => {
                self.note_error(row.id, &error).await?;
                return Err(error);
            }
            Err(error) => self.note_error(row.id, &error).await?,
        }
        self.view(self.find(&row.id.to_string()).await?).await
    }

    /// Has events routed that came before their account was known; they were kept for this.
    pub(super) async fn pick_up_waiting(&self, connection: &Connection) -> Result<()> {
        let (scope, store) = (self.app.scope(), self.app.store());
        let Some(account) = store.account(scope, connection.account_id).await? else {
            return Ok(());
        };
        let mut ids = Capabilities::read(&account.capabilities).aliases;
        ids.push(account.external_id);
        let filter = EventFilter {
            state: Some(EventState::Failed),
            ..EventFilter::default()
        };
        let mut page = PageRequest::first(500);
        for _ in 0..MOST_WAITING_PAGES {
            let found = store.inbox_events(scope, &filter, &page).await?;
            let mut tx = store.begin(scope).await?;
            for event in found
                .items
                .iter()
                .filter(|event| event.connection_id.is_none())
            {
                // The lane begins with the account's id, as the event named it.
                let lane = event.lane.as_deref().unwrap_or_default();
                let named = lane.split_once('/').map_or(lane, |(account, _)| account);
                if ids.iter().any(|id| id == named) {
                    tx.replay_event(event.id, self.app.clock().now()).await?;
                }
            }
            tx.commit().await?;
            match found.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        Ok(())
    }
}

fn name_for(new: &NewServerToServer, found: &Probe, external_id: &str) -> String {
    new.name
        .as_deref()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .or_else(|| found.owner.as_deref().and_then(domain))
        .unwrap_or(external_id)
        .to_owned()
}

/// Adds what a probe found to what was known.
pub(super) fn learn(
    mut known: Capabilities,
    found: &Probe,
    external_id: &str,
    now: jiff::Timestamp,
) -> Capabilities {
    if let Some(id) = &found.account_id {
        known.goes_by(id, external_id);
    }
    if let Some(licensed) = found.licensed {
        known.plan_hint = Some(if licensed { "pro" } else { "free" }.to_owned());
    }
    known.resources.remove("users");
    for (resource, refused) in &found.refused {
        let capability = Capability {
            access: Access::Refused,
            cause: Some(refused.cause.to_owned()),
            detail: Some(refused.detail.clone()),
            at: now,
        };
        known.resources.insert((*resource).to_owned(), capability);
    }
    known
}

fn check_input(new: &NewServerToServer) -> Result<()> {
    let parts = [
        ("account id", new.account_id.trim().is_empty()),
        ("client id", new.client_id.trim().is_empty()),
        ("client secret", new.client_secret.is_empty()),
    ];
    if let Some((what, _)) = parts.iter().find(|(_, empty)| *empty) {
        return Err(EngineError::invalid(format!("the {what} is missing")).with_hint(
            "All three stand on the app's page on marketplace.zoom.us: account id, client id, client secret.",
        ));
    }
    if new
        .share
        .is_some_and(|share| !(share > 0.0 && share <= 1.0))
    {
        return Err(EngineError::invalid(
            "the share must be above 0 and at most 1",
        ));
    }
    if new.webhook_secrets.iter().any(Secret::is_empty) {
        return Err(EngineError::invalid("a webhook secret token is empty"));
    }
    Ok(())
}

/// For a new connection a dead grant means wrong credentials: there is no grant yet.
fn explain(error: parfocal_zoom::Error) -> EngineError {
    use parfocal_zoom::ErrorKind as K;
    match error.kind() {
        K::GrantDead | K::Unauthorized | K::ClientRejected | K::Validation => {
            let message = format!("Zoom refused the credentials: {}", error.message());
            EngineError::new(Code::CredentialsRefused, message).with_source(error)
        }
        _ => error.into(),
    }
}

/// The same for a connection that was made before: a grant that Zoom withdrew is dead, and credentials of an app that
/// people authorise are the app's, not the connection's.
fn explain_for(kind: AppKind, error: parfocal_zoom::Error) -> EngineError {
    use parfocal_zoom::ErrorKind as K;
    match (kind, error.kind()) {
        (AppKind::ServerToServer, _) => explain(error),
        (_, K::ClientRejected) => {
            let message = format!("Zoom refused the app's client: {}", error.message());
            EngineError::from(error).retold(Code::ClientRejected, message)
        }
        _ => error.into(),
    }
}

/// The state that granted scopes make, and the reason for it.
pub(super) fn assess(kind: AppKind, granted: &[String]) -> (ConnectionState, Option<String>) {
    let level = scopes::level_of(kind, granted);
    let reason = scopes::sentence(level, &scopes::missing(Feature::Ingest, level, granted));
    match reason {
        Some(reason) => (ConnectionState::Degraded, Some(reason)),
        None => (ConnectionState::Healthy, None),
    }
}

pub(super) fn domain(email: &str) -> Option<&str> {
    email
        .rsplit_once('@')
        .map(|(_, domain)| domain)
        .filter(|domain| !domain.is_empty())
}

/// A name as part of an address: lower-case letters, digits, `-`.
pub(super) fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
        if out.len() >= 48 {
            break;
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() || matches!(out, "env" | "default") {
        format!("app-{out}").trim_end_matches('-').to_owned()
    } else {
        out.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses() {
        assert_eq!(slug("Acme GmbH & Co."), "acme-gmbh-co");
        assert_eq!(slug("example.org"), "example-org");
        assert_eq!(slug("会議"), "app");
        assert_eq!(slug("env"), "app-env");
    }
}
