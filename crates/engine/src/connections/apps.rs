//! The apps that people authorise: those of the configuration, referenced, and those that were added, in the vault.

use parfocal_store::{App as AppRow, AppId, AppKind, ConnectionOrigin, NewApp, Provider};
use parfocal_zoom::auth::App as ZoomApp;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use super::place::Cloud;
use super::{Connections, ENV_SECRET, VAULT_SECRET, VAULT_WEBHOOK_SECRET};
use crate::audit::{self, By, Change};
use crate::config::Secret;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// Where the client secret of the configured user app is.
const ENV_USER_SECRET: &str = "env:ZOOM_CLIENT_SECRET";
/// What stands for the secret of the configured public client, which has none.
const ENV_PUBLIC: &str = "env:ZOOM_PUBLIC_CLIENT_ID";
/// Names of the configured apps.
const USER_APP: &str = "user";
const PUBLIC_APP: &str = "public";

/// An app that people authorise, from its page on Zoom's marketplace.
#[derive(Debug, Clone, Default)]
pub struct NewUserApp {
    /// A name, which also makes its webhook address; none: made from the client id.
    pub name: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client secret; none: a public client (PKCE).
    pub client_secret: Option<Secret>,
    /// Secret tokens that sign this app's webhooks; empty keeps those that are stored.
    pub webhook_secrets: Vec<Secret>,
    /// The cloud in which it is registered.
    pub cloud: Cloud,
    /// The client id of the same marketplace app, for its separate public client.
    pub family: Option<String>,
}

/// An app as shown to people and programs; no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppView {
    /// Our id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// How it obtains tokens.
    pub kind: AppKind,
    /// Its client id.
    pub client_id: String,
    /// Whether it is a public client (PKCE, no secret).
    pub public: bool,
    /// Where its secret comes from.
    pub origin: ConnectionOrigin,
    /// `commercial`, `gov` or `other`.
    pub cloud: String,
    /// Where its consent page is.
    pub oauth_url: String,
    /// Where Zoom sends its events, as a path on this server; none when no secret of it is known.
    pub webhook_path: Option<String>,
    /// Why nobody can connect through it now, if so.
    pub problem: Option<String>,
}

impl Connections<'_> {
    /// The address to which Zoom sends people back: the configured one, else this server's own.
    pub fn redirect_uri(&self) -> String {
        match &self.app.config().zoom.redirect_uri {
            Some(url) => url.to_string(),
            None => format!(
                "{}/oauth/zoom/callback",
                self.app.config().public_url().trim_end_matches('/')
            ),
        }
    }

    /// The apps that tokens are obtained through, by name.
    pub async fn apps(&self) -> Result<Vec<AppView>> {
        let rows = self.app.store().apps(self.app.scope()).await?;
        let rows = rows.into_iter().filter(|row| row.kind != AppKind::Webhook);
        Ok(rows.map(|row| self.app_view(&row)).collect())
    }

    /// The app of a name, id or client id; without one, the one that suits a redirect address: a public client for
    /// `http://127.0.0.1`, one with a secret otherwise.
    ///
    /// # Errors
    /// `not_found` when there is none; `invalid_input` when several would do.
    pub async fn find_app(&self, which: Option<&str>, redirect_uri: &str) -> Result<AppView> {
        let row = self.user_app(which, Some(redirect_uri)).await?;
        Ok(self.app_view(&row))
    }

    /// Adds an app that people can authorise; the same client id again replaces its secret and keeps its id.
    ///
    /// Zoom is not asked: a wrong secret shows when the first person comes back.
    ///
    /// # Errors
    /// `invalid_input` for what is empty; `conflict` when the client id belongs to a configured app.
    pub async fn add_app(&self, new: NewUserApp, by: &By) -> Result<AppView> {
        let client_id = new.client_id.trim().to_owned();
        let empty = client_id.is_empty()
            || new.client_secret.as_ref().is_some_and(Secret::is_empty)
            || new.webhook_secrets.iter().any(Secret::is_empty);
        if empty {
            return Err(EngineError::invalid("a client id or secret is empty").with_hint(
                "Copy them from the app's page on marketplace.zoom.us; a public client has an id and no secret.",
            ));
        }
        let (scope, now) = (self.app.scope(), self.app.clock().now());
        let parts = self.app.parts();
        let rows = parts.store.apps(scope).await?;
        let known = rows
            .iter()
            .find(|row| row.provider == Provider::Zoom && row.client_id == client_id);
        if let Some(row) = known
            && row
                .secret_ref
                .as_deref()
                .is_some_and(|place| place.starts_with("env:"))
        {
            return Err(EngineError::new(
                Code::Conflict,
                format!("the app {} comes from the configuration", row.name),
            )
            .with_hint("Change it there, or add an app with another client id."));
        }
        if known.is_some_and(|row| row.kind == AppKind::ServerToServer) {
            return Err(EngineError::new(
                Code::Conflict,
                "this client id belongs to a server-to-server app, which nobody can authorise",
            ));
        }
        let wanted = new.name.as_deref().map(str::trim).unwrap_or_default();
        let wanted = if wanted.is_empty() {
            &client_id
        } else {
            wanted
        };
        let name = match known {
            Some(row) if new.name.is_none() => row.name.clone(),
            _ => self.free_name(wanted, &rows, &client_id),
        };
        let vaulted = VAULT_WEBHOOK_SECRET.to_owned();
        let mut webhook_secrets = known
            .map(|row| row.webhook_secrets.clone())
            .unwrap_or_default();
        if !new.webhook_secrets.is_empty() && !webhook_secrets.contains(&vaulted) {
            webhook_secrets.push(vaulted);
        }
        let mut tx = parts.store.begin(scope).await?;
        let row = NewApp {
            provider: Provider::Zoom,
            kind: AppKind::User,
            name,
            client_id,
            secret_ref: new.client_secret.as_ref().map(|_| VAULT_SECRET.to_owned()),
            webhook_secrets,
            public: new.client_secret.is_none(),
        };
        let id = tx.upsert_app(&row, now).await?.id;
        let family = new.family.as_deref().map(str::trim);
        let family = family.filter(|family| !family.is_empty());
        tx.place_app(id, &new.cloud.to_place(), family, now).await?;
        let owner = id.to_string();
        if let Some(secret) = &new.client_secret {
            let secret = secret.expose().as_bytes();
            parts
                .vault
                .put(&mut tx, Purpose::ClientSecret, &owner, secret)
                .await?;
        }
        self.put_webhook_secrets(&mut tx, id, &new.webhook_secrets)
            .await?;
        let change = Change {
            action: "app.add",
            target: &format!("app/{id}"),
            detail: serde_json::json!({"name": row.name, "client_id": row.client_id, "cloud": new.cloud.as_str()}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.app.webhooks().forget_cache();
        let row = self.app_row(id).await?;
        Ok(self.app_view(&row))
    }

    /// A name for an address that no other app has.
    pub(super) fn free_name(self, wanted: &str, rows: &[AppRow], client_id: &str) -> String {
        let name = super::connect::slug(wanted);
        let taken = rows
            .iter()
            .any(|row| row.name == name && row.client_id != client_id);
        if taken {
            let tail = hex::encode(self.app.parts().chance.bytes::<3>());
            format!("{name}-{tail}")
        } else {
            name
        }
    }

    pub(super) async fn put_webhook_secrets(
        self,
        tx: &mut parfocal_store::Tx,
        app: AppId,
        secrets: &[Secret],
    ) -> Result<()> {
        if secrets.is_empty() {
            return Ok(());
        }
        let lines: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        let lines = zeroize::Zeroizing::new(lines.join("\n"));
        let owner = app.to_string();
        self.app
            .vault()
            .put(tx, Purpose::WebhookSecret, &owner, lines.as_bytes())
            .await
    }

    pub(super) async fn app_row(self, id: AppId) -> Result<AppRow> {
        self.app
            .store()
            .app(self.app.scope(), id)
            .await?
            .ok_or_else(|| EngineError::not_found("app", id))
    }

    /// The row that [`Connections::find_app`] means; without a redirect address, one with a secret comes first.
    pub(super) async fn user_app(
        self,
        which: Option<&str>,
        redirect_uri: Option<&str>,
    ) -> Result<AppRow> {
        let mut rows = self.app.store().apps(self.app.scope()).await?;
        rows.retain(|row| row.provider == Provider::Zoom && row.kind == AppKind::User);
        let hint = "Set ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET (or ZOOM_PUBLIC_CLIENT_ID for a public client), or add an app.";
        if let Some(which) = which {
            rows.retain(|row| {
                row.name == which || row.client_id == which || row.id.to_string() == which
            });
            return rows
                .pop()
                .ok_or_else(|| EngineError::not_found("app to authorise", which).with_hint(hint));
        }
        let loopback = redirect_uri.is_some_and(is_plain);
        if redirect_uri.is_some() {
            // A confidential client may come back over https only; a public one may do both.
            rows.retain(|row| row.public || !loopback);
        }
        rows.retain(|row| self.problem(row).is_none());
        // Of one app's two clients, the one with a secret; configured ones before added ones.
        rows.sort_by_key(|row| (row.public != loopback, !is_env(row)));
        let rest = rows.split_off(rows.len().min(1));
        let Some(first) = rows.pop() else {
            let what = if loopback {
                "no public client is known, and Zoom sends no other back to http://127.0.0.1"
            } else {
                "no app is known that people could authorise"
            };
            return Err(EngineError::new(Code::NotFound, what).with_hint(hint));
        };
        let rivals = rest
            .iter()
            .any(|row| (row.public, is_env(row)) == (first.public, is_env(&first)));
        if rivals {
            let names: Vec<&str> = std::iter::once(&first)
                .chain(&rest)
                .map(|row| row.name.as_str())
                .collect();
            let message = format!("several apps could be meant: {}", names.join(", "));
            return Err(EngineError::invalid(message).with_hint("Name one of them."));
        }
        Ok(first)
    }

    /// The client of the same marketplace app that suits a redirect address.
    pub(super) async fn sibling_for(self, row: AppRow, redirect_uri: &str) -> Result<AppRow> {
        if row.public || !is_plain(redirect_uri) {
            return Ok(row);
        }
        let family = family_of(&row).to_owned();
        let rows = self.app.store().apps(self.app.scope()).await?;
        rows.into_iter()
            .find(|other| other.public && family_of(other) == family)
            .ok_or_else(|| {
                EngineError::new(
                    Code::ConfigInvalid,
                    format!(
                        "the app {} has a secret, and Zoom sends such clients back to https addresses only",
                        row.name
                    ),
                )
                .with_hint("Use its public client for http://127.0.0.1, or give this server an https address.")
            })
    }

    /// The client to show to Zoom.
    pub(super) async fn zoom_app(self, row: &AppRow) -> Result<ZoomApp> {
        if row.public {
            return Ok(ZoomApp::public(row.client_id.clone()));
        }
        match self.client_secret(row).await? {
            Some(secret) => Ok(ZoomApp::confidential(row.client_id.clone(), secret)),
            None => Err(EngineError::new(
                Code::ConnectionNeedsAttention,
                format!(
                    "the client secret of the app {} is not known any more",
                    row.name
                ),
            )),
        }
    }

    /// The client secret of an app: from the environment by reference, or from the vault.
    pub(super) async fn client_secret(self, app: &AppRow) -> Result<Option<SecretString>> {
        let zoom = &self.app.config().zoom;
        let configured = |id: &Option<String>, secret: &Option<Secret>| {
            let same = id.as_deref().map(str::trim) == Some(app.client_id.as_str());
            Ok(secret
                .as_ref()
                .filter(|secret| same && !secret.is_empty())
                .map(Secret::to_secret_string))
        };
        match app.secret_ref.as_deref() {
            Some(ENV_SECRET) => configured(&zoom.s2s_client_id, &zoom.s2s_client_secret),
            Some(ENV_USER_SECRET) => configured(&zoom.client_id, &zoom.client_secret),
            Some(ENV_PUBLIC) | None => Ok(None),
            Some(_) => {
                let owner = app.id.to_string();
                self.app
                    .vault()
                    .get_text(self.app.scope(), Purpose::ClientSecret, &owner)
                    .await
            }
        }
    }

    fn problem(self, row: &AppRow) -> Option<String> {
        let zoom = &self.app.config().zoom;
        let given =
            |id: &Option<String>| id.as_deref().map(str::trim) == Some(row.client_id.as_str());
        let missing = match row.secret_ref.as_deref() {
            Some(ENV_USER_SECRET) => !given(&zoom.client_id) || zoom.client_secret.is_none(),
            Some(ENV_PUBLIC) => !given(&zoom.public_client_id),
            Some(ENV_SECRET) => !given(&zoom.s2s_client_id) || zoom.s2s_client_secret.is_none(),
            _ => false,
        };
        missing.then(|| "its credentials are not in the environment any more".to_owned())
    }

    pub(super) fn app_view(self, row: &AppRow) -> AppView {
        let zoom = &self.app.config().zoom;
        let named = zoom.apps.iter().find(|(_, app)| {
            app.client_id.as_deref() == Some(row.client_id.as_str())
                && !app.webhook_secret_token.is_empty()
        });
        let webhook_path = if !row.webhook_secrets.is_empty() {
            Some(format!("/webhooks/zoom/{}", row.name))
        } else if !zoom.webhook_secret_token.is_empty() {
            Some("/webhooks/zoom".to_owned())
        } else {
            named.map(|(name, _)| format!("/webhooks/zoom/{name}"))
        };
        AppView {
            id: row.id,
            name: row.name.clone(),
            kind: row.kind,
            client_id: row.client_id.clone(),
            public: row.public,
            origin: if is_env(row) {
                ConnectionOrigin::Env
            } else {
                ConnectionOrigin::Vault
            },
            cloud: row.place.cloud.clone(),
            oauth_url: self.oauth_url(row),
            webhook_path,
            problem: self.problem(row),
        }
    }

    /// Makes rows for the apps that the configuration names; their secrets stay there.
    pub(crate) async fn sync_apps(&self) -> Result<()> {
        let zoom = &self.app.config().zoom;
        let given = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let confidential = given(&zoom.client_id);
        let mut wanted = Vec::new();
        if let Some(id) = confidential
            .clone()
            .filter(|_| zoom.client_secret.is_some())
        {
            wanted.push((USER_APP, id, ENV_USER_SECRET, false, None));
        }
        if let Some(id) = given(&zoom.public_client_id) {
            wanted.push((PUBLIC_APP, id, ENV_PUBLIC, true, confidential));
        }
        let (scope, now) = (self.app.scope(), self.app.clock().now());
        let rows = self.app.store().apps(scope).await?;
        wanted.retain(|(_, client_id, place, _, family)| {
            !rows.iter().any(|row| {
                row.client_id == *client_id
                    && row.kind == AppKind::User
                    && row.secret_ref.as_deref() == Some(place)
                    && row.family == *family
            })
        });
        if wanted.is_empty() {
            return Ok(());
        }
        let mut tx = self.app.store().begin(scope).await?;
        for (name, client_id, place, public, family) in wanted {
            let known = rows.iter().find(|row| row.client_id == client_id);
            let new = NewApp {
                provider: Provider::Zoom,
                kind: AppKind::User,
                // One that receives webhooks under a name of its own keeps that.
                name: known.map_or_else(
                    || self.free_name(name, &rows, &client_id),
                    |row| row.name.clone(),
                ),
                client_id,
                secret_ref: Some(place.to_owned()),
                webhook_secrets: known
                    .map(|row| row.webhook_secrets.clone())
                    .unwrap_or_default(),
                public,
            };
            let id = tx.upsert_app(&new, now).await?.id;
            let at = Cloud::Commercial.to_place();
            tx.place_app(id, &at, family.as_deref(), now).await?;
            // The environment takes over: a copy that was stored before must not outlive it.
            tx.delete_secret(Purpose::ClientSecret.as_str(), &id.to_string())
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The client id that stands for the marketplace app of a client.
pub(super) fn family_of(row: &AppRow) -> &str {
    row.family.as_deref().unwrap_or(&row.client_id)
}

fn is_env(row: &AppRow) -> bool {
    row.secret_ref
        .as_deref()
        .is_some_and(|place| place.starts_with("env:"))
}

/// Whether an address is plain http, which Zoom takes for public clients on this machine only.
fn is_plain(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| url.scheme() == "http")
}
