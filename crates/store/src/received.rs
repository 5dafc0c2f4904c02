//! Mailboxes that answers are read from, and the letters with answers that were found there.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::store::{Scope, Store};

statements! {
    MAILBOX = one("SELECT name, uid_validity, last_uid, state, reason, checked_at FROM mailboxes WHERE workspace_id = $1 AND name = $2");
    SET_MAILBOX = one("INSERT INTO mailboxes (workspace_id, name, uid_validity, last_uid, state, reason, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, name) DO UPDATE SET uid_validity = $3, last_uid = $4, state = $5, reason = $6, checked_at = $7");
    RECEIVE = one("INSERT INTO received (workspace_id, key, sender, subject, outcome, received_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, key) DO NOTHING");
    RECEIVED = one("SELECT key, sender, subject, outcome, received_at FROM received WHERE workspace_id = $1 ORDER BY received_at DESC, key DESC LIMIT $2");
    FORGET_RECEIVED = one("DELETE FROM received WHERE workspace_id = $1 AND received_at < $2");
}

/// A mailbox that answers are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxRow {
    /// Whose and where: user, server and folder.
    pub name: String,
    /// `UIDVALIDITY` of the folder; another one means that the numbers were given anew.
    pub uid_validity: i64,
    /// The highest UID that was looked at; 0 before the first look.
    pub last_uid: i64,
    /// `working` or `failing`.
    pub state: String,
    /// Why it fails.
    pub reason: Option<String>,
    /// When it was looked at last.
    pub checked_at: Timestamp,
}

/// A letter with answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Hash of its `Message-ID`.
    pub key: String,
    /// Who it says that it is from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// What came of it, in words.
    pub outcome: String,
    /// When it was read.
    pub received_at: Timestamp,
}

fn mailbox(row: &mut Cells) -> Result<MailboxRow> {
    Ok(MailboxRow {
        name: row.text()?,
        uid_validity: row.int()?,
        last_uid: row.int()?,
        state: row.text()?,
        reason: row.opt_text()?,
        checked_at: row.instant()?,
    })
}

fn received(row: &mut Cells) -> Result<Received> {
    Ok(Received {
        key: row.text()?,
        sender: row.text()?,
        subject: row.text()?,
        outcome: row.text()?,
        received_at: row.instant()?,
    })
}

impl Store {
    /// How far a mailbox was read.
    pub async fn mailbox(&self, scope: Scope, name: &str) -> Result<Option<MailboxRow>> {
        self.one(MAILBOX, args![scope.workspace, name], mailbox)
            .await
    }

    /// Letters with answers, the latest first.
    pub async fn received(&self, scope: Scope, limit: u32) -> Result<Vec<Received>> {
        self.all(RECEIVED, args![scope.workspace, limit], received)
            .await
    }
}

impl Tx {
    /// Notes how far a mailbox was read, and how it stands.
    pub async fn set_mailbox(&mut self, row: &MailboxRow) -> Result<()> {
        let w = self.w();
        self.execute(
            SET_MAILBOX,
            args![
                w,
                row.name.as_str(),
                row.uid_validity,
                row.last_uid,
                row.state.as_str(),
                row.reason.as_deref(),
                row.checked_at
            ],
        )
        .await?;
        Ok(())
    }

    /// Notes a letter; false when one of its key was taken before.
    pub async fn receive(&mut self, row: &Received) -> Result<bool> {
        let w = self.w();
        let made = self
            .execute(
                RECEIVE,
                args![
                    w,
                    row.key.as_str(),
                    row.sender.as_str(),
                    row.subject.as_str(),
                    row.outcome.as_str(),
                    row.received_at
                ],
            )
            .await?;
        Ok(made == 1)
    }

    /// Forgets letters that were read before an instant; how many.
    pub async fn forget_received(&mut self, before: Timestamp) -> Result<u64> {
        let w = self.w();
        self.execute(FORGET_RECEIVED, args![w, before]).await
    }
}
