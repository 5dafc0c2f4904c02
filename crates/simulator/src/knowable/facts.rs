//! Which users, meetings, instances and artefacts can be known, and why others cannot.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{Hashes, Hashing, Means};
use crate::world::World;
use crate::world::model::{
    FileKind, Instance, InstanceHead, InstanceUuid, Meeting, RecordingFile, User, UserStatus,
};

/// Where an instance is known from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sources {
    /// A report lists it.
    pub(super) report: bool,
    /// `GET /past_meetings/{id}/instances` lists it.
    pub(super) series: bool,
    /// The recordings of its host list it.
    pub(super) recording: bool,
    /// Its events were heard.
    pub(super) events: bool,
}

/// An instance that can be known.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) instance: Arc<Instance>,
    pub(super) sources: Sources,
}

/// All that can be known.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) since: Date,
    pub(super) users: Vec<Arc<User>>,
    pub(super) hosts: Vec<Arc<User>>,
    pub(super) meetings: Vec<Arc<Meeting>>,
    pub(super) instances: Vec<Known>,
}

fn day_start(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

fn back(now: Timestamp, months: i32) -> Timestamp {
    now.to_zoned(TimeZone::UTC)
        .checked_sub(months.months())
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// First day of the window.
fn since(means: &Means) -> Date {
    means.since.unwrap_or_else(|| {
        let start = means
            .now
            .checked_sub(SignedDuration::from_hours(24 * 180))
            .unwrap_or(Timestamp::MIN);
        start.to_zoned(TimeZone::UTC).date()
    })
}

/// What can be known of users, meetings and instances.
pub(super) fn gather(world: &World, means: &Means) -> Facts {
    let since = since(means);
    let (from, now) = (day_start(since), means.now);
    let paid = means.plan.is_paid();
    let users: Vec<Arc<User>> = if means.opens("GET /users") {
        world.users()
    } else {
        Vec::new()
    };
    let hosts: Vec<Arc<User>> = users
        .iter()
        .filter(|user| user.status == UserStatus::Active)
        .cloned()
        .collect();
    let mut meetings: Vec<Arc<Meeting>> = Vec::new();
    // Who hears events has been here since then, and saw meetings whose numbers have expired meanwhile.
    let alive = match means.events.as_slice() {
        [] => now,
        _ => means.events_from.min(now),
    };
    if means.opens("GET /users/{userId}/meetings") {
        for host in hosts.iter().filter(|host| !matches!(host.kind, 4 | 99)) {
            meetings.extend(
                world
                    .meetings_alive(&host.id, alive)
                    .into_iter()
                    .filter(|meeting| !meeting.is_webinar()),
            );
        }
    }
    let mut found: BTreeMap<(Timestamp, InstanceUuid), (InstanceHead, Sources)> = BTreeMap::new();
    let mut note = |head: InstanceHead, mark: fn(&mut Sources)| {
        mark(
            &mut found
                .entry((head.start, head.uuid))
                .or_insert((head, Sources::default()))
                .1,
        );
    };
    let ended: Vec<InstanceHead> = world
        .instances_between(from, Timestamp::MAX, None)
        .into_iter()
        .filter(|head| head.end.is_some_and(|end| end <= now))
        .collect();
    let is_host = |head: &InstanceHead| {
        let host_id = &world.instance_at(head.key).host_id;
        hosts.iter().any(|host| host.id == *host_id)
    };
    let account_report = paid && means.opens("GET /report/history_meetings");
    let user_report = paid && !account_report && means.opens("GET /report/users/{userId}/meetings");
    let oldest_report = back(now, 6);
    for head in ended
        .iter()
        .filter(|head| head.people >= 2 && head.start >= oldest_report)
    {
        if account_report || (user_report && is_host(head)) {
            note(*head, |sources| sources.report = true);
        }
    }
    if paid && means.opens("GET /past_meetings/{meetingId}/instances") {
        let oldest = back(now, 15).max(from);
        let recurring = meetings
            .iter()
            .filter(|meeting| matches!(meeting.kind, 3 | 8))
            .map(|meeting| meeting.number);
        for number in recurring.chain(hosts.iter().map(|host| host.pmi)) {
            for head in world.instances_of(number) {
                if head.end.is_some_and(|end| end <= now) && head.start >= oldest {
                    note(head, |sources| sources.series = true);
                }
            }
        }
    }
    if paid && means.opens("GET /users/{userId}/recordings") {
        for head in ended.iter().filter(|head| head.recorded) {
            let instance = world.instance_at(head.key);
            if hosts.iter().any(|host| host.id == instance.host_id)
                && !files(&instance, now).is_empty()
            {
                note(*head, |sources| sources.recording = true);
            }
        }
    }
    if means.hears("meeting.ended") || means.hears("meeting.started") {
        for head in ended.iter().filter(|head| head.start >= means.events_from) {
            note(*head, |sources| sources.events = true);
        }
    }
    let instances = found
        .into_values()
        .map(|(head, sources)| Known {
            instance: world.instance_at(head.key),
            sources,
        })
        .collect();
    Facts {
        since,
        users,
        hosts,
        meetings,
        instances,
    }
}

/// Files of a kept recording that are there at `now`.
fn files(instance: &Instance, now: Timestamp) -> Vec<&RecordingFile> {
    match &instance.recording {
        Some(recording)
            if recording.trashed_at.is_none()
                && recording.deleted_at.is_none()
                && recording.completed_at <= now =>
        {
            recording
                .files
                .iter()
                .filter(|file| {
                    file.trashed_at.is_none() && file.deleted_at.is_none() && file.ready_at <= now
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Why attendance cannot be known, if it cannot.
fn participants_reason(means: &Means, known: &Known) -> Option<&'static str> {
    let instance = &known.instance;
    if known.sources.events
        && means.hears("meeting.participant_joined")
        && means.hears("meeting.participant_left")
    {
        return None;
    }
    let path = if instance.is_webinar() {
        "GET /past_webinars/{webinarId}/participants"
    } else {
        "GET /past_meetings/{meetingId}/participants"
    };
    if !means.plan.is_paid() {
        Some("plan")
    } else if !means.opens(path) {
        Some("scope")
    } else if instance.start < back(means.now, 15) {
        Some("horizon")
    } else if instance.people() < 2 {
        Some("single_person")
    } else {
        None
    }
}

/// Why the recording cannot be known, if it cannot.
fn recording_reason(means: &Means, instance: &Instance) -> Option<&'static str> {
    if !means.plan.is_paid() {
        return Some("plan");
    }
    if !means.opens("GET /users/{userId}/recordings")
        && !means.opens("GET /meetings/{meetingId}/recordings")
    {
        return Some("scope");
    }
    let Some(recording) = &instance.recording else {
        return Some("not_recorded");
    };
    if recording.trashed_at.is_some() || recording.deleted_at.is_some() {
        return Some("deleted");
    }
    if recording.completed_at > means.now {
        return Some("late");
    }
    files(instance, means.now).is_empty().then_some("deleted")
}

/// Why the transcript cannot be known although the recording can.
fn transcript_reason(means: &Means, instance: &Instance) -> &'static str {
    let transcripts = || {
        instance
            .recording
            .iter()
            .flat_map(|recording| &recording.files)
            .filter(|file| file.kind == FileKind::Transcript)
    };
    if transcripts().any(|file| file.trashed_at.is_some() || file.deleted_at.is_some()) {
        "deleted"
    } else if transcripts().any(|file| file.ready_at > means.now) {
        "late"
    } else {
        "no_transcript"
    }
}

/// SHA-256 of a file; none when it is not wanted.
fn sha256(
    world: &World,
    hashes: &Hashes,
    means: &Means,
    instance: &Instance,
    file: &RecordingFile,
) -> Option<String> {
    let media = matches!(file.kind, FileKind::Mp4 | FileKind::M4a);
    let wanted = match means.hashing {
        Hashing::All => true,
        Hashing::Text => !media,
        Hashing::None => false,
    };
    wanted.then(|| {
        hashes.of(&format!("{} {}", instance.uuid, file.index), || {
            world.content(instance, file).sha256().unwrap_or_default()
        })
    })
}

/// An instance as `/_sim/knowable` tells it.
pub(super) fn write(world: &World, hashes: &Hashes, means: &Means, known: &Known) -> Value {
    let instance = &known.instance;
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let host = world.user(&instance.host_id);
    let mut out = json!({
        "uuid": instance.uuid.to_string(),
        "meeting_id": instance.number,
        "topic": instance.topic,
        "type": instance.kind,
        "host_email": host.map(|host| host.email.clone()),
        "start_time": time(instance.start),
        "end_time": instance.end.map(time),
        "participants": null,
        "recording": null,
        "transcript": null,
        "chat": null,
    });
    match participants_reason(means, known) {
        Some(reason) => out["participants_reason"] = json!(reason),
        None => {
            out["participants"] = instance
                .participants
                .iter()
                .map(|row| {
                    json!({
                        "name": row.name,
                        "user_email": if row.email_visible { row.email.as_deref().unwrap_or("") } else { "" },
                        "join_time": time(row.join),
                        "leave_time": row.leave.map(time),
                        "status": row.presence.name(),
                    })
                })
                .collect();
        }
    }
    if let Some(reason) = recording_reason(means, instance) {
        out["recording_reason"] = json!(reason);
        out["transcript_reason"] = json!(reason);
        return out;
    }
    let files = files(instance, means.now);
    let rows: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({
                // Zoom shows no id for captions and timelines.
                "id": (!matches!(file.kind, FileKind::Cc | FileKind::Timeline)).then_some(&file.id),
                "file_type": file.kind.file_type(),
                "sha256": sha256(world, hashes, means, instance, file),
                "size": file.size,
            })
        })
        .collect();
    out["recording"] = json!({ "files": rows });
    let of_kind = |kind: FileKind| files.iter().filter(move |file| file.kind == kind);
    let parts: Vec<Value> = of_kind(FileKind::Transcript)
        .map(|file| json!({ "cues": world.items(file).unwrap_or(0), "sha256": sha256(world, hashes, means, instance, file) }))
        .collect();
    let cues: u64 = parts.iter().filter_map(|part| part["cues"].as_u64()).sum();
    match parts.first() {
        // Recordings with several parts have several transcripts; `sha256` is the first one's.
        Some(first) => {
            out["transcript"] = json!({ "cues": cues, "sha256": first["sha256"], "parts": parts });
        }
        None => out["transcript_reason"] = json!(transcript_reason(means, instance)),
    }
    if of_kind(FileKind::Chat).next().is_some() {
        let messages: usize = of_kind(FileKind::Chat)
            .filter_map(|file| world.items(file))
            .sum();
        out["chat"] = json!({ "messages": messages });
    }
    out
}

/// Whole resources that these means do not reach.
pub(super) fn unavailable(means: &Means) -> Value {
    const RESOURCES: [(&str, &str, bool); 7] = [
        ("users", "GET /users", false),
        ("meetings", "GET /users/{userId}/meetings", false),
        ("reports", "GET /report/history_meetings", true),
        (
            "instances",
            "GET /past_meetings/{meetingId}/instances",
            true,
        ),
        (
            "participants",
            "GET /past_meetings/{meetingId}/participants",
            true,
        ),
        ("recordings", "GET /users/{userId}/recordings", true),
        ("registrants", "GET /meetings/{meetingId}/registrants", true),
    ];
    let mut out = Vec::new();
    for (what, key, needs_paid) in RESOURCES {
        let reason = if needs_paid && !means.plan.is_paid() {
            "plan"
        } else if !means.opens(key) {
            "scope"
        } else {
            continue;
        };
        out.push(json!({ "what": what, "reason": reason }));
        if what == "recordings" {
            out.push(json!({ "what": "transcripts", "reason": reason }));
            out.push(json!({ "what": "chat", "reason": reason }));
        }
    }
    json!(out)
}
