//! Meetings are created, changed, deleted and ended; each change is announced.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::ids::{InstanceUuid, meeting_number};
use super::model::{Instance, Meeting, MeetingDraft, Occurrence, User};
use super::recurrence::expand;
use super::settings::meeting_settings;
use super::state::State;
use super::{World, WorldError};
use crate::webhooks::payload::{self, Step};
use crate::webhooks::{Event, Hub};

/// Letters of generated passcodes.
const PASSCODE: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";

/// An instant without fractions, as Zoom keeps times.
pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl World {
    /// Creates a meeting or webinar and announces it.
    ///
    /// # Errors
    /// When the host does not exist.
    pub fn create_meeting(
        &self,
        host: &str,
        draft: MeetingDraft,
        operator_id: &str,
    ) -> Result<Arc<Meeting>, WorldError> {
        let now = whole_second(self.clock.now());
        let (meeting, host) = {
            let mut state = self.write();
            let host = state
                .user(host)
                .cloned()
                .ok_or_else(|| WorldError::UnknownUser(host.to_owned()))?;
            let mut chance = self.next_chance(&mut state);
            let mut number = meeting_number(&mut chance);
            while state.meetings.contains_key(&number) {
                number = meeting_number(&mut chance);
            }
            // Some of the UUIDs made at run time need encoding twice, too.
            let form = u8::try_from(state.made % 5).unwrap_or(0);
            let uuid = InstanceUuid::draw(&mut chance, form);
            let password = draft
                .password
                .clone()
                .unwrap_or_else(|| chance.text(PASSCODE, 6));
            let meeting = assemble(&host, draft, number, uuid, password, now);
            (state.put_meeting(meeting), host)
        };
        let event = if meeting.is_webinar() {
            "webinar.created"
        } else {
            "meeting.created"
        };
        let object = payload::meeting_created(&meeting, Some(&host), &self.urls());
        let mut body = self.operated(operator_id, object);
        body["operation"] = "all".into();
        self.announce(event, Some(&host.id), body, None);
        Ok(meeting)
    }

    /// Changes a meeting (or one occurrence) and announces what changed.
    ///
    /// The closure sees the meeting and may set any field; with `occurrence`, its `start`, `duration` and `agenda` speak of that
    /// occurrence alone. Occurrences are made anew when start, zone, duration or recurrence changed.
    ///
    /// # Errors
    /// When there is no such meeting or occurrence.
    pub fn update_meeting(
        &self,
        number: u64,
        occurrence: Option<&str>,
        operator_id: &str,
        change: impl FnOnce(&mut Meeting),
    ) -> Result<Arc<Meeting>, WorldError> {
        self.meeting(number)
            .ok_or(WorldError::UnknownMeeting(number))?;
        let (old, new) = {
            let mut state = self.write();
            let old = self
                .meeting_in(&state, number)
                .ok_or(WorldError::UnknownMeeting(number))?;
            let new = match occurrence {
                Some(id) => change_occurrence(&old, id, change)?,
                None => change_all(&old, change),
            };
            (old, state.put_meeting(new))
        };
        if let Some((after, before)) = payload::meeting_changes(&old, &new) {
            let event = if new.is_webinar() {
                "webinar.updated"
            } else {
                "meeting.updated"
            };
            let mut body = self.operated(operator_id, after);
            body["old_object"] = before;
            body["time_stamp"] = self.clock.now().as_millisecond().into();
            body["scope"] = if occurrence.is_some() {
                "single"
            } else {
                "all"
            }
            .into();
            self.announce(event, Some(&new.host_id), body, None);
        }
        Ok(new)
    }

    /// Deletes a meeting or one occurrence (which stays listed as deleted) and announces it.
    ///
    /// # Errors
    /// When there is none, or it is a personal room.
    pub fn delete_meeting(
        &self,
        number: u64,
        occurrence: Option<&str>,
        operator_id: &str,
    ) -> Result<(), WorldError> {
        self.meeting(number)
            .ok_or(WorldError::UnknownMeeting(number))?;
        let (meeting, gone) = 'gone: {
            let mut state = self.write();
            let meeting = self
                .meeting_in(&state, number)
                .ok_or(WorldError::UnknownMeeting(number))?;
            if meeting.kind == 4 {
                return Err(WorldError::PersonalRoom);
            }
            let Some(id) = occurrence else {
                state.remove_meeting(number, &meeting.host_id);
                break 'gone (meeting, Vec::new());
            };
            let mut next = Meeting::clone(&meeting);
            let one = next
                .occurrences
                .iter_mut()
                .find(|one| one.id == id && !one.deleted)
                .ok_or_else(|| WorldError::UnknownOccurrence(id.to_owned()))?;
            one.deleted = true;
            let gone = vec![one.clone()];
            if next.occurrences.iter().all(|one| one.deleted) {
                state.remove_meeting(number, &meeting.host_id);
            } else {
                state.put_meeting(next);
            }
            (meeting, gone)
        };
        let event = if meeting.is_webinar() {
            "webinar.deleted"
        } else {
            "meeting.deleted"
        };
        let mut body = self.operated(operator_id, payload::meeting_deleted(&meeting, &gone));
        body["operation"] = if gone.is_empty() { "all" } else { "single" }.into();
        self.announce(event, Some(&meeting.host_id), body, None);
        Ok(())
    }

    /// Ends the running instance of a number: everybody leaves, `participant_left` and `ended` are announced.
    ///
    /// # Errors
    /// When nothing runs.
    pub fn end_meeting(&self, number: u64) -> Result<Arc<Instance>, WorldError> {
        let running = self
            .instances_of(number)
            .into_iter()
            .find(|head| head.end.is_none())
            .ok_or(WorldError::NotStarted(number))?;
        let now = whole_second(self.clock.now());
        let (instance, left) = {
            let mut state = self.write();
            let old = self
                .instance_in(&state, running.key)
                .ok_or(WorldError::NotStarted(number))?;
            let mut next = Instance::clone(&old);
            if next.end.is_some() {
                return Err(WorldError::NotStarted(number));
            }
            next.end = Some(now);
            let mut left = Vec::new();
            for row in &mut next.participants {
                if row.leave.is_none() {
                    row.leave = Some(now);
                    "Host ended the meeting.".clone_into(&mut row.leave_reason);
                    left.push(row.clone());
                }
            }
            let instance = state.replace(next);
            self.renew_uuid(&mut state, number);
            (instance, left)
        };
        let webinar = instance.is_webinar();
        for row in &left {
            let event = if webinar {
                "webinar.participant_left"
            } else {
                "meeting.participant_left"
            };
            let object = payload::participant(&instance, row, Step::Left, now);
            self.announce(event, Some(&instance.host_id), self.plain(object), None);
        }
        let event = if webinar {
            "webinar.ended"
        } else {
            "meeting.ended"
        };
        let object = payload::instance_ended(&instance, &self.email_of(&instance.host_id));
        self.announce(event, Some(&instance.host_id), self.plain(object), None);
        Ok(instance)
    }

    /// After an end, the number's next start has another UUID.
    fn renew_uuid(&self, state: &mut State, number: u64) {
        if let Some(meeting) = self.meeting_in(state, number) {
            let mut next = Meeting::clone(&meeting);
            next.uuid = InstanceUuid::draw(&mut self.next_chance(state), 0);
            state.put_meeting(next);
        }
    }

    /// Queues an event for those who subscribed; the number of deliveries.
    pub(super) fn announce(
        &self,
        name: &'static str,
        user_id: Option<&str>,
        payload: Value,
        token: Option<String>,
    ) -> usize {
        Hub::emit(
            &self.hub,
            &Event {
                name,
                at: self.clock.now(),
                user_id: user_id.map(str::to_owned),
                payload,
                download_token: token,
            },
        )
    }

    /// A payload with account and object.
    pub(super) fn plain(&self, object: Value) -> Value {
        let mut payload = Map::new();
        payload.insert("account_id".to_owned(), self.account().id.into());
        payload.insert("object".to_owned(), object);
        Value::Object(payload)
    }

    /// A payload that says who did it (the owner, when the operator is unknown).
    pub(super) fn operated(&self, operator_id: &str, object: Value) -> Value {
        let operator = self
            .user(operator_id)
            .or_else(|| self.user(&self.account().owner_id));
        let (email, id) = operator.map_or_else(Default::default, |user| {
            (user.email.clone(), user.id.clone())
        });
        let mut payload = self.plain(object);
        payload["operator"] = email.into();
        payload["operator_id"] = id.into();
        payload
    }

    /// Address of a user by id; empty when gone.
    pub(super) fn email_of(&self, user_id: &str) -> String {
        self.user(user_id)
            .map_or_else(String::new, |user| user.email.clone())
    }
}

/// A meeting out of a draft.
pub(super) fn assemble(
    host: &User,
    draft: MeetingDraft,
    number: u64,
    uuid: InstanceUuid,
    password: String,
    now: Timestamp,
) -> Meeting {
    let kind = if draft.kind == 0 { 2 } else { draft.kind };
    let start = match kind {
        1 | 3 | 4 | 6 => None,
        _ => Some(whole_second(draft.start.unwrap_or(now))),
    };
    let duration = match (kind, draft.duration) {
        (1 | 4, _) => 0,
        (_, 0) => 60,
        (_, minutes) => minutes,
    };
    let timezone = if draft.timezone.is_empty() {
        host.timezone.clone()
    } else {
        draft.timezone
    };
    let occurrences = series(kind, draft.recurrence.as_ref(), start, &timezone, duration);
    Meeting {
        number,
        uuid,
        host_id: host.id.clone(),
        topic: draft.topic,
        agenda: draft.agenda,
        kind,
        start: occurrences.first().map(|one| one.start).or(start),
        duration,
        timezone,
        created_at: now,
        password,
        recurrence: draft.recurrence.filter(|_| matches!(kind, 8 | 9)),
        occurrences,
        settings: meeting_settings(host, matches!(kind, 5 | 6 | 9), draft.settings),
        tracking_fields: draft.tracking_fields,
        registrants: Vec::new(),
        creation_source: if draft.creation_source.is_empty() {
            "open_api"
        } else {
            draft.creation_source
        },
    }
}

fn series(
    kind: u8,
    recurrence: Option<&super::model::Recurrence>,
    start: Option<Timestamp>,
    timezone: &str,
    duration: u32,
) -> Vec<Occurrence> {
    match (kind, recurrence, start) {
        (8 | 9, Some(rule), Some(start)) => expand(rule, start, timezone, duration),
        _ => Vec::new(),
    }
}

fn change_all(old: &Meeting, change: impl FnOnce(&mut Meeting)) -> Meeting {
    let mut new = old.clone();
    change(&mut new);
    new.number = old.number;
    new.uuid = old.uuid;
    new.host_id.clone_from(&old.host_id);
    new.start = new.start.map(whole_second);
    let reschedules = new.start != old.start
        || new.timezone != old.timezone
        || new.duration != old.duration
        || new.recurrence != old.recurrence
        || new.kind != old.kind;
    if reschedules {
        let mut next = series(
            new.kind,
            new.recurrence.as_ref(),
            new.start,
            &new.timezone,
            new.duration,
        );
        for one in &mut next {
            one.deleted = old
                .occurrences
                .iter()
                .any(|was| was.id == one.id && was.deleted);
        }
        if let Some(first) = next.first() {
            new.start = Some(first.start);
        }
        new.occurrences = next;
    }
    new
}

fn change_occurrence(
    old: &Meeting,
    id: &str,
    change: impl FnOnce(&mut Meeting),
) -> Result<Meeting, WorldError> {
    let place = old
        .occurrences
        .iter()
        .position(|one| one.id == id && !one.deleted)
        .ok_or_else(|| WorldError::UnknownOccurrence(id.to_owned()))?;
    let mut view = old.clone();
    view.start = Some(old.occurrences[place].start);
    view.duration = old.occurrences[place].duration;
    change(&mut view);
    let mut new = old.clone();
    let one = &mut new.occurrences[place];
    one.start = whole_second(view.start.unwrap_or(one.start));
    one.duration = view.duration;
    one.id = one.start.as_millisecond().to_string();
    new.agenda = view.agenda;
    new.occurrences.sort_by_key(|one| one.start);
    Ok(new)
}
