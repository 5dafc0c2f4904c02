//! Scheduling: one call makes the meeting, the calendar event, the invitations and the reminders, or none of them.
//!
//! [`MeetingSchedulerOrchestrator`] takes what is asked for, checks it, and begins a saga that is written down before anything
//! outside is touched. [`drive`] does its steps: provider, calendar, commit (the point of no return), invitations. Whatever
//! fails before the commit is taken back; what cannot be taken back is on a list with a retry. A process that dies leaves the
//! saga to the job `schedule.advance`.

pub(crate) mod attendees;
pub mod availability;
mod begin;
mod calendar_step;
mod commit;
mod conflicts;
mod data;
mod drive;
mod expand;
pub(crate) mod follow;
mod group;
mod how;
mod invite;
mod mirror;
pub(crate) mod registrants;
mod request;
mod saga;
mod settle;
mod spec;
mod steps;
mod view;
mod week;
mod words;

use jiff::Timestamp;
use jiff::civil::DateTime;
use parfocal_store::{SagaKind, Schedule, ScheduleFilter, ScheduleId, ScheduleState};
use serde_json::json;

pub use attendees::{AttendeeManager, RegistrantReport};
pub(crate) use drive::run as advance;
pub use drive::{Advance, Progress, drive};
pub use expand::MOST_SINGLES;
pub use follow::Followed;
pub use how::How;
pub use invite::WAY;
pub use request::{CancelRequest, ChangeRequest, Guest, ScheduleRequest, Unrepeatable};
pub use saga::{Came, Direction, Next, Position, Step, next};
pub use settle::{Keep, SettleRequest};
pub use spec::{MOST_OCCURRENCES, Occurrence, Spec};
pub use view::{
    AttendeeView, Conflict, LeftOver, OccurrenceView, Preview, Scheduled, ScheduledMeeting,
};
pub use week::{Week, WeekMeeting, WeekPerson};

use crate::App;
use crate::calendar::{Override, OverrideChange};
use crate::error::{Code, EngineError, Result};
use begin::Begin;
use conflicts::refuse;
use data::{Before, Data, MeetingOf};
use how::hash;

/// The calendar that is taken when none is named.
const FEED: &str = "feed";
/// Things left over that are looked at together.
const LEFT_OVER: u32 = 200;

/// Makes, changes and calls off meetings with everything that belongs to them; from [`App::scheduling`].
#[derive(Debug, Clone, Copy)]
pub struct MeetingSchedulerOrchestrator<'a> {
    pub(crate) app: &'a App,
}

impl MeetingSchedulerOrchestrator<'_> {
    /// Schedules a meeting.
    ///
    /// # Errors
    /// `invalid_input` for what cannot be, `schedule_conflict` when somebody is taken, `idempotency_key_reused`, and whatever
    /// failed for good; then nothing of the meeting is left, or [`Code::ScheduleStuck`] says what is.
    pub async fn schedule(&self, request: &ScheduleRequest, how: &How) -> Result<Scheduled> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let hash = hash("schedule", None, request);
        if let Some(earlier) = self.earlier(how, &hash).await? {
            return self.finish(earlier.0, earlier.1, how).await;
        }
        let now = self.app.clock().now();
        if let Some(expanded) = self.expanded(request, now).await? {
            return self.each(request, expanded, how).await;
        }
        let spec = self.spec(request, now).await?;
        if !request.allow_conflicts {
            let busy = self.busy(&spec, None).await?;
            refuse(&busy.0)?;
        }
        let data = Data::new(spec);
        let begin = Begin {
            kind: SagaKind::Schedule,
            schedule: None,
            data,
            hash,
            allow_conflicts: request.allow_conflicts,
            deadline: drive::deadline(now),
        };
        let (schedule, saga) = self.begin(begin, how, now).await?;
        self.finish(schedule, saga, how).await
    }

    /// Changes a schedule, or one occurrence of it. The provider's meeting and its address stay.
    ///
    /// # Errors
    /// As for [`MeetingSchedulerOrchestrator::schedule`], `not_found`, and `conflict` when it is called off, over, or being
    /// changed just now.
    pub async fn reschedule(
        &self,
        id: ScheduleId,
        request: &ChangeRequest,
        how: &How,
    ) -> Result<Scheduled> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let hash = hash("reschedule", Some(id), request);
        if let Some(earlier) = self.earlier(how, &hash).await? {
            return self.finish(earlier.0, earlier.1, how).await;
        }
        let now = self.app.clock().now();
        let row = self.standing(id, now).await?;
        let before = spec_of(&row)?;
        let (target, occurrence) = request.apply(&before, now)?;
        self.hold(&target).await?;
        if !request.allow_conflicts {
            refuse(&self.busy(&target, Some(&before)).await?.0)?;
        }
        let begin = Begin {
            kind: SagaKind::Reschedule,
            schedule: Some(&row),
            data: changed(&row, before, target, occurrence, true),
            hash,
            allow_conflicts: request.allow_conflicts,
            deadline: drive::deadline(now),
        };
        let (schedule, saga) = self.begin(begin, how, now).await?;
        self.finish(schedule, saga, how).await
    }

    /// Adds a reminder before each occurrence; one that is there already is not doubled. Nobody is told of it but by the reminder.
    ///
    /// # Errors
    /// As for [`MeetingSchedulerOrchestrator::reschedule`].
    pub async fn schedule_reminder(
        &self,
        id: ScheduleId,
        reminder: crate::calendar::Reminder,
        how: &How,
    ) -> Result<Scheduled> {
        let mut reminders = spec_of(&self.row(id).await?)?.reminders;
        if !reminders.contains(&reminder) {
            reminders.push(reminder);
        }
        // The same under the same key, whatever was there before.
        reminders.sort_unstable();
        let change = ChangeRequest {
            reminders: Some(reminders),
            allow_conflicts: true,
            ..ChangeRequest::default()
        };
        self.reschedule(id, &change, how).await
    }

    /// Calls a schedule off, or one occurrence of it.
    ///
    /// # Errors
    /// As for [`MeetingSchedulerOrchestrator::reschedule`].
    pub async fn cancel(
        &self,
        id: ScheduleId,
        request: &CancelRequest,
        how: &How,
    ) -> Result<Scheduled> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let hash = hash("cancel", Some(id), request);
        if let Some(earlier) = self.earlier(how, &hash).await? {
            return self.finish(earlier.0, earlier.1, how).await;
        }
        let now = self.app.clock().now();
        let row = self.standing(id, now).await?;
        let before = spec_of(&row)?;
        let mut target = before.clone();
        let mut occurrence = None;
        if let Some(text) = &request.occurrence {
            let original = request::occurrence(&before, text)?;
            target.overrides.retain(|one| one.original != original);
            target.overrides.push(Override {
                original,
                change: OverrideChange::Cancelled,
            });
            occurrence = Some(original);
        }
        let begin = Begin {
            kind: SagaKind::Cancel,
            schedule: Some(&row),
            data: changed(
                &row,
                before,
                target,
                occurrence,
                request.tell.unwrap_or(true),
            ),
            hash,
            allow_conflicts: true,
            deadline: drive::deadline(now),
        };
        let (schedule, saga) = self.begin(begin, how, now).await?;
        self.finish(schedule, saga, how).await
    }

    /// Tries again what could neither be done nor taken back, and what was refused.
    ///
    /// # Errors
    /// `not_found`, and `conflict` when nothing is left over.
    pub async fn retry(&self, id: ScheduleId, how: &How) -> Result<Scheduled> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let now = self.app.clock().now();
        let (store, scope) = (self.app.store(), self.app.scope());
        self.row(id).await?;
        let left = store.effects_left_over(scope, Some(id), 1).await?;
        let Some(saga) = left.first().map(|effect| effect.saga_id) else {
            return Err(EngineError::new(
                Code::Conflict,
                format!("nothing is left over of the schedule {id}"),
            ));
        };
        let row = store
            .saga(scope, saga)
            .await?
            .ok_or_else(|| EngineError::not_found("saga", saga))?;
        let mut tx = store.begin(scope).await?;
        let reopened = tx
            .reopen_saga(saga, &row.step, drive::patience(now), now)
            .await?;
        if !reopened {
            return Err(EngineError::new(
                Code::Conflict,
                format!("the schedule {id} is being worked on"),
            ));
        }
        self.enqueue(&mut tx, id, saga, now).await?;
        self.note(&mut tx, how, "schedule.retry", id, json!({}), now)
            .await?;
        tx.commit().await?;
        self.finish(id, saga, how).await
    }

    /// A schedule with everything about it.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get(&self, id: ScheduleId) -> Result<ScheduledMeeting> {
        view::of(self.app, &self.row(id).await?).await
    }

    /// Schedules by their first starts.
    pub async fn list(
        &self,
        filter: &ScheduleFilter<'_>,
        limit: u32,
    ) -> Result<Vec<ScheduledMeeting>> {
        let rows = self
            .app
            .store()
            .schedules(self.app.scope(), filter, limit)
            .await?;
        let mut all = Vec::new();
        for row in &rows {
            all.push(view::of(self.app, row).await?);
        }
        Ok(all)
    }

    /// What could neither be done nor taken back, and what was refused of meetings that are still to come; the latest first.
    pub async fn left_over(&self) -> Result<Vec<ScheduledMeeting>> {
        let now = self.app.clock().now();
        let (store, scope) = (self.app.store(), self.app.scope());
        let mut ids: Vec<ScheduleId> = Vec::new();
        for effect in store.effects_left_over(scope, None, LEFT_OVER).await? {
            if !ids.contains(&effect.schedule_id) {
                ids.push(effect.schedule_id);
            }
        }
        let mut all = Vec::new();
        for id in ids {
            let row = self.row(id).await?;
            let to_come = row.state == ScheduleState::Scheduled && row.ends_at > now;
            if row.state == ScheduleState::Stuck || to_come {
                all.push(view::of(self.app, &row).await?);
            }
        }
        Ok(all)
    }

    /// What those who are invited answered.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get_attendee_responses(&self, id: ScheduleId) -> Result<Vec<AttendeeView>> {
        Ok(self.get(id).await?.attendees)
    }

    async fn row(&self, id: ScheduleId) -> Result<Schedule> {
        self.app
            .store()
            .schedule(self.app.scope(), id)
            .await?
            .ok_or_else(|| {
                EngineError::not_found("schedule", id)
                    .with_hint("`parfocal schedule list` shows which there are.")
            })
    }

    /// A schedule that can be changed.
    pub(crate) async fn standing(&self, id: ScheduleId, now: Timestamp) -> Result<Schedule> {
        let row = self.row(id).await?;
        if row.state != ScheduleState::Scheduled {
            let why = match row.state {
                ScheduleState::Pending => "is still being made",
                ScheduleState::Cancelled => "was called off",
                ScheduleState::Failed => "could not be made",
                _ => "has something left over that has to be looked at first",
            };
            return Err(EngineError::new(
                Code::Conflict,
                format!("{:?} {why}", row.title),
            ));
        }
        if row.ends_at <= now {
            return Err(EngineError::new(
                Code::Conflict,
                format!("{:?} is over", row.title),
            ));
        }
        Ok(row)
    }

    async fn spec(&self, request: &ScheduleRequest, now: Timestamp) -> Result<Spec> {
        let feed = self.app.calendars().has(FEED).then_some(FEED);
        let mut spec = request.spec(feed, now)?;
        if request.unrepeatable == Unrepeatable::Room && spec.recurrence.is_some() {
            let provider = self.provider(&spec).await?;
            spec.open = provider.check(&spec.plan(nobody())).is_err();
        }
        self.hold(&spec).await?;
        Ok(spec)
    }

    async fn provider(
        &self,
        spec: &Spec,
    ) -> Result<std::sync::Arc<dyn crate::provider::MeetingProvider>> {
        self.app
            .providers()
            .open(self.app, &spec.provider, spec.account.as_deref())
            .await
    }

    /// Refuses what the provider or the calendar cannot hold.
    async fn hold(&self, spec: &Spec) -> Result<()> {
        let provider = self.provider(spec).await?;
        provider.check(&spec.plan(nobody())).map_err(|unsupported| {
            EngineError::invalid(unsupported.to_string()).with_hint(
                "Choose a rule that it has, or let one room without a fixed time be made (unrepeatable: room).",
            )
        })?;
        if let Some(name) = &spec.calendar {
            let account = spec.calendar_account.as_deref();
            let calendar = self.app.calendars().open(self.app, name, account).await?;
            calendar.check(&spec.event(nobody(), "check", 0, None, false))?;
        }
        Ok(())
    }
}

/// The id of a schedule that is only tried out.
fn nobody() -> ScheduleId {
    ScheduleId::new(uuid::Uuid::nil())
}

fn spec_of(row: &Schedule) -> Result<Spec> {
    serde_json::from_value(row.spec.clone()).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("the spec of {} cannot be read: {error}", row.id),
        )
    })
}

fn changed(
    row: &Schedule,
    before: Spec,
    target: Spec,
    occurrence: Option<DateTime>,
    tell: bool,
) -> Data {
    let sequence = u32::try_from(row.sequence).unwrap_or(0);
    Data {
        before: Some(Before {
            spec: before,
            sequence,
            state: row.state,
        }),
        target,
        sequence: sequence.saturating_add(1),
        occurrence,
        meeting: row
            .meeting_id
            .clone()
            .zip(row.join_url.clone())
            .map(|(id, join_url)| MeetingOf { id, join_url }),
        committed: false,
        failure: None,
        warnings: Vec::new(),
        tell,
    }
}
