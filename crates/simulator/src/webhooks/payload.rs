//! The `payload` objects of events, field for field as Zoom's event reference lists them.
//!
//! Meeting numbers are text in started, ended and participant events and numbers elsewhere; `duration` of started and ended is
//! the planned one; empty values are left in where Zoom leaves them in.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::model::{
    Instance, Meeting, Occurrence, Participant, Recording, RecordingFile, Recurrence, Registrant,
    User,
};
use crate::world::urls::Urls;

/// Zoom's time form: UTC, whole seconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `recurrence` with the fields that are set.
#[must_use]
pub fn recurrence(recurrence: &Recurrence) -> Value {
    let mut out =
        object(json!({ "type": recurrence.kind, "repeat_interval": recurrence.repeat_interval }));
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    put(
        "weekly_days",
        recurrence.weekly_days.clone().map(Value::from),
    );
    put("monthly_day", recurrence.monthly_day.map(Value::from));
    put("monthly_week", recurrence.monthly_week.map(Value::from));
    put(
        "monthly_week_day",
        recurrence.monthly_week_day.map(Value::from),
    );
    put("end_times", recurrence.end_times.map(Value::from));
    put(
        "end_date_time",
        recurrence.end_date_time.map(|end| Value::from(time(end))),
    );
    Value::Object(out)
}

/// `occurrences`, with duration and status.
#[must_use]
pub fn occurrences(all: &[Occurrence]) -> Value {
    all.iter()
        .map(|one| {
            json!({
                "occurrence_id": one.id,
                "start_time": time(one.start),
                "duration": one.duration,
                "status": if one.deleted { "deleted" } else { "available" },
            })
        })
        .collect()
}

/// Topic, type and times of a meeting as created, deleted and registration events have them.
fn meeting_core(meeting: &Meeting) -> Map<String, Value> {
    let mut out = object(json!({
        "uuid": meeting.uuid.to_string(),
        "id": meeting.number,
        "host_id": meeting.host_id,
        "topic": meeting.topic,
        "type": meeting.kind,
        "duration": meeting.duration,
        "timezone": meeting.timezone,
    }));
    if let Some(start) = meeting.start {
        out.insert("start_time".to_owned(), time(start).into());
    }
    out
}

/// `object` of `meeting.created` and `webinar.created`.
#[must_use]
pub fn meeting_created(meeting: &Meeting, host: Option<&User>, urls: &Urls) -> Value {
    let mut out = meeting_core(meeting);
    out.insert("join_url".to_owned(), urls.join(meeting).into());
    out.insert("password".to_owned(), meeting.password.clone().into());
    out.insert("creation_source".to_owned(), meeting.creation_source.into());
    let webinar = meeting.is_webinar();
    if let Some(host) = host.filter(|_| !webinar) {
        out.insert("pmi".to_owned(), host.pmi.to_string().into());
    }
    let setting = |name: &str| meeting.settings.get(name).cloned().unwrap_or(Value::Null);
    let mut settings = object(json!({
        "use_pmi": setting("use_pmi").as_bool().unwrap_or(false),
        "alternative_hosts": setting("alternative_hosts").as_str().unwrap_or(""),
    }));
    if !webinar {
        for name in ["join_before_host", "jbh_time", "meeting_invitees"] {
            if let Some(value) = meeting.settings.get(name) {
                settings.insert(name.to_owned(), value.clone());
            }
        }
    }
    out.insert("settings".to_owned(), Value::Object(settings));
    if let Some(rule) = &meeting.recurrence {
        out.insert("recurrence".to_owned(), recurrence(rule));
    }
    if !meeting.occurrences.is_empty() {
        out.insert("occurrences".to_owned(), occurrences(&meeting.occurrences));
    }
    if !meeting.tracking_fields.is_empty() {
        out.insert("tracking_fields".to_owned(), tracking_fields(meeting));
    }
    Value::Object(out)
}

fn tracking_fields(meeting: &Meeting) -> Value {
    meeting
        .tracking_fields
        .iter()
        .map(
            |field| json!({ "field": field.field, "value": field.value, "visible": field.visible }),
        )
        .collect()
}

/// The two objects of `meeting.updated`: only what changed, new and old; none when nothing did.
#[must_use]
pub fn meeting_changes(old: &Meeting, new: &Meeting) -> Option<(Value, Value)> {
    let mut after = Map::new();
    let mut before = Map::new();
    let mut put = |name: &str, was: Value, is: Value| {
        if was != is {
            before.insert(name.to_owned(), was);
            after.insert(name.to_owned(), is);
        }
    };
    put("topic", old.topic.clone().into(), new.topic.clone().into());
    put(
        "agenda",
        old.agenda.clone().into(),
        new.agenda.clone().into(),
    );
    put("type", old.kind.into(), new.kind.into());
    put(
        "start_time",
        old.start.map_or(Value::Null, |at| time(at).into()),
        new.start.map_or(Value::Null, |at| time(at).into()),
    );
    put("duration", old.duration.into(), new.duration.into());
    put(
        "timezone",
        old.timezone.clone().into(),
        new.timezone.clone().into(),
    );
    put(
        "password",
        old.password.clone().into(),
        new.password.clone().into(),
    );
    put(
        "occurrences",
        occurrences(&old.occurrences),
        occurrences(&new.occurrences),
    );
    put(
        "recurrence",
        old.recurrence.as_ref().map_or(Value::Null, recurrence),
        new.recurrence.as_ref().map_or(Value::Null, recurrence),
    );
    put(
        "tracking_fields",
        tracking_fields(old),
        tracking_fields(new),
    );
    let mut settings_after = Map::new();
    let mut settings_before = Map::new();
    for (name, is) in &new.settings {
        let was = old.settings.get(name).unwrap_or(&Value::Null);
        if was != is {
            settings_before.insert(name.clone(), was.clone());
            settings_after.insert(name.clone(), is.clone());
        }
    }
    if !settings_after.is_empty() {
        before.insert("settings".to_owned(), Value::Object(settings_before));
        after.insert("settings".to_owned(), Value::Object(settings_after));
    }
    if after.is_empty() {
        return None;
    }
    for side in [&mut after, &mut before] {
        side.insert("id".to_owned(), new.number.into());
        side.insert("uuid".to_owned(), new.uuid.to_string().into());
    }
    Some((Value::Object(after), Value::Object(before)))
}

/// `object` of `meeting.deleted`, with the occurrences that went (all gone: none listed).
#[must_use]
pub fn meeting_deleted(meeting: &Meeting, gone: &[Occurrence]) -> Value {
    let mut out = meeting_core(meeting);
    if !gone.is_empty() {
        let list: Value = gone
            .iter()
            .map(|one| json!({ "occurrence_id": one.id, "start_time": time(one.start) }))
            .collect();
        out.insert("occurrences".to_owned(), list);
    }
    Value::Object(out)
}

/// `object` of the registration events; `full` adds the answers (created) and the join address (created when approved, approved).
#[must_use]
pub fn registration(meeting: &Meeting, registrant: &Registrant, event: &str, urls: &Urls) -> Value {
    let mut out = meeting_core(meeting);
    if !out.contains_key("start_time") {
        out.insert("start_time".to_owned(), time(meeting.created_at).into());
    }
    if !registrant.occurrences.is_empty() {
        let list: Value = meeting
            .occurrences
            .iter()
            .filter(|one| registrant.occurrences.contains(&one.id))
            .map(|one| json!({ "occurrence_id": one.id, "start_time": time(one.start) }))
            .collect();
        out.insert("occurrences".to_owned(), list);
    }
    let mut person = object(json!({
        "id": registrant.id,
        "first_name": registrant.first_name,
        "last_name": registrant.last_name,
        "email": registrant.email,
    }));
    if event.ends_with("registration_created") {
        person.extend(registrant.answers.clone());
        person.insert("status".to_owned(), registrant.status.name().into());
    }
    let approved = registrant.status == crate::world::model::RegistrantStatus::Approved;
    if event.ends_with("registration_approved")
        || (event.ends_with("registration_created") && approved)
    {
        person.insert(
            "join_url".to_owned(),
            urls.registrant_join(meeting, registrant).into(),
        );
        person.insert("participant_pin_code".to_owned(), registrant.pin.into());
    }
    out.insert("registrant".to_owned(), Value::Object(person));
    Value::Object(out)
}

/// `object` of started events; `email` is the host's.
#[must_use]
pub fn instance_started(instance: &Instance, email: &str) -> Value {
    let mut out = instance_core(instance);
    out.insert("host_email".to_owned(), email.into());
    Value::Object(out)
}

/// `object` of ended events.
#[must_use]
pub fn instance_ended(instance: &Instance, email: &str) -> Value {
    let mut out = instance_core(instance);
    out.insert("host_email".to_owned(), email.into());
    out.insert(
        "end_time".to_owned(),
        time(instance.end.unwrap_or(instance.start)).into(),
    );
    Value::Object(out)
}

fn instance_core(instance: &Instance) -> Map<String, Value> {
    object(json!({
        "id": instance.number.to_string(),
        "uuid": instance.uuid.to_string(),
        "host_id": instance.host_id,
        "topic": instance.topic,
        "type": instance.kind,
        "start_time": time(instance.start),
        "timezone": instance.timezone,
        "duration": instance.scheduled_duration,
    }))
}

/// What happened to a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `participant_joined`.
    Joined,
    /// `participant_left`.
    Left,
    /// `participant_joined_waiting_room`, `_admitted`, `_left_waiting_room`.
    Waiting,
}

/// `object` of the participant events.
#[must_use]
pub fn participant(instance: &Instance, row: &Participant, step: Step, at: Timestamp) -> Value {
    let mut person = object(json!({
        "user_id": row.user_id.to_string(),
        "user_name": row.name,
        "id": row.account_user_id.as_deref().unwrap_or(""),
        "participant_uuid": row.participant_uuid,
        "participant_user_id": row.account_user_id.as_deref().unwrap_or(""),
        "email": row.visible_email(),
        "registrant_id": row.registrant_id.as_deref().unwrap_or(""),
        "phone_number": row.phone_number.as_deref().unwrap_or(""),
    }));
    match step {
        Step::Joined => {
            person.insert("join_time".to_owned(), time(at).into());
        }
        Step::Left => {
            person.insert("leave_time".to_owned(), time(at).into());
            person.insert("leave_reason".to_owned(), row.leave_reason.clone().into());
        }
        Step::Waiting => {
            person.insert("date_time".to_owned(), time(at).into());
        }
    }
    let mut out = instance_core(instance);
    out.insert("participant".to_owned(), Value::Object(person));
    Value::Object(out)
}

/// `object` of `recording.started` and `recording.stopped`.
#[must_use]
pub fn recording_moment(instance: &Instance, start: Timestamp, end: Option<Timestamp>) -> Value {
    let mut out = recording_core(instance);
    out.insert(
        "recording_file".to_owned(),
        json!({ "recording_start": time(start), "recording_end": end.map_or_else(String::new, time) }),
    );
    Value::Object(out)
}

fn recording_core(instance: &Instance) -> Map<String, Value> {
    let mut out = instance_core(instance);
    out.insert("id".to_owned(), instance.number.into());
    out.insert("duration".to_owned(), instance.minutes().into());
    out
}

/// `object` of the events that list files; `files` are the ones to list.
///
/// The two completed events carry host address and passcode; only `recording.completed` says what becomes of the files.
#[must_use]
pub fn recording_files(
    event: &str,
    account_id: &str,
    instance: &Instance,
    recording: &Recording,
    files: &[&RecordingFile],
    host_email: &str,
    urls: &Urls,
) -> Value {
    let mut out = recording_core(instance);
    let rows: Vec<Value> = files
        .iter()
        .map(|file| file_row(instance, recording, file, urls))
        .collect();
    let size: u64 = files.iter().map(|file| file.size).sum();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("account_id", account_id.into());
    put("share_url", urls.share(recording).into());
    put("total_size", size.into());
    put("recording_count", rows.len().into());
    put("recording_files", rows.into());
    if event.ends_with("completed") {
        put("host_email", host_email.into());
        put("password", recording.passcode.clone().into());
    }
    if event != "recording.transcript_completed" {
        put("participant_audio_files", Value::Array(Vec::new()));
    }
    if event == "recording.completed" {
        put(
            "recording_play_passcode",
            recording.play_passcode.clone().into(),
        );
        put("on_prem", false.into());
        put("auto_delete", recording.auto_delete_at.is_some().into());
        if let Some(day) = recording.auto_delete_at {
            let day = day.strftime("%Y-%m-%d").to_string();
            put("auto_delete_date", day.into());
        }
    }
    Value::Object(out)
}

fn file_row(
    instance: &Instance,
    recording: &Recording,
    file: &RecordingFile,
    urls: &Urls,
) -> Value {
    let mut row = object(json!({
        "meeting_id": instance.uuid.to_string(),
        "recording_start": time(file.start),
        "recording_end": time(file.end),
        "file_type": file.kind.file_type(),
        "file_extension": file.kind.extension(),
        "download_url": urls.webhook_download(instance, file),
    }));
    if !file.kind.is_bare_row() {
        row.insert("id".to_owned(), file.id.clone().into());
        row.insert("file_size".to_owned(), file.size.into());
        row.insert("file_name".to_owned(), file.kind.title().into());
        row.insert(
            "play_url".to_owned(),
            urls.play(instance, recording, file).into(),
        );
        row.insert("status".to_owned(), "completed".into());
        row.insert(
            "recording_type".to_owned(),
            file.kind.recording_type().into(),
        );
    }
    Value::Object(row)
}

/// `object` of the user events.
#[must_use]
pub fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "type": user.kind,
    })
}

/// `object` of `meeting.summary_completed`.
#[must_use]
pub fn summary(instance: &Instance, host_email: &str, urls: &Urls) -> Option<Value> {
    let summary = instance.summary.as_ref()?;
    let end = instance.end?;
    Some(json!({
        "meeting_host_id": instance.host_id,
        "meeting_host_email": host_email,
        "meeting_uuid": instance.uuid.to_string(),
        "meeting_id": instance.number,
        "meeting_topic": instance.topic,
        "meeting_start_time": time(instance.start),
        "meeting_end_time": time(end),
        "summary_start_time": time(instance.start),
        "summary_end_time": time(end),
        "summary_created_time": time(summary.created_at),
        "summary_last_modified_time": time(summary.created_at),
        "summary_title": summary.title,
        "summary_details": [],
        "next_steps": [],
        "summary_content": summary.content,
        "summary_doc_url": urls.summary_doc(instance),
    }))
}
