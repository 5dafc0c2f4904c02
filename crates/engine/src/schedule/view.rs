//! A schedule as it is shown.

use std::fmt;

use jiff::Timestamp;
use parfocal_store::{Clash, EffectState, SagaState, Schedule, ScheduleId, ScheduleState};
use schemars::JsonSchema;
use serde::Serialize;

use super::data::Data;
use super::spec::Spec;
use super::steps::word;
use crate::App;
use crate::calendar::{Reminder, TimeSpan};
use crate::error::{Code, EngineError, Result};

/// Most occurrences that are shown.
const SHOWN: usize = 400;
/// Most things left over that are shown.
const LEFT: u32 = 100;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scheduled {
    /// The meeting as it stands.
    pub meeting: ScheduledMeeting,
    /// Whether all of it is done; otherwise it goes on by itself.
    pub finished: bool,
    /// The other meetings, when a rule that the provider cannot hold was made as single ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ScheduleId>,
}

/// A schedule with everything about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScheduledMeeting {
    /// Our id.
    pub id: ScheduleId,
    /// Where it stands.
    pub state: ScheduleState,
    /// What it is about.
    pub title: String,
    /// Its description.
    pub agenda: Option<String>,
    /// The first start.
    pub start: Timestamp,
    /// The same on the wall clock of its zone.
    pub start_local: String,
    /// IANA zone.
    pub timezone: String,
    /// Length in minutes.
    pub minutes: u32,
    /// The rule of a series, by RFC 5545.
    pub recurrence: Option<String>,
    /// The rule in words.
    pub repeats: Option<String>,
    /// When it takes place.
    pub occurrences: Vec<OccurrenceView>,
    /// The meeting provider.
    pub provider: String,
    /// The provider's id of the meeting.
    pub meeting: Option<String>,
    /// Where people join.
    pub join_url: Option<String>,
    /// Who holds it.
    pub host: Option<String>,
    /// The calendar that it stands in.
    pub calendar: Option<String>,
    /// Where a person sees it there.
    pub calendar_link: Option<String>,
    /// Who is invited.
    pub attendees: Vec<AttendeeView>,
    /// Reminders before each occurrence.
    pub reminders: Vec<Reminder>,
    /// `UID` of iCalendar.
    pub ics_uid: String,
    /// `SEQUENCE` of iCalendar.
    pub sequence: i64,
    /// What a person should know.
    pub note: Option<String>,
    /// What is under way, such as `reschedule: calendar`.
    pub under_way: Option<String>,
    /// What could neither be done nor taken back.
    pub left_over: Vec<LeftOver>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// One time at which a schedule takes place.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OccurrenceView {
    /// What it is named by: the start that the rule gives it, on the wall clock of the zone.
    pub occurrence: String,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// The provider's id of it, for a series.
    pub remote_id: Option<String>,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AttendeeView {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// Whether they have to come.
    pub role: String,
    /// What they answered: pending, accepted, declined or tentative.
    pub answer: String,
    /// When they were told last.
    pub told_at: Option<Timestamp>,
    /// Whether what they were told is how it stands.
    pub told: bool,
    /// Why they could not be told.
    pub trouble: Option<String>,
}

/// Something that could neither be done nor taken back.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LeftOver {
    /// The step.
    pub step: String,
    /// `stuck` when a person has to act, `refused` when the rest stands without it.
    pub state: EffectState,
    /// What was tried.
    pub what: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was tried last.
    pub tried_at: Timestamp,
}

/// A time at which somebody is busy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Conflict {
    /// Who.
    pub person: String,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// By what: the title of a schedule of ours, or the calendar that says so.
    pub by: String,
    /// The schedule, when it is one of ours.
    pub schedule: Option<ScheduleId>,
}

impl Conflict {
    pub(super) fn of(clash: &Clash) -> Self {
        Self {
            person: clash.person.clone(),
            start: clash.start,
            end: clash.end,
            by: clash.title.clone(),
            schedule: Some(clash.schedule_id),
        }
    }

    pub(super) fn busy(person: &str, span: TimeSpan, calendar: &str) -> Self {
        Self {
            person: person.to_owned(),
            start: span.from,
            end: span.to,
            by: format!("the calendar {calendar}"),
            schedule: None,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is busy from {} to {} ({})",
            self.person, self.start, self.end, self.by
        )
    }
}

/// What a request would come to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Preview {
    /// Always true.
    pub dry_run: bool,
    /// What it is about.
    pub title: String,
    /// IANA zone.
    pub timezone: String,
    /// The rule in words.
    pub repeats: Option<String>,
    /// When it would take place.
    pub occurrences: Vec<OccurrenceView>,
    /// The provider's meeting would be a room without a fixed time.
    pub room: bool,
    /// Each time would be a meeting of its own.
    pub singles: bool,
    /// Who is busy then.
    pub conflicts: Vec<Conflict>,
    /// Of whom it is not known whether they are free.
    pub unknown: Vec<String>,
}

impl Preview {
    pub(super) fn of(spec: &Spec, conflicts: Vec<Conflict>, unknown: Vec<String>) -> Result<Self> {
        Ok(Self {
            dry_run: true,
            title: spec.title.clone(),
            timezone: spec.zone.clone(),
            repeats: spec.recurrence.as_ref().map(|one| one.rule.in_words()),
            occurrences: occurrences(spec)?,
            room: spec.open,
            singles: false,
            conflicts,
            unknown,
        })
    }
}

fn occurrences(spec: &Spec) -> Result<Vec<OccurrenceView>> {
    let rows = spec
        .occurrences()
        .map_err(|error| EngineError::invalid(error.to_string()))?;
    Ok(rows
        .into_iter()
        .take(SHOWN)
        .map(|row| OccurrenceView {
            occurrence: row.original.to_string(),
            start: row.start,
            end: row.end,
            remote_id: None,
        })
        .collect())
}

pub(super) async fn of(app: &App, row: &Schedule) -> Result<ScheduledMeeting> {
    let (store, scope) = (app.store(), app.scope());
    let spec: Spec = serde_json::from_value(row.spec.clone()).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("the spec of {} cannot be read: {error}", row.id),
        )
    })?;
    let saga = store.latest_saga(scope, row.id).await?;
    let running = saga.filter(|saga| saga.state == SagaState::Running);
    let mut shown = occurrences(&spec)?;
    for known in store.schedule_occurrences(row.id).await? {
        if let Some(one) = shown
            .iter_mut()
            .find(|one| one.occurrence == known.original)
        {
            one.remote_id = known.remote_id;
        }
    }
    let rows = store.attendees(row.id).await?;
    let attendees = if rows.is_empty() {
        // Not committed yet: those who are going to be invited.
        spec.attendees
            .iter()
            .map(|one| AttendeeView {
                email: one.email.clone(),
                name: one.name.clone(),
                role: word(&one.role),
                answer: word(&one.answer),
                told_at: None,
                told: false,
                trouble: None,
            })
            .collect()
    } else {
        rows.into_iter()
            .map(|one| AttendeeView {
                told: one.told_sequence == Some(row.sequence) && one.trouble.is_none(),
                email: one.email,
                name: one.name,
                role: one.role,
                answer: one.answer,
                told_at: one.told_at,
                trouble: one.trouble,
            })
            .collect()
    };
    let link = store.calendar_links(row.id).await?.into_iter().next();
    let left_over = store
        .effects_left_over(scope, Some(row.id), LEFT)
        .await?
        .into_iter()
        .map(|effect| LeftOver {
            what: match effect.remote_id {
                Some(id) => format!("{} {id}", effect.step),
                None => effect.step.clone(),
            },
            step: effect.step,
            state: effect.state,
            error: effect.error,
            tried_at: effect.last_tried_at,
        })
        .collect();
    let under_way = match &running {
        Some(saga) => {
            let data = Data::of(saga)?;
            let back = if saga.direction == "backward" {
                "taking back "
            } else {
                ""
            };
            let why = data
                .failure
                .map(|one| format!(" ({})", one.message))
                .unwrap_or_default();
            Some(format!("{}: {back}{}{why}", saga.kind, saga.step))
        }
        None => None,
    };
    Ok(ScheduledMeeting {
        id: row.id,
        state: row.state,
        title: spec.title.clone(),
        agenda: spec.agenda.clone(),
        start: row.start_at,
        start_local: spec.start.to_string(),
        timezone: spec.zone.clone(),
        minutes: spec.minutes,
        recurrence: row.rrule.clone(),
        repeats: spec.recurrence.as_ref().map(|one| one.rule.in_words()),
        occurrences: shown,
        provider: row.provider.clone(),
        meeting: row.meeting_id.clone(),
        join_url: row.join_url.clone(),
        host: spec.host.clone(),
        calendar: spec.calendar.clone(),
        calendar_link: link.and_then(|link| link.link),
        attendees,
        reminders: spec.reminders.clone(),
        ics_uid: row.ics_uid.clone(),
        sequence: row.sequence,
        note: row.note.clone(),
        under_way,
        left_over,
        created_by: row.created_by.clone(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
