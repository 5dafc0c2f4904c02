//! One event becomes rows and jobs.
//!
//! Nothing outside is called here. Events of unknown names are kept and counted; nothing of them is lost, since the
//! inbox keeps the body.

use parfocal_store::{EventId, InstanceState, MeetingKind, Tx};
use serde_json::{Value, json};

use super::meetings::Occurrences;
use super::recordings::Presence;
use super::{
    Origin, artefacts, attendance, instances, meetings, presence, recordings, registrants,
    summaries, tell, users,
};
use crate::config::Config;
use crate::error::Result;
use crate::jobs::{InstanceRefresh, JobKind, MeetingRefresh, ParticipantsFetch, RecordingRefresh};
use crate::schedule::follow;
use crate::told::{Recording, Registration, Run, Series, Told};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routed {
    /// It changed something, or would have if it had not been known.
    Done,
    /// It tells nothing that is kept in rows.
    Ignored(&'static str),
    /// It lacks what its name promises.
    Unusable(&'static str),
}

/// Reads one event and writes what it says.
pub async fn route(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    event: &str,
    payload: &Value,
    id: Option<EventId>,
) -> Result<Routed> {
    let null = Value::Null;
    let object = payload.get("object").unwrap_or(&null);
    let Some((family, what)) = event.split_once('.') else {
        return Ok(Routed::Ignored("no event of this name is used"));
    };
    match family {
        "meeting" | "webinar" => {
            let kind = if family == "webinar" {
                MeetingKind::Webinar
            } else {
                MeetingKind::Meeting
            };
            meeting(tx, origin, event, what, kind, payload, object).await
        }
        "recording" => recording(tx, origin, config, what, object, id).await,
        "user" => user(tx, origin, what, object).await,
        _ => Ok(Routed::Ignored("no event of this name is used")),
    }
}

async fn meeting(
    tx: &mut Tx,
    origin: &Origin,
    event: &str,
    what: &str,
    kind: MeetingKind,
    payload: &Value,
    object: &Value,
) -> Result<Routed> {
    let number = meeting_number(object);
    if let Some((room, end)) = presence::of_event(event) {
        return participant(tx, origin, kind, object, room, end).await;
    }
    match what {
        "created" | "updated" | "recovered" | "deleted" | "permanently_deleted" => {
            let Some(number) = number else {
                return Ok(Routed::Unusable("the event names no meeting"));
            };
            series(tx, origin, what, kind, &number, payload, object).await
        }
        "started" | "ended" => run(tx, origin, what, kind, object).await,
        "ai_companion_assets_deleted" => summaries::assets_deleted(tx, origin, object).await,
        _ if what.starts_with("summary_") => summaries::heard(tx, origin, what, object).await,
        _ if what.starts_with("registration_") => {
            let Some(number) = number else {
                return Ok(Routed::Unusable("the event names no meeting"));
            };
            registration(tx, origin, what, kind, &number, object).await
        }
        _ => Ok(Routed::Ignored("no event of this name is used")),
    }
}

async fn series(
    tx: &mut Tx,
    origin: &Origin,
    what: &str,
    kind: MeetingKind,
    number: &str,
    payload: &Value,
    object: &Value,
) -> Result<Routed> {
    let scope = payload
        .get("operation")
        .or_else(|| payload.get("scope"))
        .and_then(Value::as_str);
    let single = matches!(scope, Some("single" | "range"));
    let applied = match (what, single) {
        ("created", _) => {
            meetings::apply(tx, origin, number, Some(kind), object, Occurrences::All).await?
        }
        ("updated", true) => {
            // What changed for one occurrence is not true of the series.
            let said = json!({"occurrences": object.get("occurrences")});
            meetings::apply(tx, origin, number, Some(kind), &said, Occurrences::Some).await?
        }
        ("updated", false) => {
            let applied =
                meetings::apply(tx, origin, number, Some(kind), object, Occurrences::Some).await?;
            refresh_series(tx, origin, number, object).await?;
            applied
        }
        ("deleted" | "permanently_deleted", true) => {
            let said = json!({"occurrences": object.get("occurrences")});
            meetings::apply(tx, origin, number, Some(kind), &said, Occurrences::Deleted).await?
        }
        ("deleted" | "permanently_deleted", false) => {
            meetings::apply_deleted(tx, origin, number, Some(kind), object, true).await?
        }
        _ => meetings::apply_deleted(tx, origin, number, Some(kind), object, false).await?,
    };
    if applied.changed {
        let series = Series {
            number: number.to_owned(),
            topic: applied.facts.text("topic"),
        };
        let told = match what {
            "created" => Told::MeetingCreated(series),
            "updated" => Told::MeetingUpdated(series),
            "deleted" => Told::MeetingDeleted(series),
            "permanently_deleted" => Told::MeetingGone(series),
            _ => Told::MeetingRecovered(series),
        };
        tell(tx, origin, applied.id, told).await?;
        if what != "created" {
            follow::told(tx, "zoom", number, follow::Look::Meeting, origin.now).await?;
        }
    }
    Ok(Routed::Done)
}

/// A change of the rule moves all occurrences, which the event does not list: ask for them.
async fn refresh_series(tx: &mut Tx, origin: &Origin, number: &str, object: &Value) -> Result<()> {
    let moved = ["recurrence", "start_time", "duration", "timezone", "type"]
        .iter()
        .any(|name| object.get(*name).is_some());
    if moved && object.get("occurrences").is_none() {
        let payload = MeetingRefresh {
            account: origin.account,
            number: number.to_owned(),
            backfill: None,
            also: None,
        };
        origin
            .follow(Some(number))
            .enqueue(
                tx,
                JobKind::MeetingRefresh,
                payload.key(),
                &payload,
                origin.now,
            )
            .await?;
    }
    Ok(())
}

async fn run(
    tx: &mut Tx,
    origin: &Origin,
    what: &str,
    kind: MeetingKind,
    object: &Value,
) -> Result<Routed> {
    let (stage, said) = if what == "ended" {
        (instances::Stage::Ended, planned_length(object))
    } else {
        (instances::Stage::Started, planned_length(object))
    };
    let Some(applied) = instances::apply(tx, origin, &with_kind(said, kind), stage).await? else {
        return Ok(Routed::Unusable("the event names no instance"));
    };
    if applied.just_started {
        let told = Told::MeetingStarted(run_of(&applied));
        tell(tx, origin, applied.id, told).await?;
    }
    if applied.just_ended {
        tell_ended(tx, origin, &applied).await?;
    }
    attendance::close(tx, origin, &applied).await?;
    if applied.state == InstanceState::Ended && what == "ended" {
        after_end(tx, origin, &applied).await?;
    }
    Ok(Routed::Done)
}

async fn tell_ended(tx: &mut Tx, origin: &Origin, applied: &instances::Applied) -> Result<()> {
    let told = Told::MeetingEnded(run_of(applied));
    tell(tx, origin, applied.id, told).await
}

fn run_of(applied: &instances::Applied) -> Run {
    Run {
        uuid: applied.uuid.clone(),
        number: applied.number.clone(),
    }
}

/// What follows from a statement that can only be made of a run that is over, when it comes before the event that says so,
/// which may never come.
pub(super) async fn notice_end(
    tx: &mut Tx,
    origin: &Origin,
    applied: &instances::Applied,
) -> Result<()> {
    if applied.just_ended {
        tell_ended(tx, origin, applied).await?;
        attendance::close(tx, origin, applied).await?;
        after_end(tx, origin, applied).await?;
    }
    Ok(())
}

/// What is to be had once a run is over, and the jobs that get it.
async fn after_end(tx: &mut Tx, origin: &Origin, applied: &instances::Applied) -> Result<()> {
    use parfocal_store::ArtefactKind as Kind;
    let ended = applied.end.unwrap_or(origin.now);
    let by = ended.checked_add(artefacts::PROCESSING).ok();
    for kind in [
        Kind::Details,
        Kind::Participants,
        Kind::Recording,
        Kind::Transcript,
        Kind::Chat,
    ] {
        artefacts::suppose(tx, applied.id, kind, by, origin.now).await?;
    }
    let number = applied.number.as_deref();
    let details = InstanceRefresh {
        account: origin.account,
        uuid: applied.uuid.clone(),
        not_before: ended,
        backfill: None,
    };
    origin
        .follow(number)
        .enqueue(
            tx,
            JobKind::InstanceRefresh,
            details.key(),
            &details,
            origin.now,
        )
        .await?;
    let people = ParticipantsFetch {
        account: origin.account,
        uuid: applied.uuid.clone(),
        webinar: applied.kind == MeetingKind::Webinar,
        not_before: ended,
        backfill: None,
    };
    origin
        .follow(number)
        .enqueue(
            tx,
            JobKind::ParticipantsFetch,
            people.key(),
            &people,
            origin.now,
        )
        .await?;
    // In case nobody tells that there is a recording, look for one now and then.
    let mut later = origin.follow(number);
    later.run_at = ended
        .saturating_add(RecordingRefresh::FIRST_LOOK)
        .unwrap_or(origin.now)
        .max(origin.now);
    let payload = RecordingRefresh::new(origin.account, &applied.uuid, ended, by);
    later
        .enqueue(
            tx,
            JobKind::RecordingRefresh,
            payload.key(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(())
}

async fn participant(
    tx: &mut Tx,
    origin: &Origin,
    kind: MeetingKind,
    object: &Value,
    room: presence::Room,
    end: presence::End,
) -> Result<Routed> {
    let hinted = with_kind(planned_length(object), kind);
    let Some(instance) = instances::apply(tx, origin, &hinted, instances::Stage::Started).await?
    else {
        return Ok(Routed::Unusable("the event names no instance"));
    };
    let breakout = object.get("breakout_room_uuid").and_then(Value::as_str);
    let said = object.get("participant").unwrap_or(&Value::Null);
    let Some(stay) = presence::Stay::from_event(room, end, said, breakout) else {
        return Ok(Routed::Unusable("the event names no participant"));
    };
    attendance::apply(tx, origin, &instance, &[stay]).await?;
    Ok(Routed::Done)
}

async fn registration(
    tx: &mut Tx,
    origin: &Origin,
    what: &str,
    kind: MeetingKind,
    number: &str,
    object: &Value,
) -> Result<Routed> {
    let status = match what {
        "registration_approved" => Some("approved"),
        "registration_cancelled" => Some("cancelled"),
        "registration_denied" => Some("denied"),
        _ => None,
    };
    let Some(registrant) = object.get("registrant") else {
        return Ok(Routed::Unusable("the event names no registrant"));
    };
    let mut hint = object.as_object().cloned().unwrap_or_default();
    hint.remove("registrant");
    hint.remove("occurrences");
    let meeting = meetings::ensure(tx, origin, number, Some(kind), &Value::Object(hint)).await?;
    match registrants::apply(tx, origin, meeting, registrant, status).await? {
        Some(id) => {
            if let Some(told) = registered(kind, what, number) {
                tell(tx, origin, id, told).await?;
            }
            follow::told(tx, "zoom", number, follow::Look::Registrants, origin.now).await?;
            Ok(Routed::Done)
        }
        None => Ok(Routed::Unusable("the event names no registrant")),
    }
}

fn registered(kind: MeetingKind, what: &str, number: &str) -> Option<Told> {
    let of = Registration {
        number: number.to_owned(),
    };
    let webinar = kind == MeetingKind::Webinar;
    Some(match (what, webinar) {
        ("registration_created", false) => Told::MeetingRegistrationCreated(of),
        ("registration_created", true) => Told::WebinarRegistrationCreated(of),
        ("registration_approved", false) => Told::MeetingRegistrationApproved(of),
        ("registration_approved", true) => Told::WebinarRegistrationApproved(of),
        ("registration_denied", false) => Told::MeetingRegistrationDenied(of),
        ("registration_denied", true) => Told::WebinarRegistrationDenied(of),
        ("registration_cancelled", false) => Told::MeetingRegistrationCancelled(of),
        ("registration_cancelled", true) => Told::WebinarRegistrationCancelled(of),
        _ => return None,
    })
}

async fn recording(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    what: &str,
    object: &Value,
    event: Option<EventId>,
) -> Result<Routed> {
    let presence = match what {
        "completed" | "transcript_completed" => Presence::There,
        "trashed" | "deleted" => Presence::Gone,
        "recovered" => Presence::Back,
        "batch_trashed" | "batch_deleted" | "batch_recovered" => {
            return batch(tx, origin, config, what, object).await;
        }
        _ => return Ok(Routed::Ignored("no event of this name is used")),
    };
    let Some(applied) = recordings::apply(tx, origin, config, object, presence, event).await?
    else {
        return Ok(Routed::Unusable("the event names no instance"));
    };
    if applied.instance.just_ended {
        // What follows from an end waits for the event that says when it was.
        tell_ended(tx, origin, &applied.instance).await?;
        attendance::close(tx, origin, &applied.instance).await?;
    }
    let of = Recording {
        uuid: applied.instance.uuid.clone(),
        new_files: u64::try_from(applied.new_files).unwrap_or(u64::MAX),
    };
    let told = match (what, presence) {
        ("transcript_completed", _) => None,
        (_, Presence::There) if applied.new_files > 0 => Some(Told::RecordingReady(of)),
        (_, Presence::There) => None,
        (_, Presence::Gone) => Some(Told::RecordingDeleted(of)),
        (_, Presence::Back) => Some(Told::RecordingRecovered(of)),
    };
    if presence != Presence::Gone {
        recordings::watch(tx, origin, &applied).await?;
    }
    if let Some(told) = told {
        tell(tx, origin, applied.instance.id, told).await?;
    }
    Ok(Routed::Done)
}

async fn batch(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    what: &str,
    object: &Value,
) -> Result<Routed> {
    let presence = if what == "batch_recovered" {
        Presence::Back
    } else {
        Presence::Gone
    };
    let mut found = false;
    for uuid in object
        .get("meeting_uuids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(uuid) = uuid.as_str() {
            recordings::apply_batch(tx, origin, config, uuid, &[], presence).await?;
            found = true;
        }
    }
    for entry in object
        .get("meetings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(uuid) = entry.get("meeting_uuid").and_then(Value::as_str) else {
            continue;
        };
        let files: Vec<String> = entry
            .get("recording_file_ids")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect();
        recordings::apply_batch(tx, origin, config, uuid, &files, presence).await?;
        found = true;
    }
    Ok(if found {
        Routed::Done
    } else {
        Routed::Unusable("the event names no recording")
    })
}

async fn user(tx: &mut Tx, origin: &Origin, what: &str, object: &Value) -> Result<Routed> {
    let status = match what {
        "created" | "updated" | "invitation_accepted" => None,
        "activated" => Some(json!({"status": "active"})),
        "deactivated" => Some(json!({"status": "inactive"})),
        "deleted" | "disassociated" => Some(json!({"removed": true})),
        _ => return Ok(Routed::Ignored("no event of this name is used")),
    };
    let mut said = object.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(status)) = status {
        said.extend(status);
    } else {
        said.insert("removed".into(), false.into());
    }
    match users::apply(tx, origin, &Value::Object(said)).await? {
        Some(_) => Ok(Routed::Done),
        None => Ok(Routed::Unusable("the event names no user")),
    }
}

/// The number of the meeting as text, however it is written.
fn meeting_number(object: &Value) -> Option<String> {
    let digits: String = match object.get("id")? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.chars().filter(|c| !matches!(c, ' ' | '-')).collect(),
        _ => return None,
    };
    (!digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(digits)
}

/// In events of a run the length is the planned one: it is kept under a name that says so.
fn planned_length(object: &Value) -> Value {
    let mut said = object.as_object().cloned().unwrap_or_default();
    if let Some(duration) = said.remove("duration") {
        said.insert("planned_minutes".into(), duration);
    }
    if let Some(number) = meeting_number(object) {
        said.insert("id".into(), number.into());
    }
    said.remove("breakout_room_uuid");
    Value::Object(said)
}

fn with_kind(mut said: Value, kind: MeetingKind) -> Value {
    if let Value::Object(said) = &mut said {
        said.insert("kind".into(), kind.as_str().into());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let number = |id: Value| meeting_number(&json!({"id": id}));
        assert_eq!(
            number(json!(84_410_027_731_u64)).as_deref(),
            Some("84410027731")
        );
        assert_eq!(
            number(json!("844 1002-7731")).as_deref(),
            Some("84410027731")
        );
        assert_eq!(number(json!("x")), None);
        assert_eq!(number(json!("")), None);
    }
}
