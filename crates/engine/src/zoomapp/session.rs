//! Sessions: who has the app open.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parfocal_store::{
    App as AppRow, AppKind, ConnectionId, ConnectionState, ZoomAppSession, ZoomAppStanding,
};
use parfocal_zoom::context::AppContext;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

use super::{ZoomApp, not_authorized};
use crate::audit::{By, Surface};
use crate::clock::later;
use crate::connections::{ChallengeMethod, InClient, Level};
use crate::error::{Code, EngineError, Result};

/// How long a session lasts; opening the app again in Zoom begins another one.
const LIFE: Duration = Duration::from_hours(12);
/// Longest code and state that are looked at.
const MOST: usize = 2_048;

/// How far somebody has come, in Zoom's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not signed in to Zoom, or it is not known who they are.
    Guest,
    /// Zoom has told who they are; they have not allowed the app, or not any more.
    Authenticated,
    /// They have allowed the app to act for them.
    Authorized,
}

/// A session as it is now; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    row: Arc<ZoomAppSession>,
    grant: Option<Arc<Granted>>,
    /// Whether they have allowed the app before.
    returns: bool,
}

/// What a session's person has allowed.
#[derive(Debug, Clone, PartialEq)]
struct Granted {
    connection: ConnectionId,
    account: parfocal_store::AccountId,
    name: String,
    scopes: Vec<String>,
    level: Level,
}

/// A session somebody came in with, or was given.
#[derive(Debug)]
pub struct Entered {
    /// The session.
    pub session: Session,
    /// The cookie to set, when it is a new one.
    pub cookie: Option<SecretString>,
}

impl Session {
    /// How far they have come.
    pub fn standing(&self) -> Standing {
        match (&self.row.zoom_user, &self.grant) {
            (None, _) => Standing::Guest,
            (Some(_), None) => Standing::Authenticated,
            (Some(_), Some(_)) => Standing::Authorized,
        }
    }

    /// The Zoom user, once it is known who they are.
    pub fn user(&self) -> Option<&str> {
        self.row.zoom_user.as_deref()
    }

    /// What their connection is called, usually their address.
    pub fn name(&self) -> Option<&str> {
        self.grant.as_ref().map(|grant| grant.name.as_str())
    }

    /// Their connection.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.grant.as_ref().map(|grant| grant.connection)
    }

    /// Whether they have allowed the app before, and not any more.
    pub fn has_lapsed(&self) -> bool {
        self.returns && self.grant.is_none()
    }

    /// The account of their connection.
    pub fn account(&self) -> Option<parfocal_store::AccountId> {
        self.grant.as_ref().map(|grant| grant.account)
    }

    /// The scopes that they have allowed.
    pub fn scopes(&self) -> &[String] {
        self.grant.as_ref().map_or(&[], |grant| &grant.scopes)
    }

    /// Whether what they allowed reaches the whole account, so that Zoom itself keeps nobody to their own things.
    pub fn reaches_account(&self) -> bool {
        self.grant
            .as_ref()
            .is_some_and(|grant| grant.level != Level::User)
    }

    /// UUID of the meeting that the app runs in, as Zoom's client said.
    pub fn meeting(&self) -> Option<&str> {
        self.row.meeting.as_deref()
    }

    /// Where in Zoom's client it runs.
    pub fn running(&self) -> Option<&str> {
        self.row.running.as_deref()
    }
}

impl ZoomApp<'_> {
    /// The session of a cookie; none when it is not known or over.
    pub async fn resume(&self, cookie: &str) -> Result<Option<Session>> {
        let hash = hash(cookie);
        let real = self.app.clock().monotonic();
        if let Some(session) = self.app.zoomapp_cache().session(&hash, real)
            && session.row.expires > self.app.clock().now()
        {
            return Ok(Some(session));
        }
        let found = self.known(&hash).await?;
        if let Some(session) = &found {
            self.app.zoomapp_cache().keep(hash, real, session);
        }
        Ok(found)
    }

    /// What the rows say of a session now.
    async fn known(self, hash: &str) -> Result<Option<Session>> {
        let now = self.app.clock().now();
        let found = self
            .app
            .store()
            .zoomapp_standing(self.app.scope(), hash, now)
            .await?;
        Ok(found.map(|(row, standings)| Session {
            row: Arc::new(row),
            returns: !standings.is_empty(),
            grant: standings.into_iter().find_map(granted).map(Arc::new),
        }))
    }

    /// Lets somebody in with what Zoom's client says of them. A session that is there goes on when it is theirs; whenever it
    /// becomes known who somebody is, the cookie changes, so that one that was known to others before opens nothing.
    ///
    /// # Errors
    /// `zoomapp_context_refused` for a context that is forged, over, for another app, or that opened it elsewhere before.
    pub async fn enter(&self, cookie: Option<&str>, context: &str) -> Result<Entered> {
        let app = self.row().await?;
        let opened = self.open_context(&app, context).await?;
        let old = self.old(cookie, &app).await?;
        let same_person = old
            .as_ref()
            .is_some_and(|old| old.zoom_user == opened.user && opened.user.is_some());
        let goes_on = old
            .as_ref()
            .is_some_and(|old| old.zoom_user.is_none() || same_person);
        let family = match &old {
            Some(old) if goes_on => old.family.clone(),
            _ => self.random(),
        };
        let (row, fresh) = if let Some(old) = old.as_ref().filter(|_| same_person) {
            (
                ZoomAppSession {
                    meeting: opened.meeting.clone(),
                    running: opened.running.clone(),
                    ..old.clone()
                },
                None,
            )
        } else {
            let fresh = self.random();
            (
                self.fresh(&app, &fresh, family.clone(), &opened),
                Some(fresh),
            )
        };
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let used = hash(context.trim());
        if !tx
            .take_zoomapp_context(&used, &family, opened.expires, now)
            .await?
        {
            return Err(EngineError::new(
                Code::ContextRefused,
                "what Zoom's client says of who opened the app was used in another browser before",
            ));
        }
        if let (Some(old), Some(_)) = (&old, &fresh) {
            tx.end_zoomapp_session(&old.hash).await?;
        }
        tx.put_zoomapp_session(&row, now).await?;
        tx.commit().await?;
        self.entered(&row, old.as_ref(), fresh).await
    }

    fn fresh(
        self,
        app: &AppRow,
        cookie: &str,
        family: String,
        opened: &AppContext,
    ) -> ZoomAppSession {
        ZoomAppSession {
            hash: hash(cookie),
            app: app.id,
            family,
            zoom_user: opened.user.clone(),
            meeting: opened.meeting.clone(),
            running: opened.running.clone(),
            expires: later(self.app.clock().now(), LIFE),
        }
    }

    async fn entered(
        self,
        row: &ZoomAppSession,
        old: Option<&ZoomAppSession>,
        fresh: Option<String>,
    ) -> Result<Entered> {
        let cache = self.app.zoomapp_cache();
        cache.forget(&row.hash);
        if let Some(old) = old {
            cache.forget(&old.hash);
        }
        Ok(Entered {
            session: self.known(&row.hash).await?.ok_or_else(not_authorized)?,
            cookie: fresh.map(SecretString::from),
        })
    }

    /// Begins a sign-in inside Zoom's client; somebody without a session gets one.
    pub async fn begin(
        &self,
        cookie: Option<&str>,
        method: ChallengeMethod,
    ) -> Result<(InClient, Entered)> {
        let app = self.row().await?;
        let (row, fresh) = if let Some(old) = self.old(cookie, &app).await? {
            (old, None)
        } else {
            let fresh = self.random();
            let now = self.app.clock().now();
            let row = ZoomAppSession {
                hash: hash(&fresh),
                app: app.id,
                family: self.random(),
                zoom_user: None,
                meeting: None,
                running: None,
                expires: later(now, LIFE),
            };
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            tx.put_zoomapp_session(&row, now).await?;
            tx.commit().await?;
            (row, Some(fresh))
        };
        let begun = self
            .app
            .connections()
            .begin_in_client(&app, &row.family, method)
            .await?;
        Ok((begun, self.entered(&row, None, fresh).await?))
    }

    /// Ends a sign-in inside Zoom's client with the code that the page was given. The cookie changes.
    ///
    /// # Errors
    /// `zoomapp_unauthorized` without a session, `oauth_…` for what does not belong to a sign-in of this session,
    /// `reconnect_wrong_identity` when somebody else allowed it than the person who has the app open.
    pub async fn finish(
        &self,
        cookie: Option<&str>,
        state: &str,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Entered> {
        if code.is_empty() || code.len() > MOST || state.len() > MOST {
            return Err(EngineError::new(
                Code::CodeRefused,
                "Zoom's client gave no code that could be used",
            ));
        }
        let app = self.row().await?;
        let old = self.old(cookie, &app).await?.ok_or_else(not_authorized)?;
        let by = By::guest(Surface::ZoomApp);
        let finished = self
            .app
            .connections()
            .finish_in_client(&old.family, state, code, redirect_uri, &by)
            .await?;
        let id = finished.connection.id.to_string();
        let user = self.app.connections().find(&id).await?.subject_id;
        if old.zoom_user.as_ref().is_some_and(|known| *known != user) {
            return Err(EngineError::new(
                Code::WrongIdentity,
                "somebody else allowed the app than the person who has it open",
            ));
        }
        let fresh = self.random();
        let now = self.app.clock().now();
        let row = ZoomAppSession {
            hash: hash(&fresh),
            zoom_user: Some(user),
            expires: later(now, LIFE),
            ..old.clone()
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.end_zoomapp_session(&old.hash).await?;
        tx.put_zoomapp_session(&row, now).await?;
        tx.commit().await?;
        self.entered(&row, Some(&old), Some(fresh)).await
    }

    /// Ends the session of a cookie; what was allowed stays allowed.
    pub async fn leave(&self, cookie: &str) -> Result<()> {
        let hash = hash(cookie);
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.end_zoomapp_session(&hash).await?;
        tx.commit().await?;
        self.app.zoomapp_cache().forget(&hash);
        Ok(())
    }

    async fn old(self, cookie: Option<&str>, app: &AppRow) -> Result<Option<ZoomAppSession>> {
        let Some(cookie) = cookie else {
            return Ok(None);
        };
        let row = self
            .app
            .store()
            .zoomapp_session(self.app.scope(), &hash(cookie), self.app.clock().now())
            .await?;
        Ok(row.filter(|row| row.app == app.id))
    }

    fn random(self) -> String {
        URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>())
    }
}

/// What a connection allows, if it works.
fn granted(standing: ZoomAppStanding) -> Option<Granted> {
    let works = matches!(
        standing.state,
        ConnectionState::Healthy | ConnectionState::Degraded
    );
    let scopes = standing.scopes.filter(|_| works)?;
    Some(Granted {
        connection: standing.connection,
        account: standing.account,
        name: standing.name,
        level: crate::connections::scopes::level_of(AppKind::User, &scopes),
        scopes,
    })
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
