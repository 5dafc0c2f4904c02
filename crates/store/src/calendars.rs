//! Calendars that meetings are written to, and the events of the embedded feed.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{CalendarAccountId, ScheduleId};
use crate::store::{Scope, Store};

/// A calendar account as it lies in its row.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarAccountRow {
    /// Its id; the owner of its secret.
    pub id: CalendarAccountId,
    /// The name that people gave it.
    pub name: String,
    /// What it is and where; never secrets.
    pub settings: Json,
    /// `new`, `working` or `failing`.
    pub state: String,
    /// Why it fails.
    pub reason: Option<String>,
    /// When it was last tried.
    pub checked: Option<Timestamp>,
    /// How far its changes have been read.
    pub sync_token: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An event of the embedded feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    /// Its key.
    pub key: String,
    /// The event.
    pub event: Json,
    /// Grows with each change.
    pub version: i64,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// An event of a calendar that is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedEvent {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The calendar account it was written through, when one was named.
    pub account: Option<String>,
    /// The calendar within the account.
    pub event_calendar: String,
    /// The event's id there.
    pub event_id: String,
    /// Hash of what we wrote last.
    pub our_hash: String,
}

/// What people changed in a calendar and nobody has decided about yet.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarConflict {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Its title here.
    pub title: String,
    /// The calendar's name in the registry.
    pub calendar: String,
    /// `changed` or `gone`.
    pub what: String,
    /// How the event stands there.
    pub theirs: Option<Json>,
    /// When it was found.
    pub found_at: Timestamp,
}

macro_rules! account {
    () => {
        "id, name, settings, state, reason, checked, sync_token, created_at"
    };
}

/// A consent to a calendar that was begun in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarConsentRow {
    /// Hash of the `state` parameter; the parameter itself is not stored.
    pub hash: String,
    /// Whatever the answer has to match, as JSON.
    pub data: Json,
    /// When it stops being valid.
    pub expires: Timestamp,
    /// When it was used, which it can be once.
    pub used_at: Option<Timestamp>,
}

statements! {
    CONSENT_PUT = one("INSERT INTO calendar_consents (hash, workspace_id, data, expires) VALUES ($1, $2, $3, $4)");
    CONSENT = one("SELECT hash, data, expires, used_at FROM calendar_consents WHERE workspace_id = $1 AND hash = $2");
    CONSENT_TAKE = one("UPDATE calendar_consents SET used_at = $3 WHERE workspace_id = $1 AND hash = $2 AND used_at IS NULL AND expires > $3");
    CONSENT_END = one("UPDATE calendar_consents SET data = $3 WHERE workspace_id = $1 AND hash = $2");
    CONSENT_SECRETS_TIDY = one("DELETE FROM secrets WHERE purpose = 'verifier' AND owner_id IN (SELECT hash FROM calendar_consents WHERE expires <= $1)");
    CONSENTS_TIDY = one("DELETE FROM calendar_consents WHERE expires <= $1");
    ALL = one(concat!("SELECT ", account!(), " FROM calendar_accounts WHERE workspace_id = $1 ORDER BY name"));
    ADD = one("INSERT INTO calendar_accounts (id, workspace_id, name, settings, state, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 'new', $5, $5)
        ON CONFLICT (workspace_id, name) DO NOTHING");
    SET = one("UPDATE calendar_accounts SET settings = $3, state = $4, reason = $5, checked = $6, updated_at = $6
        WHERE workspace_id = $1 AND id = $2");
    TOKEN = one("UPDATE calendar_accounts SET sync_token = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2");
    REMOVE = one("DELETE FROM calendar_accounts WHERE workspace_id = $1 AND id = $2");
    LINKED = one("SELECT schedule_id, account, event_calendar, event_id, our_hash FROM calendar_links WHERE workspace_id = $1 AND calendar = $2 ORDER BY schedule_id");
    ANSWERED = one("UPDATE attendees SET answer = $4 WHERE workspace_id = $1 AND schedule_id = $2 AND LOWER(email) = $3 AND answer <> $4");
    CONFLICTS = one("SELECT c.schedule_id, s.title, c.calendar, c.what, c.theirs, c.found_at FROM calendar_conflicts c
        JOIN schedules s ON s.id = c.schedule_id WHERE c.workspace_id = $1 ORDER BY c.found_at, c.schedule_id");
    CONFLICT = one("INSERT INTO calendar_conflicts (workspace_id, schedule_id, calendar, what, theirs, found_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (schedule_id, calendar) DO UPDATE SET what = $4, theirs = $5");
    SETTLED = one("DELETE FROM calendar_conflicts WHERE workspace_id = $1 AND schedule_id = $2 AND calendar = $3");
    FEED = one("SELECT event_key, event, version, updated_at FROM feed_events WHERE workspace_id = $1 ORDER BY event_key");
    FEED_ONE = one("SELECT event_key, event, version, updated_at FROM feed_events WHERE workspace_id = $1 AND event_key = $2");
    FEED_PUT = one("INSERT INTO feed_events (workspace_id, event_key, event, version, updated_at) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (workspace_id, event_key) DO UPDATE SET event = $3, version = feed_events.version + 1, updated_at = $4");
    FEED_REMOVE = one("DELETE FROM feed_events WHERE workspace_id = $1 AND event_key = $2");
}

fn account(row: &mut Cells) -> Result<CalendarAccountRow> {
    Ok(CalendarAccountRow {
        id: row.id()?,
        name: row.text()?,
        settings: row.json()?,
        state: row.text()?,
        reason: row.opt_text()?,
        checked: row.opt_instant()?,
        sync_token: row.opt_text()?,
        created_at: row.instant()?,
    })
}

fn event(row: &mut Cells) -> Result<FeedEvent> {
    Ok(FeedEvent {
        key: row.text()?,
        event: row.json()?,
        version: row.int()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// All calendar accounts, by name.
    pub async fn calendar_accounts(&self, scope: Scope) -> Result<Vec<CalendarAccountRow>> {
        self.all(ALL, args![scope.workspace], account).await
    }

    /// The events of a calendar that are ours.
    pub async fn linked_events(&self, scope: Scope, calendar: &str) -> Result<Vec<LinkedEvent>> {
        self.all(LINKED, args![scope.workspace, calendar], |row| {
            Ok(LinkedEvent {
                schedule: row.id()?,
                account: row.opt_text()?,
                event_calendar: row.text()?,
                event_id: row.text()?,
                our_hash: row.text()?,
            })
        })
        .await
    }

    /// What people changed in calendars and nobody has decided about yet, the oldest first.
    pub async fn calendar_conflicts(&self, scope: Scope) -> Result<Vec<CalendarConflict>> {
        self.all(CONFLICTS, args![scope.workspace], |row| {
            Ok(CalendarConflict {
                schedule: row.id()?,
                title: row.text()?,
                calendar: row.text()?,
                what: row.text()?,
                theirs: row.opt_json()?,
                found_at: row.instant()?,
            })
        })
        .await
    }

    /// The events of the feed, by key.
    pub async fn feed_events(&self, scope: Scope) -> Result<Vec<FeedEvent>> {
        self.all(FEED, args![scope.workspace], event).await
    }

    /// One event of the feed.
    pub async fn feed_event(&self, scope: Scope, key: &str) -> Result<Option<FeedEvent>> {
        self.one(FEED_ONE, args![scope.workspace, key], event).await
    }
}

impl Tx {
    /// Adds a calendar account; none when its name is taken.
    pub async fn add_calendar_account(
        &mut self,
        name: &str,
        settings: &Json,
        now: Timestamp,
    ) -> Result<Option<CalendarAccountId>> {
        let w = self.w();
        let id: CalendarAccountId = self.new_id(now);
        let made = self.execute(ADD, args![id, w, name, settings, now]).await?;
        Ok((made == 1).then_some(id))
    }

    /// Writes what a look at a calendar account gave.
    pub async fn set_calendar_account(
        &mut self,
        id: CalendarAccountId,
        settings: &Json,
        state: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        let reason = reason.map(str::to_owned);
        self.execute(SET, args![w, id, settings, state, reason, now])
            .await?;
        Ok(())
    }

    /// Remembers how far the changes of a calendar account have been read.
    pub async fn set_calendar_token(
        &mut self,
        id: CalendarAccountId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(TOKEN, args![w, id, token.map(str::to_owned), now])
            .await?;
        Ok(())
    }

    /// Removes a calendar account; its secret goes by [`Tx::delete_secrets_of`].
    pub async fn remove_calendar_account(&mut self, id: CalendarAccountId) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(REMOVE, args![w, id]).await? > 0)
    }

    /// Takes over what somebody answered; whether that was news.
    pub async fn set_answer(&mut self, id: ScheduleId, email: &str, answer: &str) -> Result<bool> {
        let w = self.w();
        let email = email.trim().to_lowercase();
        Ok(self.execute(ANSWERED, args![w, id, email, answer]).await? > 0)
    }

    /// Puts up what people changed in a calendar.
    pub async fn put_calendar_conflict(
        &mut self,
        id: ScheduleId,
        calendar: &str,
        what: &str,
        theirs: Option<&Json>,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(CONFLICT, args![w, id, calendar, what, theirs.cloned(), now])
            .await?;
        Ok(())
    }

    /// Takes a conflict away: the calendar says again what we wrote, or somebody has decided.
    pub async fn settle_calendar_conflict(
        &mut self,
        id: ScheduleId,
        calendar: &str,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(SETTLED, args![w, id, calendar]).await? > 0)
    }

    /// Writes an event of the feed.
    pub async fn put_feed_event(&mut self, key: &str, event: &Json, now: Timestamp) -> Result<()> {
        let w = self.w();
        self.execute(FEED_PUT, args![w, key, event, now]).await?;
        Ok(())
    }

    /// Takes an event out of the feed.
    pub async fn remove_feed_event(&mut self, key: &str) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(FEED_REMOVE, args![w, key]).await? > 0)
    }
}

impl Store {
    /// A consent that was begun; used and expired ones are there for a day.
    pub async fn calendar_consent(
        &self,
        scope: Scope,
        hash: &str,
    ) -> Result<Option<CalendarConsentRow>> {
        self.one(CONSENT, args![scope.workspace, hash], |row| {
            Ok(CalendarConsentRow {
                hash: row.text()?,
                data: row.json()?,
                expires: row.instant()?,
                used_at: row.opt_instant()?,
            })
        })
        .await
    }
}

impl Tx {
    /// Writes down a consent that is begun, and forgets those that ended before `old` with their secrets.
    pub async fn put_calendar_consent(
        &mut self,
        row: &CalendarConsentRow,
        old: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(CONSENT_SECRETS_TIDY, args![old]).await?;
        self.execute(CONSENTS_TIDY, args![old]).await?;
        self.execute(
            CONSENT_PUT,
            args![row.hash.as_str(), w, &row.data, row.expires],
        )
        .await?;
        Ok(())
    }

    /// Notes with a consent what came of it.
    pub async fn end_calendar_consent(&mut self, hash: &str, data: &Json) -> Result<()> {
        let w = self.w();
        self.execute(CONSENT_END, args![w, hash, data]).await?;
        Ok(())
    }

    /// Takes a consent, once; false when it was used or is over.
    pub async fn take_calendar_consent(&mut self, hash: &str, now: Timestamp) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(CONSENT_TAKE, args![w, hash, now]).await? == 1)
    }
}
