//! Every event we emit, held against the field lists of Zoom's event reference.
//!
//! The reference is not part of the repository: the test looks for it in `$PARFOCAL_SHARED` or beside the workspace and is
//! skipped aloud where it is missing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use parfocal_simulator::webhooks::NewSubscription;
use parfocal_simulator::world::model::{MeetingDraft, Recurrence, UserStatus};
use parfocal_simulator::world::{
    LiveRequest, RegistrantAction, RegistrantDraft, Removal, UserDraft,
};
use serde_json::{Map, Value};

use crate::world::{options, world};
use crate::world_webhooks::Endpoint;

/// What the reference's notes say against its own field lists.
const EXCEPTIONS: [&str; 2] = [
    "meeting.registration_created.payload.object.registrant.join_url is missing",
    "user.updated.payload.old_object is unknown",
];

fn reference(name: &str) -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("PARFOCAL_SHARED").map_or(beside, PathBuf::from);
    let text = std::fs::read_to_string(root.join("reference/zoom").join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Complaints about `value` under `spec`, each with its place.
fn compare(spec: &Value, value: &Value, place: &str, out: &mut Vec<String>) {
    match spec {
        Value::String(leaf) => {
            let kind = leaf.split(' ').next().unwrap_or("").trim_end_matches('!');
            let fits = match kind {
                "string" => value.is_string(),
                "integer" | "int64" | "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "array" => value.is_array(),
                _ => true,
            };
            if !fits {
                out.push(format!("{place}: {value} is no {kind}"));
            }
            if let Some(list) = leaf.split(' ').find_map(|flag| flag.strip_prefix("enum=")) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                // audio_transcript stands in the REST list only; webhooks of transcripts carry it all the same.
                if !list.split('|').any(|one| one == text) && text != "audio_transcript" {
                    out.push(format!("{place}: {text} is none of {list}"));
                }
            }
        }
        Value::Object(fields) => {
            let kind = fields["$"].as_str().unwrap_or("");
            if kind.contains("array") {
                let Some(items) = value.as_array() else {
                    out.push(format!("{place}: not an array"));
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    compare_fields(fields, item, &format!("{place}[{index}]"), out);
                }
            } else {
                compare_fields(fields, value, place, out);
            }
        }
        _ => {}
    }
}

fn compare_fields(fields: &Map<String, Value>, value: &Value, place: &str, out: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        out.push(format!("{place}: not an object"));
        return;
    };
    // Rows for captions and timelines lack most fields; Zoom's own note says so.
    let bare = matches!(
        object.get("file_type").and_then(Value::as_str),
        Some("CC" | "TIMELINE")
    );
    for (name, spec) in fields.iter().filter(|(name, _)| *name != "$") {
        let flag = spec.as_str().or_else(|| spec["$"].as_str()).unwrap_or("");
        let needed = flag.split(' ').next().unwrap_or("").ends_with('!');
        match object.get(name) {
            Some(inner) => compare(spec, inner, &format!("{place}.{name}"), out),
            None if needed && !bare => out.push(format!("{place}.{name} is missing")),
            None => {}
        }
    }
    for name in object.keys() {
        if !fields.contains_key(name) && !fields.contains_key("*") {
            out.push(format!("{place}.{name} is unknown"));
        }
    }
}

#[tokio::test]
async fn payloads_have_the_fields_of_the_reference() {
    let Some(reference) = reference("webhooks.json") else {
        eprintln!("skipped: the event reference is not here (set PARFOCAL_SHARED)");
        return;
    };
    let (world, hub, _) = world(options(4));
    let endpoint = Endpoint::default();
    let new = NewSubscription {
        url: endpoint.serve().await,
        secret_token: Some("a secret of the test".to_owned()),
        ..NewSubscription::default()
    };
    assert!(hub.subscribe(new).await.unwrap().validated);

    let host = world.users()[0].id.clone();
    let jump = LiveRequest {
        jump: true,
        ..LiveRequest::default()
    };
    let played = world.play(jump.clone()).await.unwrap();
    let guest = jump.clone();
    world
        .play(LiveRequest {
            script: Some(12),
            ..guest.clone()
        })
        .await
        .unwrap();
    world
        .play(LiveRequest {
            script: Some(17),
            ..guest
        })
        .await
        .unwrap();
    world.play_webinar(jump.clone()).await.unwrap();
    let uuid = played.uuid.parse().unwrap();
    world
        .remove_recording(&uuid, None, Removal::Trash, &host)
        .unwrap();
    world.recover_recording(&uuid, None, &host).unwrap();
    world
        .remove_recording(&uuid, None, Removal::Delete, &host)
        .unwrap();

    let mut settings = Map::new();
    settings.insert("approval_type".to_owned(), 1.into());
    let draft = MeetingDraft {
        topic: "Series".to_owned(),
        kind: 8,
        recurrence: Some(Recurrence {
            kind: 2,
            repeat_interval: 1,
            weekly_days: Some("2".to_owned()),
            end_times: Some(3),
            ..Recurrence::default()
        }),
        settings,
        ..MeetingDraft::default()
    };
    let series = world.create_meeting(&host, draft.clone(), &host).unwrap();
    let person = RegistrantDraft {
        email: "una@else.example".to_owned(),
        first_name: "Una".to_owned(),
        ..RegistrantDraft::default()
    };
    let one = world.register(series.number, person).unwrap();
    for action in [
        RegistrantAction::Approve,
        RegistrantAction::Cancel,
        RegistrantAction::Deny,
    ] {
        world
            .set_registrant_status(series.number, &one.id, action, &host)
            .unwrap();
    }
    let rename = |meeting: &mut parfocal_simulator::world::model::Meeting| {
        meeting.topic.push('!');
        meeting
            .settings
            .insert("waiting_room".to_owned(), true.into());
    };
    world
        .update_meeting(series.number, None, &host, rename)
        .unwrap();
    world
        .delete_meeting(series.number, Some(&series.occurrences[1].id), &host)
        .unwrap();
    world.delete_meeting(series.number, None, &host).unwrap();
    let webinar = MeetingDraft { kind: 9, ..draft };
    let webinar = world.create_meeting(&host, webinar, &host).unwrap();
    world
        .update_meeting(webinar.number, None, &host, |meeting| {
            meeting.topic.push('!');
        })
        .unwrap();
    world.delete_meeting(webinar.number, None, &host).unwrap();

    let draft = UserDraft {
        email: "new@brightwater.example".to_owned(),
        first_name: "New".to_owned(),
        kind: 1,
        action: "create".to_owned(),
        ..UserDraft::default()
    };
    let user = world.create_user(draft, &host).unwrap();
    world
        .update_user(&user.id, &host, |user| user.status = UserStatus::Inactive)
        .unwrap();
    world
        .update_user(&user.id, &host, |user| user.status = UserStatus::Active)
        .unwrap();
    world
        .update_user(&user.id, &host, |user| user.dept = "Support".to_owned())
        .unwrap();
    world.remove_user(&user.id, true, &host).unwrap();

    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for delivery in hub.deliveries() {
        seen.insert(delivery.event);
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        let entry = reference
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["event"] == delivery.event);
        let entry = entry.unwrap_or_else(|| panic!("{} is not in the reference", delivery.event));
        compare(&entry["payload"], &body, delivery.event, &mut complaints);
    }
    assert!(seen.len() >= 29, "{seen:?}");
    complaints.sort();
    complaints.dedup();
    complaints.retain(|complaint| !EXCEPTIONS.contains(&complaint.as_str()));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn real_transcripts_are_counted_as_another_count_does() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("PARFOCAL_SHARED").map_or(beside, PathBuf::from);
    let root = root.join("data/zoom-transcripts");
    if !root.is_dir() {
        eprintln!("skipped: no real transcripts here (set PARFOCAL_SHARED)");
        return;
    }
    let mut cues = 0;
    for meeting in parfocal_simulator::files::scan(&root).unwrap() {
        for file in &meeting.transcripts {
            let text = std::fs::read_to_string(&file.path).unwrap();
            let arrows = text.lines().filter(|line| line.contains(" --> ")).count();
            assert_eq!(file.items, arrows, "{}", file.path.display());
            cues += arrows;
        }
    }
    let (world, ..) = world(parfocal_simulator::world::WorldOptions {
        transcripts_dir: Some(root),
        ..options(1)
    });
    let (from, to) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    let mut served = 0;
    for head in world.instances_between(from, to, None) {
        let instance = world.instance_at(head.key);
        for file in &instance.recording.as_ref().unwrap().files {
            if file.kind == parfocal_simulator::world::model::FileKind::Transcript {
                served += world.items(file).unwrap();
            }
        }
    }
    assert_eq!(served, cues);
}
