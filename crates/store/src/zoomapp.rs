//! Sessions of the Zoom App, the contexts that opened them, and notes. Only hashes of cookies and contexts are kept.

use jiff::Timestamp;

use crate::access::{connection, connection_columns};
use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AppId, InstanceId};
use crate::model::Connection;
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

statements! {
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
    CONNECTIONS_OF = one(concat!("SELECT ", connection_columns!(), " FROM connections WHERE workspace_id = $1 AND app_id = $2 AND subject_id = $3
        ORDER BY created_at, id"));
    NOTE = one("SELECT body, updated_at FROM meeting_notes WHERE workspace_id = $1 AND instance_id = $2 AND zoom_user = $3");
    NOTE_PUT = one("INSERT INTO meeting_notes (workspace_id, instance_id, zoom_user, body, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, instance_id, zoom_user) DO UPDATE SET body = $4, updated_at = $5");
    NOTE_DELETE = one("DELETE FROM meeting_notes WHERE workspace_id = $1 AND instance_id = $2 AND zoom_user = $3");
}

impl Store {
    /// A session of the Zoom App that has not ended, by the hash of its cookie.
    pub async fn zoomapp_session(
        &self,
        scope: Scope,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<ZoomAppSession>> {
        self.one(SESSION, args![scope.workspace, hash, now], |row| {
            Ok(ZoomAppSession {
                hash: row.text()?,
                app: row.id()?,
                family: row.text()?,
                zoom_user: row.opt_text()?,
                meeting: row.opt_text()?,
                running: row.opt_text()?,
                expires: row.instant()?,
            })
        })
        .await
    }

    /// The connections of one subject through one app, oldest first.
    pub async fn connections_of(
        &self,
        scope: Scope,
        app: AppId,
        subject: &str,
    ) -> Result<Vec<Connection>> {
        self.all(
            CONNECTIONS_OF,
            args![scope.workspace, app, subject],
            connection,
        )
        .await
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
