//! Cloud recordings: one meeting's, a user's, the trash.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::body::{date, time};
use super::paging::Page;
use super::request::Req;
use super::windows::{Window, day};
use crate::config::Plan;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::{Instance, Recording, RecordingFile};
use crate::world::{Removal, WorldError};

fn put(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    map.insert(name.to_owned(), value.into());
}

fn none() -> Refusal {
    Refusal::new(404, 3301, "There is no recording for this meeting.")
}

/// Files that can be seen at `now`: ready, not trashed; nothing before the recording is complete.
pub(crate) fn visible(recording: &Recording, now: Timestamp) -> Vec<&RecordingFile> {
    if !recording.is_kept() || recording.completed_at > now {
        return Vec::new();
    }
    recording.ready(now).collect()
}

/// Files in the trash (30 days, then gone).
fn trashed(recording: &Recording, now: Timestamp) -> Vec<&RecordingFile> {
    recording
        .files
        .iter()
        .filter(|file| file.deleted_at.is_none())
        .filter(|file| {
            file.trashed_at
                .or(recording.trashed_at)
                .is_some_and(|at| at <= now && now < at + SignedDuration::from_hours(24 * 30))
        })
        .collect()
}

fn file_row(
    r: &Req<'_>,
    instance: &Instance,
    recording: &Recording,
    file: &RecordingFile,
    trash: bool,
) -> Value {
    let mut row = Map::new();
    let bare = file.kind.is_bare_row();
    if !bare {
        put(&mut row, "id", file.id.clone());
    }
    put(&mut row, "meeting_id", instance.uuid.to_string());
    put(&mut row, "recording_start", time(file.start));
    put(&mut row, "recording_end", time(file.end));
    put(&mut row, "file_type", file.kind.file_type());
    put(&mut row, "file_extension", file.kind.extension());
    put(&mut row, "download_url", r.urls.download(instance, file));
    if !bare {
        put(&mut row, "file_size", file.size);
        put(&mut row, "play_url", r.urls.play(instance, recording, file));
        put(&mut row, "status", "completed");
        put(&mut row, "recording_type", file.kind.recording_type());
    }
    if trash && let Some(at) = file.trashed_at.or(recording.trashed_at) {
        put(&mut row, "deleted_time", time(at));
    }
    Value::Object(row)
}

fn recording_row(
    r: &Req<'_>,
    instance: &Instance,
    recording: &Recording,
    files: &[&RecordingFile],
    trash: bool,
) -> Value {
    let mut row = Map::new();
    put(&mut row, "uuid", instance.uuid.to_string());
    put(&mut row, "id", instance.number);
    put(&mut row, "account_id", r.world().account().id);
    put(&mut row, "host_id", instance.host_id.clone());
    put(&mut row, "topic", instance.topic.clone());
    // A string here, an integer in webhooks.
    put(&mut row, "type", instance.kind.to_string());
    put(&mut row, "start_time", time(instance.start));
    put(&mut row, "timezone", instance.timezone.clone());
    put(&mut row, "duration", instance.minutes());
    put(
        &mut row,
        "total_size",
        files.iter().map(|file| file.size).sum::<u64>(),
    );
    put(&mut row, "recording_count", files.len());
    put(&mut row, "share_url", r.urls.share(recording));
    put(
        &mut row,
        "recording_play_passcode",
        recording.play_passcode.clone(),
    );
    put(&mut row, "auto_delete", recording.auto_delete_at.is_some());
    if let Some(day) = recording.auto_delete_at {
        put(&mut row, "auto_delete_date", date(day));
    }
    let files: Vec<Value> = files
        .iter()
        .map(|file| file_row(r, instance, recording, file, trash))
        .collect();
    put(&mut row, "recording_files", files);
    Value::Object(row)
}

/// The ended instance of path value 0, if the caller may see it.
fn instance(r: &Req<'_>) -> Result<Arc<Instance>, Refusal> {
    let instance = r.ended_instance().ok_or_else(none)?;
    r.may_see(&instance.host_id)?;
    Ok(instance)
}

/// `GET /meetings/{meetingId}/recordings`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let instance = instance(r)?;
    let recording = instance
        .recording
        .as_ref()
        .filter(|_| r.ctx.shared.config.plan.is_paid())
        .ok_or_else(none)?;
    let files = visible(recording, r.now());
    if files.is_empty() {
        return Err(none());
    }
    let mut out = recording_row(r, &instance, recording, &files, false);
    out["password"] = json!(recording.passcode);
    out["participant_audio_files"] = json!([]);
    if r.param("include_fields").is_some_and(|list| {
        list.split(',')
            .any(|one| one.trim() == "download_access_token")
    }) {
        let ttl = match r.param("ttl") {
            None => 86_400,
            Some(text) => text
                .parse::<i64>()
                .ok()
                .filter(|ttl| (0..=604_800).contains(ttl))
                .ok_or_else(|| Refusal::field("ttl", "Invalid field."))?,
        };
        let ttl = if ttl == 0 { 86_400 } else { ttl };
        out["download_access_token"] = json!(
            r.world()
                .download_token(&instance.uuid, SignedDuration::from_secs(ttl))
        );
    }
    Ok(Reply::ok(&out))
}

/// `GET /users/{userId}/recordings`.
pub(super) fn list(r: &Req<'_>) -> Answer {
    let user = r.user_saying("User {} does not exist, or does not belong to this account.")?;
    listing(r, Some(&user.id))
}

/// `GET /accounts/{accountId}/recordings`.
pub(super) fn list_account(r: &Req<'_>) -> Answer {
    let given = r.value(0);
    if given != "me" && given != r.world().account().id && given != r.ctx.shared.config.account_id {
        return Err(Refusal::new(
            400,
            2001,
            format!("Account does not exist: {given}."),
        ));
    }
    listing(r, None)
}

fn listing(r: &Req<'_>, host: Option<&str>) -> Answer {
    let now = r.now();
    let today = day(now);
    let default = Window {
        from: today,
        to: today.tomorrow().unwrap_or(today),
    };
    let trash = r.ctx.call.flag("trash");
    let trash_type = r.word(
        "trash_type",
        &["meeting_recordings", "recording_file"],
        "meeting_recordings",
    )?;
    let window = Window::read(r, Some(default))?;
    if !trash {
        window.at_most_a_month()?;
    }
    let page = Page::read(r, 300)?;
    let number = match r.param("meeting_id") {
        None => None,
        Some(text) => Some(
            text.parse::<u64>()
                .map_err(|_| Refusal::field("meeting_id", "Invalid field."))?,
        ),
    };
    // With trash=true the dates are not used.
    let (from, to) = if trash {
        (Timestamp::MIN, Timestamp::MAX)
    } else {
        window.instants()
    };
    let mut found: Vec<(Arc<Instance>, bool)> = Vec::new();
    for head in r.world().instances_between(from, to, host) {
        if !head.recorded
            || head.end.is_none_or(|end| end > now)
            || number.is_some_and(|number| number != head.number)
        {
            continue;
        }
        let instance = r.world().instance_at(head.key);
        let shown = instance.recording.as_ref().is_some_and(|recording| {
            if !trash {
                return !visible(recording, now).is_empty();
            }
            let whole = recording.trashed_at.is_some();
            whole == (trash_type == "meeting_recordings") && !trashed(recording, now).is_empty()
        });
        if shown {
            found.push((instance, trash));
        }
    }
    let rows = page
        .cut(&found)
        .iter()
        .filter_map(|(instance, trash)| {
            let recording = instance.recording.as_ref()?;
            let files = if *trash {
                trashed(recording, now)
            } else {
                visible(recording, now)
            };
            Some(recording_row(r, instance, recording, &files, *trash))
        })
        .collect();
    let mut out = page.frame("meetings", rows, found.len());
    out["from"] = json!(window.from.to_string());
    out["to"] = json!(window.to.to_string());
    Ok(Reply::ok(&out))
}

fn removal(r: &Req<'_>) -> Result<Removal, Refusal> {
    Ok(match r.word("action", &["trash", "delete"], "trash")? {
        "delete" => Removal::Delete,
        _ => Removal::Trash,
    })
}

/// `DELETE /meetings/{meetingId}/recordings`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    let how = removal(r)?;
    let instance = instance(r)?;
    r.world()
        .remove_recording(&instance.uuid, None, how, &r.operator())
        .map_err(|_| none())?;
    Ok(Reply::no_content())
}

/// `DELETE /meetings/{meetingId}/recordings/{recordingId}`.
pub(super) fn delete_file(r: &Req<'_>) -> Answer {
    let how = removal(r)?;
    if let Some(super::request::Which::Uuid(uuid)) = r.which()
        && r.world()
            .instance(&uuid)
            .is_some_and(|instance| instance.end.is_none())
    {
        return Err(Refusal::new(
            400,
            3303,
            "You can not delete an uncompleted meeting.",
        ));
    }
    let instance = instance(r)?;
    r.world()
        .remove_recording(&instance.uuid, Some(r.value(1)), how, &r.operator())
        .map_err(|_| none())?;
    Ok(Reply::no_content())
}

fn recovering(r: &Req<'_>) -> Result<(), Refusal> {
    match r.object()?.get("action").and_then(Value::as_str) {
        Some("recover") => Ok(()),
        _ => Err(Refusal::field("action", "Invalid field.")),
    }
}

fn recovered(done: Result<(), WorldError>) -> Result<(), Refusal> {
    done.map_err(|_| none())
}

/// `PUT /meetings/{meetingUUID}/recordings/status`.
pub(super) fn recover(r: &Req<'_>) -> Answer {
    recovering(r)?;
    let instance = instance(r)?;
    recovered(
        r.world()
            .recover_recording(&instance.uuid, None, &r.operator()),
    )?;
    Ok(Reply::empty(axum::http::StatusCode::OK))
}

/// `PUT /meetings/{meetingId}/recordings/{recordingId}/status`.
pub(super) fn recover_file(r: &Req<'_>) -> Answer {
    recovering(r)?;
    let instance = instance(r)?;
    recovered(
        r.world()
            .recover_recording(&instance.uuid, Some(r.value(1)), &r.operator()),
    )?;
    Ok(Reply::no_content())
}

/// `GET /meetings/{meetingId}/recordings/settings`.
pub(super) fn settings(r: &Req<'_>) -> Answer {
    let instance = instance(r)?;
    let recording = instance
        .recording
        .as_ref()
        .filter(|recording| recording.is_kept() && r.ctx.shared.config.plan >= Plan::Pro)
        .ok_or_else(none)?;
    let mut out = json!({
        "share_recording": "publicly",
        "viewer_download": true,
        "password": recording.passcode,
        "on_demand": false,
        "approval_type": 2,
        "send_email_to_host": false,
        "show_social_share_buttons": false,
        "recording_authentication": false,
        "topic": instance.topic,
        "auto_delete": recording.auto_delete_at.is_some(),
    });
    if let Some(day) = recording.auto_delete_at {
        out["auto_delete_date"] = json!(date(day));
    }
    Ok(Reply::ok(&out))
}
