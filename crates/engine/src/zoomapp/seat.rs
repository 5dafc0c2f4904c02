//! Which meeting a session may look at, and as whom.

use parfocal_store::Instance;
use parfocal_zoom::id::MeetingNumber;
use serde_json::Value;

use super::{Session, ZoomApp, not_authorized};
use crate::error::{EngineError, Result};

/// Longest note, in characters.
const LONGEST_NOTE: usize = 20_000;

/// A person's place in a meeting.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The meeting.
    pub instance: Instance,
    /// Whether they are its host, who may change it and sees who waits.
    pub host: bool,
}

impl ZoomApp<'_> {
    /// The meeting that a session's app runs in, or one that its person hosts. Meetings of others are not there.
    ///
    /// # Errors
    /// `zoomapp_unauthorized` without a permission, `not_found` for a meeting that is not theirs or not known yet.
    pub async fn seat(&self, session: &Session, uuid: Option<&str>) -> Result<Seat> {
        let (Some(user), Some(account)) = (session.user(), session.account()) else {
            return Err(not_authorized());
        };
        let unknown = || {
            EngineError::not_found("meeting", "of this session").with_hint(
                "Open the app in a meeting; a meeting is known once Zoom's first webhook about it has arrived.",
            )
        };
        let wanted = uuid.or(session.meeting()).ok_or_else(unknown)?;
        let instance = self
            .app
            .store()
            .instance_by_external(self.app.scope(), account, wanted)
            .await?
            .filter(|instance| instance.deleted_at.is_none())
            .ok_or_else(unknown)?;
        let host = instance.host_user_id.as_deref() == Some(user);
        if !host && session.meeting() != Some(wanted) {
            return Err(unknown());
        }
        Ok(Seat { instance, host })
    }

    /// Whether a session's person hosts a meeting, where what they allowed reaches further than their own things and Zoom
    /// would not say no by itself.
    ///
    /// # Errors
    /// What Zoom refused.
    pub async fn hosts(&self, session: &Session, meeting: &str) -> Result<bool> {
        if !session.reaches_account() {
            return Ok(true);
        }
        let Ok(number) = meeting.parse::<MeetingNumber>() else {
            return Ok(false);
        };
        let client = self.client(session).await?;
        let found: Value = client
            .call(http::Method::GET, format!("/meetings/{number}"))
            .json()
            .await?;
        Ok(found.get("host_id").and_then(Value::as_str) == session.user())
    }

    /// What somebody noted in a meeting, and when.
    pub async fn note(
        &self,
        session: &Session,
        seat: &Seat,
    ) -> Result<Option<(String, jiff::Timestamp)>> {
        let user = session.user().ok_or_else(not_authorized)?;
        Ok(self
            .app
            .store()
            .meeting_note(self.app.scope(), seat.instance.id, user)
            .await?)
    }

    /// Keeps what somebody notes in a meeting; nobody else sees it.
    ///
    /// # Errors
    /// `invalid_input` for more than 20,000 characters.
    pub async fn keep_note(&self, session: &Session, seat: &Seat, text: &str) -> Result<()> {
        let user = session.user().ok_or_else(not_authorized)?;
        if text.chars().count() > LONGEST_NOTE {
            return Err(EngineError::invalid(format!(
                "a note may have {LONGEST_NOTE} characters"
            )));
        }
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_meeting_note(
            seat.instance.id,
            user,
            text.trim_end(),
            self.app.clock().now(),
        )
        .await?;
        Ok(tx.commit().await?)
    }
}
