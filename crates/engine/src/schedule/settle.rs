//! What people changed in a calendar, decided by a person: as it was scheduled here, or as the calendar says.

use jiff::tz::TimeZone;
use parfocal_store::{CalendarLink, Schedule, ScheduleId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::Spec;
use super::view::ScheduledMeeting;
use super::{CancelRequest, ChangeRequest, How, MeetingSchedulerOrchestrator, spec_of};
use crate::audit::{self, Change};
use crate::calendar::{Override, OverrideChange, Recurrence, When};
use crate::error::{Code, EngineError, Result};

/// Which side is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// What was scheduled here: it is written to the calendar again.
    Ours,
    /// What the calendar says: the meeting is moved and renamed, or called off where the event is gone.
    Theirs,
}

/// Which conflict, and how it is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// Our id of the schedule.
    pub schedule: ScheduleId,
    /// The calendar's name, such as google; only needed when there are several.
    #[serde(default)]
    pub calendar: Option<String>,
    /// Which side is right.
    pub keep: Keep,
}

/// The event as the calendar has it.
#[derive(Deserialize)]
struct Theirs {
    title: String,
    when: When,
    recurrence: Option<Recurrence>,
    #[serde(default)]
    overrides: Vec<Override>,
}

impl MeetingSchedulerOrchestrator<'_> {
    /// Ends a conflict between a schedule and its calendar.
    ///
    /// # Errors
    /// `not_found` when there is none, `invalid_input` when the calendar says what cannot be taken over (another rule, whole days),
    /// and as for [`MeetingSchedulerOrchestrator::reschedule`] and `cancel`; the conflict stays then.
    pub async fn settle(&self, request: &SettleRequest, how: &How) -> Result<ScheduledMeeting> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let id = request.schedule;
        let row = self.row(id).await?;
        let found = self
            .app
            .store()
            .calendar_conflicts(self.app.scope())
            .await?
            .into_iter()
            .find(|one| {
                one.schedule == id
                    && request
                        .calendar
                        .as_ref()
                        .is_none_or(|name| *name == one.calendar)
            })
            .ok_or_else(|| {
                EngineError::not_found("calendar conflict", id)
                    .with_hint("`parfocal calendars conflicts` lists what is to be decided.")
            })?;
        match (request.keep, found.what.as_str()) {
            (Keep::Ours, _) => self.write_again(&row, &found.calendar).await?,
            (Keep::Theirs, "gone") => {
                let all = CancelRequest::default();
                self.cancel(id, &all, &unkeyed(how)).await?;
            }
            (Keep::Theirs, _) => {
                let theirs = found.theirs.clone().unwrap_or(Value::Null);
                self.take_over(&row, theirs, &found.calendar, how).await?;
            }
        }
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.settle_calendar_conflict(id, &found.calendar).await?;
        let change = Change {
            action: "calendar.settle",
            target: &format!("schedule/{id}"),
            detail: json!({ "calendar": found.calendar, "what": found.what, "keep": request.keep }),
        };
        audit::append(&mut tx, &how.caller.by(), &change, now).await?;
        tx.commit().await?;
        self.get(id).await
    }

    /// Writes the event as it was scheduled here; one of the same key is brought to it, a deleted one made again.
    async fn write_again(&self, row: &Schedule, name: &str) -> Result<()> {
        let (store, scope) = (self.app.store(), self.app.scope());
        let busy = || {
            EngineError::new(
                Code::InProgress,
                format!("{:?} is being changed just now", row.title),
            )
        };
        let mut tx = store.begin(scope).await?;
        let running = tx.running_saga(row.id).await?;
        tx.rollback().await?;
        if running.is_some() {
            return Err(busy());
        }
        let spec = spec_of(row)?;
        let links = store.calendar_links(row.id).await?;
        let link = links.into_iter().find(|link| link.calendar == name);
        let account = link
            .and_then(|link| link.account)
            .or_else(|| spec.calendar_account.clone());
        let calendar = self
            .app
            .calendars()
            .open(self.app, name, account.as_deref())
            .await?;
        let sequence = u32::try_from(row.sequence).unwrap_or(0);
        let url = row.join_url.as_deref();
        let mut event = spec.event(row.id, &row.ics_uid, sequence, url, false);
        let answers = store.attendees(row.id).await?;
        for attendee in &mut event.attendees {
            let known = answers.iter().find(|row| row.email == attendee.email);
            let answer = known
                .and_then(|row| serde_json::from_value(Value::String(row.answer.clone())).ok());
            attendee.answer = answer.unwrap_or(attendee.answer);
        }
        let there = calendar.put(&event, None).await?;
        let link = CalendarLink {
            calendar: name.to_owned(),
            account,
            event_calendar: there.calendar,
            event_id: there.id,
            etag: there.etag,
            link: there.link,
            our_hash: event.fingerprint(),
        };
        let now = self.app.clock().now();
        let mut tx = store.begin(scope).await?;
        // Whoever changed it meanwhile wrote the event too, and later than we read the schedule.
        let still = tx.schedule(row.id).await?;
        if tx.running_saga(row.id).await?.is_some()
            || still.is_none_or(|still| still.sequence != row.sequence)
        {
            tx.rollback().await?;
            return Err(busy());
        }
        tx.set_calendar_link(row.id, &link, now).await?;
        Ok(tx.commit().await?)
    }

    /// Changes the schedule to what the calendar says.
    async fn take_over(
        &self,
        row: &Schedule,
        theirs: Value,
        calendar: &str,
        how: &How,
    ) -> Result<()> {
        let theirs: Theirs = serde_json::from_value(theirs).map_err(|error| {
            EngineError::new(
                Code::StoreCorrupt,
                format!("what the calendar says cannot be read: {error}"),
            )
        })?;
        let spec = spec_of(row)?;
        let changes = changes(&spec, &theirs)?;
        if changes.is_empty() {
            // Only the place differs, and that is where people join.
            return self.write_again(row, calendar).await;
        }
        for change in changes {
            match change {
                Step::Move(request) => {
                    self.reschedule(row.id, &request, &unkeyed(how)).await?;
                }
                Step::Cancel(request) => {
                    self.cancel(row.id, &request, &unkeyed(how)).await?;
                }
            }
        }
        Ok(())
    }
}

/// The same, without the key of the request that it is a part of.
fn unkeyed(how: &How) -> How {
    How {
        key: None,
        ..how.clone()
    }
}

/// One change of a schedule.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Move(ChangeRequest),
    Cancel(CancelRequest),
}

fn refused(problem: &str) -> EngineError {
    EngineError::invalid(format!("the calendar's change cannot be taken over: {problem}")).with_hint(
        "Change the meeting yourself (`parfocal reschedule`), or have it written to the calendar as it was scheduled here.",
    )
}

/// A rule as it is compared: an end by date and one by count are different rules, ways of writing an end are not.
fn rule(when: &When, recurrence: Option<&Recurrence>) -> Option<String> {
    recurrence.map(|one| {
        let series = when.start().and_then(|start| one.series(start));
        series.map_or_else(
            |_| one.rule.to_string(),
            |series| series.with_strict_end().to_string(),
        )
    })
}

/// What makes the schedule as the calendar says.
fn changes(spec: &Spec, theirs: &Theirs) -> Result<Vec<Step>> {
    let own = When::Timed {
        start: spec.start,
        zone: spec.zone.clone(),
        minutes: spec.minutes,
    };
    let When::Timed { minutes, .. } = theirs.when else {
        return Err(refused("it takes whole days there"));
    };
    let span = theirs
        .when
        .span()
        .ok_or_else(|| refused("its time cannot be read"))?;
    let zone = TimeZone::get(&spec.zone).unwrap_or(TimeZone::UTC);
    let local = span.from.to_zoned(zone.clone()).datetime();
    let moved = own.span().is_none_or(|own| own.from != span.from);
    let (before, after) = (
        rule(&own, spec.recurrence.as_ref()),
        rule(&theirs.when, theirs.recurrence.as_ref()),
    );
    if before != after {
        return Err(refused("it repeats by another rule there"));
    }
    let mut steps = Vec::new();
    let title = Some(theirs.title.trim().to_owned())
        .filter(|title| !title.is_empty() && *title != spec.title);
    if moved || minutes != spec.minutes || title.is_some() {
        steps.push(Step::Move(ChangeRequest {
            title,
            start: moved.then(|| local.to_string()),
            minutes: (minutes != spec.minutes).then_some(minutes),
            allow_conflicts: true,
            ..ChangeRequest::default()
        }));
    }
    let excluded = spec.recurrence.iter().flat_map(|one| &one.excluded);
    let gone: Vec<_> = excluded.copied().collect();
    let theirs_gone = theirs.recurrence.iter().flat_map(|one| &one.excluded);
    let mut overrides = theirs.overrides.clone();
    overrides.extend(theirs_gone.map(|original| Override {
        original: *original,
        change: OverrideChange::Cancelled,
    }));
    for one in overrides {
        let known = !moved
            && (spec.overrides.contains(&one)
                || (one.change == OverrideChange::Cancelled && gone.contains(&one.original)));
        if known {
            continue;
        }
        let occurrence = Some(one.original.to_string());
        steps.push(match one.change {
            OverrideChange::Cancelled => Step::Cancel(CancelRequest {
                occurrence,
                tell: None,
            }),
            OverrideChange::Moved { when, title } => {
                let span = when
                    .span()
                    .ok_or_else(|| refused("one time of it takes whole days there"))?;
                let When::Timed { minutes, .. } = when else {
                    return Err(refused("one time of it takes whole days there"));
                };
                Step::Move(ChangeRequest {
                    occurrence,
                    title,
                    start: Some(span.from.to_zoned(zone.clone()).datetime().to_string()),
                    minutes: Some(minutes),
                    allow_conflicts: true,
                    ..ChangeRequest::default()
                })
            }
        });
    }
    Ok(steps)
}
