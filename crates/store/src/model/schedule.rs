//! Schedules: meetings made through us, the runs that make and change them, and what those did outside.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::words;
use crate::id::{AttendeeId, EffectId, SagaId, ScheduleId};

words! {
    /// Where a schedule stands.
    ScheduleState {
        /// It is being made; nobody was told yet.
        Pending = "pending",
        /// It stands.
        Scheduled = "scheduled",
        /// It was called off.
        Cancelled = "cancelled",
        /// It could not be made, and nothing of it is left.
        Failed = "failed",
        /// Something of it is left over that a person has to look at.
        Stuck = "stuck",
    }
}

words! {
    /// What a saga does to a schedule.
    SagaKind {
        /// Makes it.
        Schedule = "schedule",
        /// Changes it.
        Reschedule = "reschedule",
        /// Calls it off.
        Cancel = "cancel",
    }
}

words! {
    /// Where a saga stands.
    SagaState {
        /// Under way.
        Running = "running",
        /// All is done.
        Done = "done",
        /// What it did was taken back.
        Undone = "undone",
        /// It ended with something that could neither be done nor taken back.
        Stuck = "stuck",
    }
}

words! {
    /// What is known of something done outside.
    EffectState {
        /// It was begun: it may be there or not.
        Tried = "tried",
        /// It is there.
        Done = "done",
        /// It was taken back, or never came to be.
        Undone = "undone",
        /// It was refused for good, and the rest goes on without it.
        Refused = "refused",
        /// It could neither be done nor taken back.
        Stuck = "stuck",
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The meeting provider's name.
    pub provider: String,
    /// The provider's account: a connection, by name or id.
    pub account: Option<String>,
    /// The provider's id of the meeting.
    pub meeting_id: Option<String>,
    /// Where people join.
    pub join_url: Option<String>,
    /// What it is about.
    pub title: String,
    /// IANA zone.
    pub tz: String,
    /// The first start.
    pub start_at: Timestamp,
    /// The end of the last occurrence.
    pub ends_at: Timestamp,
    /// Length in minutes.
    pub minutes: i64,
    /// The rule of a series.
    pub rrule: Option<String>,
    /// `UID` of iCalendar.
    pub ics_uid: String,
    /// `SEQUENCE` of iCalendar.
    pub sequence: i64,
    /// Where it stands.
    pub state: ScheduleState,
    /// What a person should know about it.
    pub note: Option<String>,
    /// Everything that was asked for, as the engine writes it.
    pub spec: Json,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What a schedule is or becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleFacts {
    /// The meeting provider's name.
    pub provider: String,
    /// The provider's account.
    pub account: Option<String>,
    /// The provider's id of the meeting.
    pub meeting_id: Option<String>,
    /// Where people join.
    pub join_url: Option<String>,
    /// What it is about.
    pub title: String,
    /// IANA zone.
    pub tz: String,
    /// The first start.
    pub start_at: Timestamp,
    /// The end of the last occurrence.
    pub ends_at: Timestamp,
    /// Length in minutes.
    pub minutes: u32,
    /// The rule of a series.
    pub rrule: Option<String>,
    /// `SEQUENCE` of iCalendar.
    pub sequence: u32,
    /// Where it stands.
    pub state: ScheduleState,
    /// What a person should know about it.
    pub note: Option<String>,
    /// Everything that was asked for.
    pub spec: Json,
}

/// Which schedules are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScheduleFilter<'f> {
    /// In this state.
    pub state: Option<ScheduleState>,
    /// Not ended before.
    pub from: Option<Timestamp>,
    /// Begun before.
    pub to: Option<Timestamp>,
    /// To which this address is invited.
    pub person: Option<&'f str>,
    /// After this one, in the order of first starts and ids.
    pub after: Option<(Timestamp, ScheduleId)>,
}

/// One run of making, changing or cancelling a schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saga {
    /// Its id.
    pub id: SagaId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// What it does.
    pub kind: SagaKind,
    /// Where it stands.
    pub state: SagaState,
    /// The step that is next.
    pub step: String,
    /// `forward` or `backward`.
    pub direction: String,
    /// What the engine needs to do and undo it.
    pub data: Json,
    /// What went wrong last.
    pub error: Option<String>,
    /// Failures of the step that is next.
    pub tries: i64,
    /// Not before.
    pub next_at: Timestamp,
    /// When going on in the same direction is given up.
    pub deadline: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it moved last.
    pub updated_at: Timestamp,
    /// The group of which all pass the point of no return, or none.
    pub group: Option<SagaId>,
}

/// A saga to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSaga<'s> {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// What it does.
    pub kind: SagaKind,
    /// Its first step.
    pub step: &'s str,
    /// What the engine needs to do and undo it.
    pub data: &'s Json,
    /// When going forward is given up.
    pub deadline: Timestamp,
    /// The caller's key, made unique for the caller.
    pub request_key: Option<&'s str>,
    /// SHA-256 of the request.
    pub request_hash: &'s str,
    /// The group that it belongs to.
    pub group: Option<SagaId>,
}

/// How a saga stands after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct SagaMove<'s> {
    /// Where it stands.
    pub state: SagaState,
    /// The step that is next.
    pub step: &'s str,
    /// `forward` or `backward`.
    pub direction: &'s str,
    /// What the engine needs.
    pub data: &'s Json,
    /// What went wrong last.
    pub error: Option<&'s str>,
    /// Failures of the step that is next.
    pub tries: u32,
    /// Not before.
    pub next_at: Timestamp,
    /// When going on in this direction is given up.
    pub deadline: Timestamp,
}

/// A request that came with a key before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRequest {
    /// Its saga.
    pub saga_id: SagaId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// SHA-256 of what was asked for then.
    pub request_hash: String,
}

/// Something done outside, or begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// Its id.
    pub id: EffectId,
    /// The saga that did it.
    pub saga_id: SagaId,
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The step.
    pub step: String,
    /// What it is known by, so that it is not done twice.
    pub key: String,
    /// What is known of it.
    pub state: EffectState,
    /// The id of what was made, at whoever made it.
    pub remote_id: Option<String>,
    /// What came of it.
    pub result: Option<Json>,
    /// What went wrong last.
    pub error: Option<String>,
    /// How often it was tried.
    pub tries: i64,
    /// When it was tried first.
    pub first_tried_at: Timestamp,
    /// When it was tried last.
    pub last_tried_at: Timestamp,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttendeeRow {
    /// Its id.
    pub id: AttendeeId,
    /// The address, as it was written.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// Whether they have to come, as a word of the engine's.
    pub role: String,
    /// What they answered, as a word of the engine's.
    pub answer: String,
    /// The sequence of what they were told last.
    pub told_sequence: Option<i64>,
    /// When they were told last.
    pub told_at: Option<Timestamp>,
    /// Why they could not be told.
    pub trouble: Option<String>,
}

/// Somebody to invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAttendee<'a> {
    /// The address.
    pub email: &'a str,
    /// The name.
    pub name: Option<&'a str>,
    /// Whether they have to come.
    pub role: &'a str,
    /// What they answered, for somebody new.
    pub answer: &'a str,
}

/// One occurrence of a series, as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleOccurrence {
    /// The start that the rule gives it, on the wall clock of the zone.
    pub original: String,
    /// The provider's id of it.
    pub remote_id: Option<String>,
    /// When it begins.
    pub start_at: Timestamp,
    /// Length in minutes.
    pub minutes: i64,
    /// `available` or `deleted`.
    pub state: String,
}

/// Where a schedule stands in a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarLink {
    /// The calendar's name in the registry.
    pub calendar: String,
    /// Its account.
    pub account: Option<String>,
    /// The calendar within the account.
    pub event_calendar: String,
    /// The event's id there.
    pub event_id: String,
    /// Its version there.
    pub etag: Option<String>,
    /// Where a person sees it.
    pub link: Option<String>,
    /// SHA-256 of what we wrote last, by which our own echo is recognised.
    pub our_hash: String,
}

/// A time at which somebody is taken already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clash {
    /// Who.
    pub person: String,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// By which schedule.
    pub schedule_id: ScheduleId,
    /// What that is about.
    pub title: String,
}
