//! Instances: each run of a meeting, known by its UUID.

use jiff::Timestamp;
use parfocal_store::{Instance, InstanceId, InstanceState, Meeting, MeetingKind, NewInstance, Tx};
use serde_json::{Map, Value, json};

use super::{Facts, Origin};
use crate::error::Result;

/// What a source says about how far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing: it only names the run.
    Unsaid,
    /// It has begun.
    Started,
    /// It is over.
    Ended,
}

/// An instance after a statement was taken in.
#[derive(Debug)]
pub struct Applied {
    /// Its id.
    pub id: InstanceId,
    /// Its UUID.
    pub uuid: String,
    /// Its meeting number.
    pub number: Option<String>,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// How far it is now.
    pub state: InstanceState,
    /// When it ended, if that is known.
    pub end: Option<Timestamp>,
    /// Whether an end was known before, and it was another one.
    pub end_moved: bool,
    /// Whether it was not known before.
    pub is_new: bool,
    /// Whether it went from not ended to ended with this statement.
    pub just_ended: bool,
    /// Whether it went from unknown or planned to begun with this statement.
    pub just_started: bool,
    /// Everything known of it.
    pub facts: Facts,
}

/// Takes in what is said of an instance; none when the statement names no UUID.
pub async fn apply(
    tx: &mut Tx,
    origin: &Origin,
    said: &Value,
    stage: Stage,
) -> Result<Option<Applied>> {
    let Some(mut said) = neutral(said) else {
        return Ok(None);
    };
    let Some(Value::String(uuid)) = said.remove("uuid") else {
        return Ok(None);
    };
    let uuid = uuid.trim().to_owned();
    if uuid.is_empty() || uuid.len() > 128 {
        return Ok(None);
    }
    match stage {
        Stage::Unsaid => {}
        Stage::Started => {
            said.insert("stage".into(), json!(1));
            // The length in these events is the planned one, and an end in them is not the run's.
            said.remove("end_time");
        }
        Stage::Ended => {
            said.insert("stage".into(), json!(2));
        }
    }
    // The series before its run: who takes them the other way round waits for others in a circle.
    let named = match said.get("id").and_then(Value::as_str) {
        Some(number) => {
            let series = tx.meeting_by_external(origin.account, number).await?;
            Some((number.to_owned(), series))
        }
        None => None,
    };
    let known = tx.instance_by_external(origin.account, &uuid).await?;
    let mut facts = Facts::parse(known.as_ref().map(|instance| instance.raw.as_str()));
    let stage = said.remove("stage");
    facts.absorb(&Value::Object(said), origin.stamp);
    if let Some(stage) = stage {
        // How far a run is only ever moves forward, whatever was said when.
        let further = stage.as_i64() > facts.integer("stage");
        if further {
            facts.put("stage", stage, super::Stamp::new(0, super::Rank::Derived));
        }
    }
    let number = facts.text("id");
    let series = match (&number, named) {
        (Some(number), Some((named, series))) if *number == named => series,
        (Some(number), _) => tx.meeting_by_external(origin.account, number).await?,
        (None, _) => None,
    };
    write(tx, origin, &uuid, known, facts, series)
        .await
        .map(Some)
}

async fn write(
    tx: &mut Tx,
    origin: &Origin,
    uuid: &str,
    known: Option<Instance>,
    facts: Facts,
    series: Option<Meeting>,
) -> Result<Applied> {
    let number = facts.text("id");
    let new = NewInstance {
        meeting_id: series.as_ref().map(|meeting| meeting.id),
        ..read(uuid, &facts, series.as_ref().map(|meeting| meeting.kind))
    };
    let state = new.state.unwrap_or(InstanceState::Scheduled);
    let before = known.as_ref().map(|instance| instance.state);
    let done = tx
        .upsert_instance(origin.account, &new, &origin.seen(&facts))
        .await?;
    if let Some(connection) = origin.connection {
        tx.touch_instance_source(done.id, connection, origin.now)
            .await?;
    }
    Ok(Applied {
        id: done.id,
        uuid: uuid.to_owned(),
        number,
        kind: new.kind.unwrap_or(MeetingKind::Meeting),
        state,
        end: new.end,
        end_moved: known
            .as_ref()
            .is_some_and(|known| known.end.is_some() && known.end != new.end),
        is_new: known.is_none(),
        just_ended: state == InstanceState::Ended && before != Some(InstanceState::Ended),
        just_started: state == InstanceState::Started
            && !matches!(before, Some(InstanceState::Started | InstanceState::Ended)),
        facts,
    })
}

fn read(uuid: &str, facts: &Facts, series: Option<MeetingKind>) -> NewInstance {
    let provider_type = facts.integer("type");
    let kind = match facts.text("kind").as_deref() {
        Some("webinar") => Some(MeetingKind::Webinar),
        Some("meeting") => Some(MeetingKind::Meeting),
        _ => super::meetings::kind_of_type(provider_type).or(series),
    };
    let state = match facts.integer("stage") {
        Some(2) => InstanceState::Ended,
        Some(1) => InstanceState::Started,
        _ => InstanceState::Scheduled,
    };
    NewInstance {
        external_id: uuid.to_owned(),
        meeting_id: None,
        number: facts.text("id"),
        kind,
        provider_type,
        topic: facts.text("topic"),
        host_user_id: facts.text("host_id"),
        host_email: facts.text("host_email").map(|email| email.to_lowercase()),
        state: Some(state),
        start: facts.instant("start_time"),
        end: facts.instant("end_time"),
        tz: facts.text("timezone"),
        participants_count: facts.integer("participants_count"),
        raw: Some(facts.to_raw()),
    }
}

/// Brings the names of events, reports, lists and details together.
fn neutral(said: &Value) -> Option<Map<String, Value>> {
    let mut said = said.as_object()?.clone();
    for (to, from) in [
        ("uuid", "meeting_uuid"),
        ("id", "meeting_id"),
        ("host_email", "user_email"),
        ("host_name", "user_name"),
        ("host_name", "host_display_name"),
        ("participants_count", "participants"),
    ] {
        if let Some(value) = said.remove(from)
            && !said.contains_key(to)
        {
            said.insert(to.to_owned(), value);
        }
    }
    // Reports say "Meeting" or "Webinar" where everything else has a number.
    if let Some(Value::String(kind)) = said.get("type") {
        let kind = kind.to_lowercase();
        said.remove("type");
        said.insert("kind".into(), kind.into());
    }
    if let Some(Value::Number(number)) = said.get("id") {
        let number = number.to_string();
        said.insert("id".into(), number.into());
    }
    for name in [
        "participant",
        "settings",
        "occurrences",
        "recording_files",
        "participant_audio_files",
        "registrant",
    ] {
        said.remove(name);
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_alike() {
        let event =
            neutral(&json!({"id": "84410027731", "uuid": "a==", "host_email": "x@y", "type": 2}))
                .unwrap();
        let report = neutral(
            &json!({"meeting_id": 84_410_027_731_u64, "meeting_uuid": "a==", "host_email": "x@y",
            "type": "Meeting", "participants": 3}),
        )
        .unwrap();
        let past = neutral(
            &json!({"id": 84_410_027_731_u64, "uuid": "a==", "user_email": "x@y", "type": 2}),
        )
        .unwrap();
        for said in [&event, &report, &past] {
            assert_eq!(
                (said["uuid"].as_str(), said["id"].as_str()),
                (Some("a=="), Some("84410027731"))
            );
            assert_eq!(said["host_email"], "x@y");
        }
        assert_eq!(report["kind"], "meeting");
        assert_eq!(report["participants_count"], 3);
    }
}
