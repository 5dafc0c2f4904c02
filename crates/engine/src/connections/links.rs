//! Links to send to a person: each leads one person, once and in time, to Zoom's consent page.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parfocal_store::{ConnectLink, ConnectionId, LinkId, NewConnectLink};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;

use super::Connections;
use super::install::hash;
use crate::audit::{self, By, Change};
use crate::clock::later;
use crate::error::{Code, EngineError, Result};

/// Longest life of a link.
const LONGEST: Duration = Duration::from_hours(24 * 90);
/// Links that are listed at most.
const MOST: u32 = 500;

/// A link to make.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The app, by name, id or client id; none: the one that suits [`Connections::redirect_uri`].
    pub app: Option<String>,
    /// For whom it is.
    pub name: Option<String>,
    /// How long it is good, up to 90 days.
    pub lives: Duration,
    /// Scopes to ask for; empty: the app's own.
    pub scopes: Vec<String>,
}

impl NewLink {
    /// How long a link is good when nobody says otherwise.
    pub const DEFAULT_LIFE: Duration = Duration::from_hours(24 * 7);
}

impl Default for NewLink {
    fn default() -> Self {
        Self {
            app: None,
            name: None,
            lives: Self::DEFAULT_LIFE,
            scopes: Vec::new(),
        }
    }
}

/// Whether a link can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It can.
    Open,
    /// Somebody connected through it.
    Used,
    /// It was not used in time.
    Expired,
    /// It was taken back.
    Revoked,
}

/// A link as shown to people and programs; its token is not known any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView {
    /// Its id.
    pub id: LinkId,
    /// For whom it is.
    pub name: Option<String>,
    /// Name of the app it leads to.
    pub app: String,
    /// Scopes that are asked for; empty: the app's own.
    pub scopes: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being good.
    pub expires: Timestamp,
    /// Whether it can be used.
    pub state: LinkState,
    /// When somebody connected through it.
    pub used_at: Option<Timestamp>,
    /// The connection that was made.
    pub connection: Option<ConnectionId>,
}

/// A link that was made; the token is shown this once.
#[derive(Debug)]
pub struct MadeLink {
    /// What is kept of it.
    pub view: LinkView,
    /// What makes it work: whoever has it can connect.
    pub token: SecretString,
    /// The address to send.
    pub url: SecretString,
}

impl Connections<'_> {
    /// Makes a link.
    ///
    /// # Errors
    /// `not_found` without a suitable app; `invalid_input` for a life that is none or too long.
    pub async fn create_link(&self, new: NewLink, by: &By) -> Result<MadeLink> {
        if new.lives.is_zero() || new.lives > LONGEST {
            return Err(EngineError::invalid(
                "a link lives more than no time and at most 90 days",
            ));
        }
        let redirect = self.redirect_uri();
        let app = self.user_app(new.app.as_deref(), Some(&redirect)).await?;
        let token = URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>());
        let (scope, now) = (self.app.scope(), self.app.clock().now());
        let name = new.name.map(|name| name.trim().to_owned());
        let mut tx = self.app.store().begin(scope).await?;
        let id = tx
            .put_connect_link(
                &NewConnectLink {
                    token_hash: hash(&token),
                    app_id: app.id,
                    name: name.filter(|name| !name.is_empty()),
                    scopes: new.scopes,
                    made_by: by.actor.clone(),
                    expires: later(now, new.lives),
                },
                now,
            )
            .await?;
        let change = Change {
            action: "link.create",
            target: &format!("link/{id}"),
            detail: json!({"app": app.name, "expires": later(now, new.lives)}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        let base = self.app.config().public_url();
        let url = format!("{}/connect/{token}", base.trim_end_matches('/'));
        Ok(MadeLink {
            view: self.link_view(self.link(id).await?).await?,
            token: token.into(),
            url: url.into(),
        })
    }

    /// All links, newest first.
    pub async fn links(&self) -> Result<Vec<LinkView>> {
        let rows = self
            .app
            .store()
            .connect_links(self.app.scope(), MOST)
            .await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.link_view(row).await?);
        }
        Ok(views)
    }

    /// Takes an open link back.
    ///
    /// # Errors
    /// `connect_link_unknown`; `conflict` when it is not open any more.
    pub async fn revoke_link(&self, id: &str, by: &By) -> Result<LinkView> {
        let id: LinkId = id.parse().map_err(|_| unknown())?;
        let row = self.link(id).await?;
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        if !tx.revoke_connect_link(id, now).await? {
            return Err(EngineError::new(
                Code::Conflict,
                "the link was used or taken back before",
            ));
        }
        let change = Change {
            action: "link.revoke",
            target: &format!("link/{id}"),
            detail: json!({"name": row.name}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.link_view(self.link(id).await?).await
    }

    /// The open link of a token, for the page before Zoom's; looking at it does not use it up.
    ///
    /// # Errors
    /// `connect_link_unknown`, `connect_link_used`, `connect_link_revoked`, `connect_link_expired`.
    pub async fn open_link(&self, token: &str) -> Result<LinkView> {
        let row = self.open_link_row(token).await?;
        self.link_view(row).await
    }

    pub(super) async fn open_link_row(self, token: &str) -> Result<ConnectLink> {
        let row = self
            .app
            .store()
            .connect_link_by_token(&hash(token.trim()))
            .await?
            .ok_or_else(unknown)?;
        let refuse = |code: Code, what: &str| Err(EngineError::new(code, what));
        match self.link_state(&row) {
            LinkState::Open => Ok(row),
            LinkState::Used => refuse(Code::LinkUsed, "the link was used already"),
            LinkState::Revoked => refuse(Code::LinkRevoked, "the link was taken back"),
            LinkState::Expired => refuse(Code::LinkExpired, "the link has expired"),
        }
    }

    async fn link(self, id: LinkId) -> Result<ConnectLink> {
        self.app
            .store()
            .connect_link(self.app.scope(), id)
            .await?
            .ok_or_else(unknown)
    }

    fn link_state(self, row: &ConnectLink) -> LinkState {
        if row.used_at.is_some() {
            LinkState::Used
        } else if row.revoked_at.is_some() {
            LinkState::Revoked
        } else if row.expires <= self.app.clock().now() {
            LinkState::Expired
        } else {
            LinkState::Open
        }
    }

    async fn link_view(self, row: ConnectLink) -> Result<LinkView> {
        let app = self
            .app
            .store()
            .app(self.app.scope(), row.app_id)
            .await?
            .map_or_else(String::new, |app| app.name);
        Ok(LinkView {
            state: self.link_state(&row),
            id: row.id,
            name: row.name,
            app,
            scopes: row.scopes,
            made_by: row.made_by,
            created_at: row.created_at,
            expires: row.expires,
            used_at: row.used_at,
            connection: row.connection_id,
        })
    }
}

fn unknown() -> EngineError {
    EngineError::new(Code::LinkUnknown, "there is no such link")
}
