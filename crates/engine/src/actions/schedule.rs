//! `schedule.*`: meetings with their calendar events, invitations and reminders, made as a whole.

use parfocal_store::{ScheduleFilter, ScheduleId, ScheduleState};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::action::{Action, Effect};
use super::context::{Context, Halt, Step};
use super::shape::Listed;
use crate::calendar::{CalendarAccountView, ConflictView, Reminder};
use crate::schedule::availability::{AvailabilityRequest, Available, Suggestions};
use crate::schedule::{
    AttendeeView, CancelRequest, ChangeRequest, How, Preview, RegistrantReport, ScheduleRequest,
    Scheduled, ScheduledMeeting, SettleRequest,
};

/// Rows of a list when nothing is said.
const ROWS: u32 = 20;

pub(super) fn actions() -> Vec<Action> {
    let id = "0199f3a0-0000-7000-8000-000000000001";
    vec![
        Action::new(
            "schedule.create",
            Effect::Create,
            "Schedule with calendar and invitations",
            "Makes a meeting, its calendar event, the invitations and the reminders, or none of them. Nobody is invited before \
             meeting and event stand; who has to come and is busy is a refusal.",
            create,
        )
        .asks(&["POST /users/{userId}/meetings"])
        .findable()
        .example(json!({"title": "Team standup", "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin", "every": "weekday", "count": 20,
            "attendees": [{"email": "team@example.com"}], "reminders": [{"minutes": 5}]})),
        Action::new(
            "schedule.preview",
            Effect::Read,
            "Preview a schedule",
            "Tells when a meeting would take place and who is busy then. Nothing is made.",
            preview,
        )
        .example(json!({"title": "Team standup", "start": "2030-01-07T09:00:00Z"})),
        Action::new(
            "schedule.list",
            Effect::Read,
            "List schedules",
            "Lists meetings that were scheduled here, by their first starts.",
            list,
        )
        .across_all()
        .example(json!({"state": "scheduled"})),
        Action::new(
            "schedule.get",
            Effect::Read,
            "Get a schedule",
            "Tells everything about a scheduled meeting: occurrences, answers, who could not be told, what is left over.",
            get,
        )
        .across_all()
        .example(json!({ "schedule": id })),
        Action::new(
            "schedule.change",
            Effect::Change,
            "Reschedule",
            "Changes a scheduled meeting, or one occurrence of it, on all sides. The address to join stays.",
            change,
        )
        .asks(&["PATCH /meetings/{meetingId}"])
        .example(json!({"schedule": id, "change": {"start": "2030-01-07T10:00:00"}})),
        Action::new(
            "schedule.cancel",
            Effect::Delete,
            "Call off a schedule",
            "Calls a scheduled meeting off, or one occurrence of it, on all sides, and tells those who are invited.",
            cancel,
        )
        .asks(&["DELETE /meetings/{meetingId}"])
        .example(json!({ "schedule": id })),
        Action::new(
            "schedule.answers",
            Effect::Read,
            "Get attendee responses",
            "Tells what those who are invited answered (accepted, declined, tentative or pending), by whichever way the answer came, \
             and who could not be told.",
            get_attendee_responses,
        )
        .across_all()
        .example(json!({ "schedule": id })),
        Action::new(
            "schedule.remind",
            Effect::Change,
            "Schedule a reminder",
            "Reminds the people of a scheduled meeting so many minutes before each occurrence, by email, webhook or push. It moves \
             and ends with the meeting.",
            schedule_reminder,
        )
        .asks(&["PATCH /meetings/{meetingId}"])
        .example(json!({"schedule": id, "reminder": {"minutes": 10, "method": "push"}})),
        Action::new(
            "schedule.registrants",
            Effect::Change,
            "Bring registrants and guests into line",
            "Registers who is invited and is not registered yet, invites who registered at the provider, takes who was denied there for \
             declined, and withdraws who declined. Only for meetings scheduled with a registration.",
            registrants,
        )
        .asks(&["POST /meetings/{meetingId}/registrants", "PUT /meetings/{meetingId}/registrants/status"])
        .example(json!({ "schedule": id })),
        Action::new(
            "availability.find",
            Effect::Read,
            "Find available slots",
            "Finds the slots in which everybody who has to come is free by their calendars, works and keeps the buffers. Whose \
             calendar cannot be read is unknown and never free; then there is no slot.",
            find_available_slots,
        )
        .across_all()
        .example(json!({"people": ["ann@example.com", "bo@example.com"], "minutes": 30, "timezone": "Europe/Berlin"})),
        Action::new(
            "availability.suggest",
            Effect::Read,
            "Suggest meeting times",
            "Suggests the times that suit best, each with a score and what it is made of: who is unknown, who may come and is \
             busy, early and late hours, lunch, meetings right before or after.",
            suggest_meeting_times,
        )
        .across_all()
        .example(json!({"people": ["ann@example.com"], "optional": ["bo@example.com"], "minutes": 30})),
        Action::new(
            "calendar.list",
            Effect::Read,
            "List calendars",
            "Lists the calendars that meetings are written to, and whether they work.",
            calendars,
        )
        .across_all()
        .example(json!({})),
        Action::new(
            "calendar.conflicts",
            Effect::Read,
            "List conflicts with calendars",
            "Lists what people changed in calendars and nobody has decided about yet.",
            conflicts,
        )
        .across_all()
        .example(json!({})),
        Action::new(
            "calendar.settle",
            Effect::Change,
            "Settle a conflict with a calendar",
            "Decides such a conflict: `ours` writes the event again as it was scheduled here, `theirs` moves or renames the \
             meeting as the calendar says, or calls it off where the event was deleted.",
            settle,
        )
        .asks(&["PATCH /meetings/{meetingId}"])
        .example(json!({"schedule": id, "keep": "ours"})),
    ]
}

/// Nothing is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("properties" = {}))]
struct Nothing {}

async fn calendars(cx: Context, _: Nothing) -> Step<Listed<CalendarAccountView>> {
    cx.app.components().require("scheduling").await?;
    let items = cx.app.calendar_accounts().list().await?;
    Ok(Listed { items, next: None })
}

async fn conflicts(cx: Context, _: Nothing) -> Step<Listed<ConflictView>> {
    cx.app.components().require("scheduling").await?;
    let items = cx.app.calendar_accounts().conflicts().await?;
    Ok(Listed { items, next: None })
}

async fn settle(cx: Context, input: SettleRequest) -> Step<ScheduledMeeting> {
    if cx.dry_run {
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    let how = How::new(cx.caller.clone());
    Ok(cx.app.scheduling().settle(&input, &how).await?)
}

async fn find_available_slots(cx: Context, input: AvailabilityRequest) -> Step<Available> {
    Ok(cx.app.availability().find_available_slots(&input).await?)
}

async fn suggest_meeting_times(cx: Context, input: AvailabilityRequest) -> Step<Suggestions> {
    Ok(cx.app.availability().suggest_meeting_times(&input).await?)
}

fn how(cx: &Context) -> How {
    // The marker is made of caller and key: the same request finds what an earlier try made.
    How::new(cx.caller.clone()).with_key(cx.marker.as_ref().map(|marker| marker.replace(' ', "-")))
}

async fn create(cx: Context, input: ScheduleRequest) -> Step<Scheduled> {
    if cx.dry_run {
        cx.app.scheduling().preview(&input).await?;
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    Ok(cx.app.scheduling().schedule(&input, &how(&cx)).await?)
}

async fn preview(cx: Context, input: ScheduleRequest) -> Step<Preview> {
    Ok(cx.app.scheduling().preview(&input).await?)
}

/// Which schedules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only what stands so.
    state: Option<ScheduleState>,
    /// Only that to which this address is invited.
    person: Option<String>,
    /// Rows, 1 to 100. Default 20.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

async fn list(cx: Context, input: List) -> Step<Listed<ScheduledMeeting>> {
    cx.app.components().require("scheduling").await?;
    let filter = ScheduleFilter {
        state: input.state,
        person: input.person.as_deref(),
        ..ScheduleFilter::default()
    };
    let items = cx
        .app
        .scheduling()
        .list(&filter, input.limit.unwrap_or(ROWS))
        .await?;
    Ok(Listed { items, next: None })
}

/// One schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// Our id of it.
    schedule: ScheduleId,
}

async fn get(cx: Context, input: One) -> Step<ScheduledMeeting> {
    cx.app.components().require("scheduling").await?;
    Ok(cx.app.scheduling().get(input.schedule).await?)
}

/// What is to become different.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeInput {
    /// Our id of the schedule.
    schedule: ScheduleId,
    /// What is to become different; what is not given stays.
    change: ChangeRequest,
}

async fn change(cx: Context, input: ChangeInput) -> Step<Scheduled> {
    if cx.dry_run {
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    let how = how(&cx);
    Ok(cx
        .app
        .scheduling()
        .reschedule(input.schedule, &input.change, &how)
        .await?)
}

/// What is to be called off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CancelInput {
    /// Our id of the schedule.
    schedule: ScheduleId,
    /// Only this occurrence of a series: the start that the rule gives it, or its day.
    occurrence: Option<String>,
    /// Whether those who are invited are told. Default: true.
    tell: Option<bool>,
}

async fn cancel(cx: Context, input: CancelInput) -> Step<Scheduled> {
    if cx.dry_run {
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    let request = CancelRequest {
        occurrence: input.occurrence,
        tell: input.tell,
    };
    let how = how(&cx);
    Ok(cx
        .app
        .scheduling()
        .cancel(input.schedule, &request, &how)
        .await?)
}

async fn get_attendee_responses(cx: Context, input: One) -> Step<Listed<AttendeeView>> {
    cx.app.components().require("scheduling").await?;
    let items = cx
        .app
        .attendees()
        .get_attendee_responses(input.schedule)
        .await?;
    Ok(Listed { items, next: None })
}

/// A reminder of a schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemindInput {
    /// Our id of the schedule.
    schedule: ScheduleId,
    /// When and how people are reminded.
    reminder: Reminder,
}

async fn schedule_reminder(cx: Context, input: RemindInput) -> Step<Scheduled> {
    if cx.dry_run {
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    let how = how(&cx);
    let scheduling = cx.app.scheduling();
    Ok(scheduling
        .schedule_reminder(input.schedule, input.reminder, &how)
        .await?)
}

async fn registrants(cx: Context, input: One) -> Step<RegistrantReport> {
    if cx.dry_run {
        return Err(Halt::Planned);
    }
    cx.intend().await?;
    let how = how(&cx);
    Ok(cx
        .app
        .attendees()
        .sync_registrants(input.schedule, &how)
        .await?)
}
