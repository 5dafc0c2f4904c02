//! Sessions of the Zoom App, the contexts that opened them, and notes. Only hashes of cookies and contexts are kept.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AccountId, AppId, ConnectionId, InstanceId};
use crate::model::ConnectionState;
use crate::store::{Scope, Store};

/// A person, or nobody yet, who has the Zoom App open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomAppSession {
    /// SHA-256 of the cookie, as hex.
    pub hash: String,
    /// The app.
    pub app: AppId,
    /// What stays the same when the cookie is changed.
    pub family: String,
    /// The Zoom user, once a context or a consent has proven who it is.
    pub zoom_user: Option<String>,
    /// UUID of the meeting that the app runs in.
    pub meeting: Option<String>,
    /// Where in Zoom's client it runs.
    pub running: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// A connection of a session's person through a client of the same marketplace app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomAppStanding {
    /// The connection.
    pub connection: ConnectionId,
    /// The account it gives access to.
    pub account: AccountId,
    /// What it is called.
    pub name: String,
    /// How it does.
    pub state: ConnectionState,
    /// The scopes that were granted; none when there is no grant that lives.
    pub scopes: Option<Vec<String>>,
}

statements! {
    STANDING = one("SELECT s.hash, s.app_id, s.family, s.zoom_user, s.meeting_uuid, s.running, s.expires,
            c.id, c.account_id, c.name, c.state, CASE WHEN g.dead_reason IS NULL THEN g.scopes END
        FROM zoomapp_sessions s JOIN apps b ON b.id = s.app_id
        LEFT JOIN apps a ON a.workspace_id = s.workspace_id AND a.provider = b.provider AND a.kind = 'user'
            AND COALESCE(a.family, a.client_id) = COALESCE(b.family, b.client_id)
        LEFT JOIN connections c ON c.workspace_id = s.workspace_id AND c.subject_id = s.zoom_user AND c.app_id = a.id
        LEFT JOIN grants g ON g.workspace_id = s.workspace_id AND g.app_id = c.app_id AND g.subject_external_id = c.subject_id
        WHERE s.workspace_id = $1 AND s.hash = $2 AND s.expires > $3
        ORDER BY CASE WHEN a.id = s.app_id THEN 0 ELSE 1 END, c.created_at, c.id");
    SESSION = one("SELECT hash, app_id, family, zoom_user, meeting_uuid, running, expires FROM zoomapp_sessions
        WHERE workspace_id = $1 AND hash = $2 AND expires > $3");
    SESSION_PUT = one("INSERT INTO zoomapp_sessions (hash, workspace_id, app_id, family, zoom_user, meeting_uuid, running, created_at, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (hash) DO UPDATE SET zoom_user = $5, meeting_uuid = $6, running = $7");
    SESSION_END = one("DELETE FROM zoomapp_sessions WHERE workspace_id = $1 AND hash = $2");
    SESSIONS_TIDY = one("DELETE FROM zoomapp_sessions WHERE expires <= $1");
    CONTEXT_TAKE = one("INSERT INTO zoomapp_contexts (hash, family, expires) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING");
    CONTEXT_OF = one("SELECT family FROM zoomapp_contexts WHERE hash = $1");
    CONTEXTS_TIDY = one("DELETE FROM zoomapp_contexts WHERE expires <= $1");
    NOTE = one("SELECT body, updated_at FROM meeting_notes WHERE workspace_id = $1 AND instance_id = $2 AND zoom_user = $3");
    NOTE_PUT = one("INSERT INTO meeting_notes (workspace_id, instance_id, zoom_user, body, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, instance_id, zoom_user) DO UPDATE SET body = $4, updated_at = $5");
    NOTE_DELETE = one("DELETE FROM meeting_notes WHERE workspace_id = $1 AND instance_id = $2 AND zoom_user = $3");
}

fn session(row: &mut Cells) -> Result<ZoomAppSession> {
    Ok(ZoomAppSession {
        hash: row.text()?,
        app: row.id()?,
        family: row.text()?,
        zoom_user: row.opt_text()?,
        meeting: row.opt_text()?,
        running: row.opt_text()?,
        expires: row.instant()?,
    })
}

fn standing(row: &mut Cells) -> Result<Option<ZoomAppStanding>> {
    let Some(connection) = row.opt_id()? else {
        return Ok(None);
    };
    Ok(Some(ZoomAppStanding {
        connection,
        account: row.id()?,
        name: row.text()?,
        state: row.parsed()?,
        scopes: row.opt_text()?.map(|text| {
            let scopes = text.split(' ').filter(|scope| !scope.is_empty());
            scopes.map(str::to_owned).collect()
        }),
    }))
}

impl Store {
    /// A session of the Zoom App that has not ended, by the hash of its cookie.
    pub async fn zoomapp_session(
        &self,
        scope: Scope,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<ZoomAppSession>> {
        self.one(SESSION, args![scope.workspace, hash, now], session)
            .await
    }

    /// A session of the Zoom App that has not ended, and the connections of its person, those of its own client first: one
    /// question, since it is asked with the calls of everybody who has the app open.
    pub async fn zoomapp_standing(
        &self,
        scope: Scope,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(ZoomAppSession, Vec<ZoomAppStanding>)>> {
        let rows = self
            .all(STANDING, args![scope.workspace, hash, now], |row| {
                Ok((session(row)?, standing(row)?))
            })
            .await?;
        let mut found: Option<(ZoomAppSession, Vec<ZoomAppStanding>)> = None;
        for (session, standing) in rows {
            found
                .get_or_insert_with(|| (session, Vec::new()))
                .1
                .extend(standing);
        }
        Ok(found)
    }

    /// What a person noted in a meeting, and when.
    pub async fn meeting_note(
        &self,
        scope: Scope,
        instance: InstanceId,
        zoom_user: &str,
    ) -> Result<Option<(String, Timestamp)>> {
        self.one(NOTE, args![scope.workspace, instance, zoom_user], |row| {
            Ok((row.text()?, row.instant()?))
        })
        .await
    }
}

impl Tx {
    /// Puts a session of the Zoom App in, or what is known of it anew; those that ended are forgotten.
    pub async fn put_zoomapp_session(
        &mut self,
        session: &ZoomAppSession,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(SESSIONS_TIDY, args![now]).await?;
        self.execute(
            SESSION_PUT,
            args![
                &session.hash,
                w,
                session.app,
                &session.family,
                session.zoom_user.clone(),
                session.meeting.clone(),
                session.running.clone(),
                now,
                session.expires
            ],
        )
        .await?;
        Ok(())
    }

    /// Ends a session of the Zoom App.
    pub async fn end_zoomapp_session(&mut self, hash: &str) -> Result<()> {
        let w = self.w();
        self.execute(SESSION_END, args![w, hash]).await?;
        Ok(())
    }

    /// Takes a context for a family of sessions; whether it is that family's now, or was before.
    pub async fn take_zoomapp_context(
        &mut self,
        hash: &str,
        family: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        self.execute(CONTEXTS_TIDY, args![now]).await?;
        self.execute(CONTEXT_TAKE, args![hash, family, expires])
            .await?;
        let owner: String = self.exactly(CONTEXT_OF, args![hash], Cells::text).await?;
        Ok(owner == family)
    }

    /// Keeps what a person noted in a meeting; an empty text forgets it.
    pub async fn put_meeting_note(
        &mut self,
        instance: InstanceId,
        zoom_user: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        if body.is_empty() {
            self.execute(NOTE_DELETE, args![w, instance, zoom_user])
                .await?;
        } else {
            self.execute(NOTE_PUT, args![w, instance, zoom_user, body, now])
                .await?;
        }
        Ok(())
    }
}
