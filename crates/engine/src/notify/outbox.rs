//! Mails that leave once: written under a key first, then handed over, then noted.
//!
//! A mail server cannot be asked whether it has a mail already. What can be promised: a mail that was taken is not handed over
//! again; one whose answer was lost is handed over once more, with the same `Message-ID`, by which receivers know the
//! repetition; after that it is left as `uncertain`. Kept mails are files of a name made from their id, so that a repetition
//! writes the same file.

use std::time::Duration;

use parfocal_store::{Mail, MailState, NewMail, ScheduleId};

use super::compose::Written;
use super::smtp::{self, Handed};
use super::{Sent, folder};
use crate::App;
use crate::clock::later;
use crate::error::{Code, EngineError, Result};

/// Tries after which a mail whose answer was lost twice is left alone.
const MOST_UNCERTAIN: i64 = 2;
/// How long, beyond the mail server's own time, somebody who began to hand a mail over is believed to be still at it.
const AT_IT: Duration = Duration::from_mins(1);

/// Whom a mail is for, under which key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addressed<'a> {
    pub(super) key: &'a str,
    pub(super) schedule: Option<ScheduleId>,
    pub(super) kind: &'a str,
    pub(super) recipient: &'a str,
}

/// Sends a mail once.
pub(super) async fn send(app: &App, to: Addressed<'_>, written: &Written) -> Result<Sent> {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let new = NewMail {
        key: to.key,
        schedule_id: to.schedule,
        kind: to.kind,
        recipient: to.recipient,
        subject: &written.subject,
        message_id: &written.message_id,
        message: &written.message,
    };
    let mail = tx.write_mail(&new, now).await?;
    let sent = |before| Sent {
        id: mail.message_id.clone(),
        before,
    };
    match mail.state {
        MailState::Sent | MailState::Kept => {
            tx.rollback().await?;
            return Ok(sent(true));
        }
        MailState::Refused => {
            tx.rollback().await?;
            let said = mail.error.unwrap_or_default();
            return Err(EngineError::new(Code::MailRefused, said));
        }
        MailState::Trying
            if later(
                mail.changed_at,
                AT_IT + Duration::from_secs(app.config().smtp.timeout_seconds) * smtp::STAGES,
            ) > now =>
        {
            tx.rollback().await?;
            return Err(busy());
        }
        // It was handed over, and nobody knows whether it arrived: once more, and then no more.
        MailState::Trying | MailState::Uncertain if mail.tries >= MOST_UNCERTAIN => {
            let said = mail.error.as_deref().unwrap_or("the answer was lost");
            tx.end_mail(mail.id, MailState::Uncertain, Some(said), now)
                .await?;
            tx.commit().await?;
            tracing::warn!(mail = %mail.id, "a mail may or may not have arrived; it is not sent a third time");
            return Ok(sent(true));
        }
        _ => {}
    }
    if !tx.try_mail(&mail, now).await? {
        tx.rollback().await?;
        return Err(busy());
    }
    tx.commit().await?;
    let (state, result) = hand(app, &mail).await;
    let error = result
        .as_ref()
        .err()
        .map(|error| error.message().to_owned());
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    tx.end_mail(mail.id, state, error.as_deref(), now).await?;
    tx.commit().await?;
    result.map(|()| sent(false))
}

/// Hands a mail over, to the server or the folder.
async fn hand(app: &App, mail: &Mail) -> (MailState, Result<()>) {
    let config = &app.config().smtp;
    let Some(host) = config.host.as_deref() else {
        return match folder::keep(app, mail) {
            Ok(()) => (MailState::Kept, Ok(())),
            Err(error) => (MailState::Pending, Err(error)),
        };
    };
    match smtp::hand(config, host, &mail.recipient, mail.message.as_bytes()).await {
        Handed::Taken => (MailState::Sent, Ok(())),
        Handed::Not(error) if error.code() == Code::MailRefused => (MailState::Refused, Err(error)),
        Handed::Not(error) => (MailState::Pending, Err(error)),
        Handed::Uncertain(said) => (
            MailState::Uncertain,
            Err(EngineError::new(
                Code::MailUnavailable,
                format!("the mail server's answer was lost: {said}"),
            )),
        ),
    }
}

fn busy() -> EngineError {
    EngineError::new(
        Code::MailUnavailable,
        "another process is sending this mail right now",
    )
}
