//! What people changed in a calendar: found by its token, and taken over or put up as a conflict.
//!
//! Zoom is the source of truth. Answers of guests are taken over; another time, title or place, and an event that is gone, are put
//! up as conflicts, and nothing is undone on either side until somebody decides, or the policy (`calendars.changes`) has decided:
//! to follow the calendar, or to write the event again. What comes back as we wrote it is our own echo.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_store::{LinkedEvent, ScheduleId, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::accounts::Account;
use super::{Answer, Calendar, CalendarAccounts, CalendarEvent, Changes, EventRef};
use crate::config::CalendarChanges;
use crate::error::Result;
use crate::keys::{Caller, Surface};
use crate::schedule::{How, Keep, SettleRequest};

/// What a look at a calendar's changes gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SyncReport {
    /// Events that the calendar told.
    pub told: usize,
    /// Those that are as we wrote them.
    pub echoes: usize,
    /// Answers of guests that were taken over.
    pub answers: usize,
    /// Events that people changed or deleted: put up as conflicts.
    pub conflicts: usize,
    /// Of these, those that the policy settled at once.
    pub settled: usize,
    /// Events that are none of ours.
    pub others: usize,
    /// The token had run out: everything was read again.
    pub full_resync: bool,
}

/// What people changed in a calendar and nobody has decided about yet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConflictView {
    /// The schedule's id.
    pub schedule: ScheduleId,
    /// Its title here.
    pub title: String,
    /// The calendar.
    pub calendar: String,
    /// `changed` or `gone`.
    pub what: String,
    /// What the calendar says; nothing when the event is gone.
    pub theirs: Option<TheirView>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// An event as somebody left it in a calendar.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TheirView {
    /// Its title there.
    pub title: Option<String>,
    /// Its place there.
    pub location: Option<String>,
    /// All that was kept of it: also its time, its rule and its changed occurrences.
    pub raw: Value,
}

impl From<Value> for TheirView {
    fn from(raw: Value) -> Self {
        let text = |name: &str| raw[name].as_str().map(str::to_owned);
        Self {
            title: text("title"),
            location: text("location"),
            raw,
        }
    }
}

const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pending => "pending",
        Answer::Accepted => "accepted",
        Answer::Declined => "declined",
        Answer::Tentative => "tentative",
    }
}

impl CalendarAccounts<'_> {
    /// Reads what changed in a calendar since the last look, and remembers how far it was read.
    ///
    /// Everything that follows from the changes is written with the new token, or nothing is: a look that is cut off is made again.
    ///
    /// # Errors
    /// `calendar_unavailable` and `calendar_refused` as the calendar says it.
    pub async fn sync(&self, name: &str) -> Result<SyncReport> {
        let account = self.find(Some(name), None).await?;
        let adapter = account.settings.adapter();
        let calendar = self
            .app
            .calendars()
            .open(self.app, adapter, Some(name))
            .await?;
        let changes = calendar.changes(account.row.sync_token.as_deref()).await?;
        let ours = self.ours(&account).await?;
        let missing = self.missing(&*calendar, &changes, &ours).await?;
        let (scope, now) = (self.app.scope(), self.app.clock().now());
        let mut report = SyncReport {
            told: changes.events.len(),
            full_resync: changes.full_resync,
            ..SyncReport::default()
        };
        let mut tx = self.app.store().begin(scope).await?;
        for one in &changes.events {
            match (ours.get(&one.event.id), &one.now) {
                (None, _) => report.others += 1,
                (Some(link), Some(event)) if !event.cancelled => {
                    compare(&mut tx, adapter, link, event, now, &mut report).await?;
                }
                (Some(link), _) => gone(&mut tx, adapter, link, now, &mut report).await?,
            }
        }
        for link in missing {
            gone(&mut tx, adapter, link, now, &mut report).await?;
        }
        tx.set_calendar_token(account.row.id, changes.next.as_deref(), now)
            .await?;
        tx.commit().await?;
        report.settled = self.follow(&account).await?;
        Ok(report)
    }

    /// Does with the conflicts of an account what the policy says; how many are settled. What the policy cannot settle stays.
    async fn follow(&self, account: &Account) -> Result<usize> {
        let keep = match self.app.config().calendars.changes {
            CalendarChanges::Ask => return Ok(0),
            CalendarChanges::Follow => Keep::Theirs,
            CalendarChanges::Restore => Keep::Ours,
        };
        let adapter = account.settings.adapter();
        let ours = self.ours(account).await?;
        let how = How::new(Caller::local(Surface::System));
        let mut settled = 0;
        for conflict in self.conflicts().await? {
            let here = ours.values().any(|link| link.schedule == conflict.schedule);
            if conflict.calendar != adapter || !here {
                continue;
            }
            let request = SettleRequest {
                schedule: conflict.schedule,
                calendar: Some(conflict.calendar),
                keep,
            };
            match self.app.scheduling().settle(&request, &how).await {
                Ok(_) => settled += 1,
                Err(error) => {
                    tracing::info!(schedule = %request.schedule, %error, "a change in a calendar waits for a person");
                }
            }
        }
        Ok(settled)
    }

    /// What people changed in calendars and nobody has decided about yet.
    pub async fn conflicts(&self) -> Result<Vec<ConflictView>> {
        let rows = self
            .app
            .store()
            .calendar_conflicts(self.app.scope())
            .await?;
        let view = |row: parfocal_store::CalendarConflict| ConflictView {
            schedule: row.schedule,
            title: row.title,
            calendar: row.calendar,
            what: row.what,
            theirs: row.theirs.map(TheirView::from),
            found_at: row.found_at,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Our events of an account, by their ids there.
    async fn ours(&self, account: &Account) -> Result<BTreeMap<String, LinkedEvent>> {
        let linked = self
            .app
            .store()
            .linked_events(self.app.scope(), account.settings.adapter())
            .await?;
        Ok(linked
            .into_iter()
            .filter(|link| {
                link.account
                    .as_ref()
                    .is_none_or(|name| *name == account.row.name)
            })
            .map(|link| (link.event_id.clone(), link))
            .collect())
    }

    /// Events of ours that are gone, after everything was read: a deletion while nobody looked is told by nobody.
    async fn missing<'l>(
        &self,
        calendar: &dyn Calendar,
        changes: &Changes,
        ours: &'l BTreeMap<String, LinkedEvent>,
    ) -> Result<Vec<&'l LinkedEvent>> {
        let mut missing = Vec::new();
        if !changes.full_resync {
            return Ok(missing);
        }
        for (id, link) in ours {
            if changes.events.iter().any(|one| one.event.id == *id) {
                continue;
            }
            let event = EventRef {
                calendar: link.event_calendar.clone(),
                id: id.clone(),
                etag: None,
                link: None,
            };
            if calendar.get(&event).await?.is_none() {
                missing.push(link);
            }
        }
        Ok(missing)
    }
}

async fn compare(
    tx: &mut Tx,
    calendar: &str,
    link: &LinkedEvent,
    event: &CalendarEvent,
    now: Timestamp,
    report: &mut SyncReport,
) -> Result<()> {
    for guest in event
        .attendees
        .iter()
        .filter(|one| one.answer != Answer::Pending)
    {
        if tx
            .set_answer(link.schedule, &guest.email, word(guest.answer))
            .await?
        {
            report.answers += 1;
        }
    }
    if event.fingerprint() == link.our_hash {
        report.echoes += 1;
        tx.settle_calendar_conflict(link.schedule, calendar).await?;
        return Ok(());
    }
    report.conflicts += 1;
    let theirs = json!({
        "title": event.title, "location": event.location, "when": event.when,
        "recurrence": event.recurrence, "overrides": event.overrides,
    });
    tx.put_calendar_conflict(link.schedule, calendar, "changed", Some(&theirs), now)
        .await?;
    Ok(())
}

async fn gone(
    tx: &mut Tx,
    calendar: &str,
    link: &LinkedEvent,
    now: Timestamp,
    report: &mut SyncReport,
) -> Result<()> {
    report.conflicts += 1;
    tx.put_calendar_conflict(link.schedule, calendar, "gone", None, now)
        .await?;
    Ok(())
}
