//! Answers that calendars send back by mail, read from a mailbox over IMAP.
//!
//! The folder is opened for reading only and nothing in it is marked: people and other programs find it as before. Letters with
//! an answer (iTIP) are taken once, by their `Message-ID`, whatever becomes of their numbers; others leave no trace here.

mod said;
mod wire;

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::ical::Letter;
use parfocal_store::{Job, MailboxRow, NewJob, Received};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::answers::{self, TakenReply};
use crate::App;
use crate::components::Task;
use crate::config::Imap;
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, Outcome, priority};
use wire::Line;

/// The largest letter that is read; answers are far smaller.
const MOST_BYTES: usize = 1024 * 1024;
/// Letters whose size is asked for in one go.
const PIECE: usize = 50;
/// Letters in one job, so that a full mailbox is read in pieces.
const MOST_LETTERS: usize = 500;
/// How far back a mailbox is read at first, and when its numbers were given anew.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long it is remembered that a letter was taken: longer than a mailbox is ever read back.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Subjects and senders are kept up to so many characters.
const SHOWN: usize = 200;

/// Has the mailbox looked at every so often.
pub(crate) const LOOKER: Task = Task {
    name: "mailbox.look",
    run: |app| {
        Box::pin(async move {
            loop {
                if let Err(error) = enqueue(&app).await {
                    tracing::warn!(%error, "the mailbox could not be looked at");
                }
                let every = app.config().imap.every_seconds.max(1);
                app.clock().sleep(Duration::from_secs(every)).await;
            }
        })
    },
};

async fn enqueue(app: &App) -> Result<()> {
    if app.config().imap.host.is_none() {
        return Ok(());
    }
    let (kind, now) = (JobKind::MailboxFetch, app.clock().now());
    let job = NewJob {
        kind: kind.as_str().to_owned(),
        v: kind.version(),
        lane: None,
        priority: priority::LIVE,
        dedupe_key: Some("mailbox".to_owned()),
        payload: json!({}),
        run_at: now,
        cause_id: None,
    };
    let mut tx = app.store().begin(app.scope()).await?;
    tx.enqueue(&job, now).await?;
    Ok(tx.commit().await?)
}

/// What a look at the mailbox gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Letters that were looked at.
    pub letters: usize,
    /// Letters with answers that were not known.
    pub taken: usize,
    /// Letters that were too large to be answers.
    pub large: usize,
    /// Whether there is more to be read.
    pub more: bool,
}

/// The job `mailbox.fetch`.
pub(crate) async fn run(app: &App, _job: &Job) -> Result<Outcome> {
    match look(app).await {
        Ok(look) if look.more => Ok(Outcome::Snooze(
            None,
            app.clock().now(),
            "there is more in the mailbox".to_owned(),
        )),
        Ok(look) => {
            tracing::debug!(?look, "the mailbox was looked at");
            Ok(Outcome::nothing())
        }
        // It is noted with the mailbox, and looked at again soon.
        Err(error)
            if matches!(
                error.code(),
                Code::MailboxUnavailable | Code::MailboxRefused | Code::ConfigInvalid
            ) =>
        {
            tracing::warn!(%error, "the mailbox could not be read");
            Ok(Outcome::nothing())
        }
        Err(error) => Err(error),
    }
}

/// The configured mailbox with its host and its name; none without one.
fn configured(app: &App) -> Option<(&Imap, &str, String)> {
    let imap: &Imap = &app.config().imap;
    let host = imap.host.as_deref()?;
    let user = imap.username.as_deref().unwrap_or_default();
    Some((
        imap,
        host,
        format!("{user} at {host}:{}/{}", imap.port, imap.folder),
    ))
}

/// Reads what came into the mailbox since the last look, and takes the answers in it.
///
/// What a letter says and that it was taken are written together: a look that is cut off is made again and takes nothing twice.
///
/// # Errors
/// `mailbox_unavailable` and `mailbox_refused` as the mailbox says it; that is noted with the mailbox as well.
pub async fn look(app: &App) -> Result<Look> {
    let (imap, host, name) = configured(app).ok_or_else(|| {
        EngineError::invalid("no mailbox is set")
            .with_hint("Set imap.host in parfocal.yaml, or PARFOCAL_IMAP__HOST.")
    })?;
    let now = app.clock().now();
    let known = app.store().mailbox(app.scope(), &name).await?;
    let mut row = known.unwrap_or(MailboxRow {
        name,
        uid_validity: 0,
        last_uid: 0,
        state: String::new(),
        reason: None,
        checked_at: now,
    });
    let looked = read(app, imap, host, &mut row, now).await;
    row.checked_at = now;
    (row.state, row.reason) = match &looked {
        Ok(_) => ("working".to_owned(), None),
        Err(error) => ("failing".to_owned(), Some(error.message().to_owned())),
    };
    let mut tx = app.store().begin(app.scope()).await?;
    tx.set_mailbox(&row).await?;
    if let Ok(before) = now.checked_sub(REMEMBERED) {
        tx.forget_received(before).await?;
    }
    tx.commit().await?;
    looked
}

async fn read(
    app: &App,
    imap: &Imap,
    host: &str,
    row: &mut MailboxRow,
    now: Timestamp,
) -> Result<Look> {
    let mut line = Line::open(imap, host).await?;
    let validity = i64::from(line.examine(&imap.folder).await?);
    let mut uids = if row.uid_validity == validity {
        // `*` is the last letter, even where it is older than what is asked for.
        let mut uids = line
            .search(&format!("UID {}:*", row.last_uid.saturating_add(1)))
            .await?;
        uids.retain(|uid| i64::from(*uid) > row.last_uid);
        uids
    } else {
        (row.uid_validity, row.last_uid) = (validity, 0);
        let since = now.checked_sub(BACK).unwrap_or(now);
        let since = imap_date(since.to_zoned(TimeZone::UTC).date());
        line.search(&format!("SINCE {since}")).await?
    };
    let mut look = Look {
        more: uids.len() > MOST_LETTERS,
        ..Look::default()
    };
    uids.truncate(MOST_LETTERS);
    for piece in uids.chunks(PIECE) {
        for one in line.sizes(piece).await? {
            look.letters += 1;
            let size = one.size.and_then(|size| usize::try_from(size).ok());
            if size.is_none_or(|size| size > MOST_BYTES) {
                look.large += 1;
                continue;
            }
            if let Some(bytes) = line.letter(one.uid).await? {
                look.taken += usize::from(take(app, &bytes, now).await?);
            }
        }
        if let Some(last) = piece.last() {
            row.last_uid = i64::from(*last);
        }
        let mut tx = app.store().begin(app.scope()).await?;
        tx.set_mailbox(row).await?;
        tx.commit().await?;
    }
    line.close().await;
    Ok(look)
}

/// Takes the answers of a letter; whether it held any that nobody had taken before.
async fn take(app: &App, bytes: &[u8], now: Timestamp) -> Result<bool> {
    // What cannot be read is somebody else's mail.
    let Ok(letter) = Letter::parse(bytes) else {
        return Ok(false);
    };
    let replies = answers::in_letter(app, &letter).await?;
    if replies.is_empty() {
        return Ok(false);
    }
    let key = match &letter.message_id {
        Some(id) => Sha256::digest(id.as_bytes()),
        None => Sha256::digest(bytes),
    };
    let shown = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_control())
            .take(SHOWN)
            .collect()
    };
    let mut tx = app.store().begin(app.scope()).await?;
    let taken = answers::take_placed(&mut tx, &replies, now).await?;
    let row = Received {
        key: hex::encode(key),
        sender: shown(&letter.from.join(", ")),
        subject: shown(&letter.subject),
        outcome: in_words(&taken),
        received_at: now,
    };
    if !tx.receive(&row).await? {
        // Nothing of it is written a second time.
        tx.rollback().await?;
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// What came of a letter, such as `ann@example.com: accepted (taken)`.
fn in_words(taken: &[TakenReply]) -> String {
    let one = |reply: &TakenReply| {
        let proof = if reply.verified {
            ""
        } else {
            ", sent from another address"
        };
        format!(
            "{}: {} ({}{proof})",
            reply.email, reply.answer, reply.outcome
        )
    };
    taken.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A day as IMAP writes it: `1-Feb-2026`.
fn imap_date(day: Date) -> String {
    day.strftime("%-d-%b-%Y").to_string()
}

/// Tries the mailbox: whether it lets us in and has the folder.
///
/// # Errors
/// As for [`look`].
pub async fn check(app: &App) -> Result<()> {
    let Some((imap, host, _)) = configured(app) else {
        return Ok(());
    };
    let mut line = Line::open(imap, host).await?;
    line.examine(&imap.folder).await?;
    line.close().await;
    Ok(())
}

/// How the configured mailbox stands; none without one, or before the first look.
pub async fn status(app: &App) -> Result<Option<MailboxRow>> {
    let Some((_, _, name)) = configured(app) else {
        return Ok(None);
    };
    Ok(app.store().mailbox(app.scope(), &name).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_imap_has_them() {
        assert_eq!(imap_date(jiff::civil::date(2026, 2, 1)), "1-Feb-2026");
        assert_eq!(imap_date(jiff::civil::date(2026, 11, 22)), "22-Nov-2026");
    }
}
