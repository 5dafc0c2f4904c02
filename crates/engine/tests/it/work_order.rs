//! The order in which Zoom's events arrive makes no difference.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use parfocal_engine::App;
use parfocal_engine::config::Config;
use parfocal_engine::ingest::{Origin, Rank, Routed, Stamp, route};
use parfocal_engine::store::{AccountId, MeetingFilter, NewAccount, PageRequest, Provider};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::core_support::{config, manual, open};

const UUID: &str = "/7Zt2mVQTf//9xRw4sLpYg==";
const NUMBER: u64 = 84_410_027_731;

/// All events of one recurring meeting that was scheduled, changed, held, recorded and partly deleted.
fn events() -> Vec<(&'static str, i64, Value)> {
    let base = json!({"id": NUMBER.to_string(), "uuid": UUID, "host_id": "h1", "topic": "Harbour review", "type": 8,
        "start_time": "2026-09-14T08:30:00Z", "timezone": "Europe/Lisbon", "duration": 60});
    let series = json!({"id": NUMBER, "uuid": "old==", "host_id": "h1", "topic": "First", "type": 8, "duration": 60,
        "start_time": "2026-09-14T08:30:00Z", "timezone": "Europe/Lisbon", "join_url": "https://example.test/j/1",
        "settings": {"join_before_host": false, "jbh_time": 0}, "recurrence": {"type": 2, "repeat_interval": 1},
        "occurrences": [{"occurrence_id": "1", "start_time": "2026-09-14T08:30:00Z", "duration": 60, "status": "available"},
            {"occurrence_id": "2", "start_time": "2026-09-21T08:30:00Z", "duration": 60, "status": "available"}]});
    let with = |name: &str, value: Value| {
        let mut object = base.clone();
        object[name] = value;
        object
    };
    let joined = |id: &str, name: &str, email: &str, at: &str| {
        with(
            "participant",
            json!({"user_id": id, "user_name": name, "email": email, "id": "", "join_time": at}),
        )
    };
    let left = |id: &str, name: &str, at: &str| {
        with(
            "participant",
            json!({"user_id": id, "user_name": name, "email": "", "leave_time": at}),
        )
    };
    let waiting = |id: &str, name: &str, at: &str| {
        with(
            "participant",
            json!({"user_id": id, "user_name": name, "email": "", "date_time": at}),
        )
    };
    let mut ended = with("end_time", json!("2026-09-14T09:12:41Z"));
    ended["host_email"] = json!("maren@example.org");
    let file = |id: &str, kind: &str| {
        json!({"id": id, "meeting_id": UUID, "file_type": kind, "file_extension": kind, "file_size": 10, "status": "completed",
            "recording_start": "2026-09-14T08:31:02Z", "recording_end": "2026-09-14T09:12:39Z",
            "download_url": format!("https://example.test/rec/webhook_download/{id}")})
    };
    let recording = |files: Vec<Value>, count: usize| {
        let mut object = base.clone();
        object["id"] = json!(NUMBER);
        object["share_url"] = json!("https://example.test/rec/share/1");
        object["recording_count"] = json!(count);
        object["recording_files"] = json!(files);
        object
    };
    let registrant = json!({"id": "r1", "first_name": "Tove", "last_name": "L", "email": "Tove@example.org", "status": "pending"});
    vec![
        ("meeting.created", 1, series),
        (
            "meeting.updated",
            2,
            json!({"id": NUMBER, "topic": "Second", "settings": {"jbh_time": 5}}),
        ),
        ("meeting.updated", 3, json!({"id": NUMBER, "duration": 45})),
        (
            "meeting.updated",
            4,
            json!({"id": NUMBER, "topic": "Third", "agenda": "Ships"}),
        ),
        (
            "meeting.deleted#single",
            5,
            json!({"id": NUMBER, "uuid": "old==", "host_id": "h1", "type": 8,
            "occurrences": [{"occurrence_id": "2", "start_time": "2026-09-21T08:30:00Z"}]}),
        ),
        ("meeting.registration_created", 6, {
            let mut object = base.clone();
            object["registrant"] = registrant.clone();
            object
        }),
        ("meeting.registration_approved", 7, {
            let mut object = base.clone();
            object["registrant"] =
                json!({"id": "r1", "first_name": "Tove", "email": "Tove@example.org"});
            object
        }),
        (
            "meeting.participant_joined_waiting_room",
            10,
            waiting("3", "Guest", "2026-09-14T08:32:00Z"),
        ),
        ("meeting.started", 11, base.clone()),
        (
            "meeting.participant_joined",
            12,
            joined("1", "Maren", "maren@example.org", "2026-09-14T08:30:10Z"),
        ),
        (
            "meeting.participant_joined",
            13,
            joined("2", "Tove", "", "2026-09-14T08:31:07Z"),
        ),
        (
            "meeting.participant_admitted",
            14,
            waiting("3", "Guest", "2026-09-14T08:33:00Z"),
        ),
        (
            "meeting.participant_joined",
            15,
            joined("4", "Guest", "", "2026-09-14T08:33:00Z"),
        ),
        (
            "meeting.participant_left",
            16,
            left("2", "Tove", "2026-09-14T08:50:00Z"),
        ),
        (
            "meeting.participant_joined",
            17,
            joined("5", "Tove", "", "2026-09-14T08:55:00Z"),
        ),
        (
            "meeting.participant_left",
            18,
            left("1", "Maren", "2026-09-14T09:12:38Z"),
        ),
        ("meeting.ended", 20, ended),
        (
            "recording.completed",
            30,
            recording(vec![file("f1", "MP4"), file("f2", "CHAT")], 2),
        ),
        (
            "recording.transcript_completed",
            40,
            recording(vec![file("f3", "TRANSCRIPT")], 3),
        ),
        (
            "recording.trashed",
            50,
            recording(vec![file("f1", "MP4")], 3),
        ),
    ]
}

async fn apply(app: &App, account: AccountId, order: &[usize]) {
    let all = events();
    let now: Timestamp = "2026-09-14T12:00:00Z".parse().unwrap();
    for index in order {
        let (name, at, object) = &all[*index];
        let (event, operation) = name.split_once('#').unwrap_or((name, "all"));
        let origin = Origin {
            account,
            account_key: "acc".into(),
            connection: None,
            stamp: Stamp::new(1_789_374_600_000 + at * 1000, Rank::Event),
            now,
            priority: 10,
            cause: None,
        };
        let mut tx = app.store().begin(app.scope()).await.unwrap();
        let payload = json!({"account_id": "acc", "operation": operation, "object": object});
        let routed = route(&mut tx, &origin, app.config(), event, &payload, None)
            .await
            .unwrap();
        assert_eq!(routed, Routed::Done, "{event}");
        tx.commit().await.unwrap();
    }
}

async fn account(app: &App, name: &str) -> AccountId {
    let new = NewAccount {
        provider: Provider::Zoom,
        external_id: name.to_owned(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let id = tx.upsert_account(&new, app.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Every row of an account that events made, without ids and moments of ours.
async fn rows(app: &App, account: AccountId) -> BTreeMap<String, String> {
    let (store, scope) = (app.store(), app.scope());
    let mut out = BTreeMap::new();
    let filter = MeetingFilter {
        account: Some(account),
        include_deleted: true,
        ..MeetingFilter::default()
    };
    for one in store
        .meetings(scope, &filter, &PageRequest::first(10))
        .await
        .unwrap()
        .items
    {
        let meeting = store.meeting(scope, one.id).await.unwrap().unwrap();
        out.insert(
            format!("meeting {}", meeting.number),
            format!(
                "{:?}",
                (
                    &meeting.topic,
                    meeting.start,
                    meeting.duration_min,
                    &meeting.tz,
                    &meeting.settings,
                    &meeting.recurrence,
                    &meeting.raw,
                    meeting.deleted_at
                )
            ),
        );
        out.insert(
            "occurrences".into(),
            format!("{:?}", store.occurrences(scope, meeting.id).await.unwrap()),
        );
        for registrant in store.registrants(scope, meeting.id).await.unwrap() {
            let row = (
                &registrant.external_id,
                &registrant.email,
                &registrant.name,
                &registrant.status,
                &registrant.raw,
            );
            out.insert(
                format!("registrant {}", registrant.external_id),
                format!("{row:?}"),
            );
        }
    }
    let held = store
        .instance_by_external(scope, account, UUID)
        .await
        .unwrap()
        .unwrap();
    let row = (
        &held.topic,
        held.start,
        held.end,
        held.state,
        &held.host_email,
        &held.number,
        &held.raw,
        held.meeting_id.is_some(),
    );
    out.insert("instance".into(), format!("{row:?}"));
    for person in store.participants(scope, held.id).await.unwrap() {
        let row = (
            &person.name,
            &person.email,
            &person.registrant_id,
            &person.attendance,
        );
        out.insert(
            format!("participant {}", person.match_key),
            format!("{row:?}"),
        );
    }
    for recording in store.recordings_of(scope, held.id).await.unwrap() {
        out.insert(
            "recording".into(),
            format!(
                "{:?}",
                (&recording.share_url, &recording.raw, recording.deleted_at)
            ),
        );
    }
    for file in store.files_of_instance(scope, held.id).await.unwrap() {
        let row = (
            &file.file_type,
            &file.status,
            file.size,
            &file.raw,
            file.deleted_at.is_some(),
        );
        out.insert(format!("file {}", file.external_id), format!("{row:?}"));
    }
    let told = store
        .events_of(scope, &held.id.to_string(), 50)
        .await
        .unwrap();
    let ends = told
        .iter()
        .filter(|event| event.event_type == "meeting.ended");
    out.insert("told meeting.ended".into(), ends.count().to_string());
    for artefact in store.artefacts(scope, held.id.into()).await.unwrap() {
        let row = (artefact.state, &artefact.cause, artefact.expected_by);
        out.insert(format!("artefact {}", artefact.kind), format!("{row:?}"));
    }
    out
}

async fn fresh(config: Config) -> App {
    let (_, clock) = manual();
    open(config, &clock).await
}

#[test]
fn any_order_and_any_repetition_gives_the_same_rows() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let app = runtime.block_on(fresh(config(dir.path())));
    let count = events().len();
    let expected = runtime.block_on(async {
        let account = account(&app, "in order").await;
        apply(&app, account, &(0..count).collect::<Vec<_>>()).await;
        rows(&app, account).await
    });
    assert_eq!(expected["told meeting.ended"], "1");
    assert_eq!(expected.len(), 17, "{expected:#?}");
    let cases = AtomicU32::new(0);
    let orders = (
        Just((0..count).collect::<Vec<usize>>()).prop_shuffle(),
        proptest::collection::vec(0..count, 0..6),
    );
    let settings = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest::test_runner::TestRunner::new(settings)
        .run(&orders, |(mut order, again)| {
            order.extend(again);
            let case = cases.fetch_add(1, Ordering::Relaxed);
            let rows = runtime.block_on(async {
                let account = account(&app, &format!("case {case}")).await;
                apply(&app, account, &order).await;
                rows(&app, account).await
            });
            prop_assert_eq!(&rows, &expected, "order {:?}", order);
            Ok(())
        })
        .unwrap();
}
