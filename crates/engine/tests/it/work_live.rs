//! Live meetings through webhooks: in order, out of order, twice, not at all, late.

use crate::work_stage::both;

both! {
    a_live_meeting_reaches_the_store_and_is_found;
    doubled_disordered_and_lost_events_end_in_the_same_store;
    late_transcripts_are_waited_for_and_missing_ones_get_their_reason;
    events_of_other_accounts_touch_nothing;
    deleted_recordings_are_said_to_be_deleted;
    zooms_own_summaries_are_kept_and_forgotten;
    an_error_page_is_never_a_recording;
    markup_stays_text;
}

mod body {
    use futures_util::TryStreamExt as _;
    use jiff::SignedDuration;
    use parfocal_engine::audit::By;
    use parfocal_engine::backfill::{self, Request};
    use parfocal_engine::ingest::events;
    use parfocal_engine::store::{
        ArtefactKind, ArtefactState, EventFilter, EventState, Instance, JobFilter, JobState,
        PageRequest,
    };
    use parfocal_engine::talk::beside;
    use parfocal_engine::{jobs, search, transcripts};
    use parfocal_zoom::api::{DateWindow, Disposal};
    use parfocal_zoom::id::MeetingUuid;
    use serde_json::{Value, json};

    use crate::work_compare::differences;
    use crate::work_door::Door;
    use crate::work_stage::{Engine, Stage};

    /// A subscription to everything.
    async fn subscribe(stage: &Stage) -> Door {
        let door = Door::open(stage.app.clone()).await;
        let made = stage
            .tell("/subscriptions", json!({"url": door.url, "events": ["*"]}))
            .await;
        assert_eq!(made["validated"], true, "{made}");
        door
    }

    async fn play(stage: &Stage) -> Value {
        let played = stage.tell("/live", json!({"jump": true})).await;
        assert!(played["uuid"].is_string(), "{played}");
        played
    }

    async fn instance(stage: &Stage, played: &Value) -> Instance {
        let uuid = played["uuid"].as_str().unwrap();
        stage
            .app
            .store()
            .find_instance(stage.app.scope(), uuid)
            .await
            .unwrap()
            .unwrap()
    }

    async fn artefact(
        stage: &Stage,
        instance: &Instance,
        kind: ArtefactKind,
    ) -> (ArtefactState, Option<String>) {
        let all = stage
            .app
            .store()
            .artefacts(stage.app.scope(), instance.id.into())
            .await
            .unwrap();
        let one = all.into_iter().find(|one| one.kind == kind).unwrap();
        (one.state, one.cause)
    }

    /// Whether all deliveries have ended, well or not.
    async fn delivered(stage: &Stage) {
        stage
            .until("the events are delivered", async || {
                stage
                    .deliveries()
                    .await
                    .iter()
                    .all(|one| one["state"] != "pending")
            })
            .await;
        stage.quiet().await;
    }

    pub(super) async fn a_live_meeting_reaches_the_store_and_is_found(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        stage.backfill().await;
        let _door = subscribe(&stage).await;
        let played = play(&stage).await;
        delivered(&stage).await;
        // Zoom needs a while for the list of participants.
        stage.advance(SignedDuration::from_hours(1)).await;
        stage.quiet().await;
        let told = stage.told_fits().await;
        for kind in [
            "meeting.started",
            "meeting.ended",
            "file.stored",
            "transcript.ready",
            "insights.ready",
        ] {
            assert!(told.contains(kind), "{kind} was not told: {told:?}");
        }
        let held = instance(&stage, &played).await;
        let view = transcripts::show(&stage.app, held.id).await.unwrap();
        let lines: usize = view.parts.iter().map(|part| part.lines.len()).sum();
        assert_eq!(Some(lines as u64), played["transcript_cues"].as_u64());
        assert_eq!(
            Some(view.chat.len() as u64),
            played["chat_messages"].as_u64()
        );
        let line = view.parts[0]
            .lines
            .iter()
            .max_by_key(|line| line.cue.text.len())
            .unwrap();
        assert!(line.at.unwrap() >= held.start.unwrap());
        let words: Vec<&str> = line.cue.text.split_whitespace().take(4).collect();
        let query = format!("\"{}\" kind:said", words.join(" ").replace('"', ""));
        let found = search::search(&stage.app, &query, None, 50, None)
            .await
            .unwrap();
        assert!(
            found.hits.iter().any(|hit| hit.instance_id == held.id),
            "{query}: {found:#?}"
        );
        let told = stage
            .app
            .store()
            .events_of(stage.app.scope(), &held.id.to_string(), 50)
            .await
            .unwrap();
        for wanted in [
            "meeting.started",
            "meeting.ended",
            "recording.ready",
            "transcript.ready",
            "participants.ready",
        ] {
            assert_eq!(
                told.iter()
                    .filter(|event| event.event_type == wanted)
                    .count(),
                1,
                "{wanted}: {told:#?}"
            );
        }
        let wrong = differences(&stage, "?events=all").await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    pub(super) async fn doubled_disordered_and_lost_events_end_in_the_same_store(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        stage.backfill().await;
        let _door = subscribe(&stage).await;
        stage
            .tell(
                "/webhooks",
                json!({"duplicate": 0.5, "reorder": 0.5, "drop": 0.25}),
            )
            .await;
        for _ in 0..3 {
            play(&stage).await;
        }
        // Whatever is still on its way arrives, and lists are complete by then.
        stage.advance(SignedDuration::from_hours(3)).await;
        delivered(&stage).await;
        // What was lost is found by asking.
        let again = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        stage.backfilled(&again).await;
        stage.quiet().await;
        let wrong = differences(&stage, "?events=none").await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // Everything once more changes nothing.
        let before = stage.app.store().status(stage.app.scope()).await.unwrap();
        let replayed = events::replay_matching(&stage.app, &EventFilter::default(), &By::system())
            .await
            .unwrap();
        assert!(replayed > 10, "{replayed}");
        stage.quiet().await;
        let after = stage.app.store().status(stage.app.scope()).await.unwrap();
        assert_eq!(
            (
                before.instances,
                before.attendance,
                before.files,
                before.cues,
                before.chat_messages
            ),
            (
                after.instances,
                after.attendance,
                after.files,
                after.cues,
                after.chat_messages
            )
        );
        let wrong = differences(&stage, "?events=none").await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    pub(super) async fn late_transcripts_are_waited_for_and_missing_ones_get_their_reason(
        engine: Engine,
    ) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let _door = subscribe(&stage).await;
        // The event about the transcript is lost, too: only looking again finds it.
        let late = stage
            .tell(
                "/faults",
                json!({"kind": "transcript_late", "delay_ms": 6 * 3_600_000}),
            )
            .await;
        let played = play(&stage).await;
        delivered(&stage).await;
        let held = instance(&stage, &played).await;
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Recording).await.0,
            ArtefactState::Present
        );
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Transcript).await.0,
            ArtefactState::Expected
        );
        for _ in 0..12 {
            stage.advance(SignedDuration::from_hours(1)).await;
            stage.quiet().await;
        }
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Transcript).await.0,
            ArtefactState::Present
        );
        let id = late["id"].as_u64().map_or_else(
            || late["id"].as_str().unwrap().to_owned(),
            |id| id.to_string(),
        );
        stage.delete(&format!("/faults/{id}")).await;
        stage
            .tell("/faults", json!({"kind": "transcript_never"}))
            .await;
        let played = play(&stage).await;
        delivered(&stage).await;
        let held = instance(&stage, &played).await;
        for _ in 0..16 {
            stage.advance(SignedDuration::from_hours(6)).await;
            stage.quiet().await;
        }
        let (state, cause) = artefact(&stage, &held, ArtefactKind::Transcript).await;
        assert_eq!(
            (state, cause.as_deref()),
            (ArtefactState::Unavailable, Some("no_transcript"))
        );
    }

    pub(super) async fn events_of_other_accounts_touch_nothing(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let body = json!({"event": "meeting.started", "event_ts": stage.now().as_millisecond(), "payload": {
            "account_id": "SomebodyElsesAccount00", "object": {"id": "84410027731", "uuid": "k7Zt2mVQTfaD9xRw4sLpYg==",
            "host_id": "h", "topic": "Not ours", "type": 2, "start_time": "2026-11-22T08:00:00Z", "duration": 30}}});
        stage.deliver(body.to_string().as_bytes()).await;
        stage.quiet().await;
        let found = events::list(&stage.app, &EventFilter::default(), &PageRequest::first(10))
            .await
            .unwrap();
        assert_eq!(found.items.len(), 1);
        assert_eq!(found.items[0].state, EventState::Failed);
        assert!(
            found.items[0]
                .note
                .as_deref()
                .unwrap()
                .contains("SomebodyElsesAccount00"),
            "{:?}",
            found.items[0].note
        );
        assert_eq!(
            stage
                .app
                .store()
                .status(stage.app.scope())
                .await
                .unwrap()
                .instances,
            0
        );
    }

    pub(super) async fn deleted_recordings_are_said_to_be_deleted(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let _door = subscribe(&stage).await;
        let played = play(&stage).await;
        delivered(&stage).await;
        let held = instance(&stage, &played).await;
        let (client, _) = stage
            .app
            .connections()
            .client_for(held.account_id)
            .await
            .unwrap();
        let uuid = MeetingUuid::new(held.external_id.clone()).unwrap();
        client
            .recordings()
            .remove(&uuid, Disposal::Trash)
            .await
            .unwrap();
        delivered(&stage).await;
        let (state, cause) = artefact(&stage, &held, ArtefactKind::Recording).await;
        assert_eq!(
            (state, cause.as_deref()),
            (ArtefactState::Unavailable, Some("deleted"))
        );
        let recordings = stage
            .app
            .store()
            .recordings_of(stage.app.scope(), held.id)
            .await
            .unwrap();
        assert!(recordings[0].deleted_at.is_some());
        // What we have of it stays.
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Transcript).await.0,
            ArtefactState::Present
        );
        client.recordings().recover(&uuid).await.unwrap();
        delivered(&stage).await;
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Recording).await.0,
            ArtefactState::Present
        );
    }

    pub(super) async fn zooms_own_summaries_are_kept_and_forgotten(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let request = Request {
            summaries: true,
            ..Request::default()
        };
        let started = backfill::start(&stage.app, &request, &By::system())
            .await
            .unwrap();
        let view = stage.backfilled(&started).await;
        assert_eq!(view.unavailable, json!([]));
        let account = stage.app.connections().accounts().await.unwrap().remove(0);
        let (client, _) = stage
            .app
            .connections()
            .client_for(account.id)
            .await
            .unwrap();
        let window = DateWindow {
            from: view.since,
            to: view.until,
        };
        let listed: Vec<_> = client.summaries().list(window).try_collect().await.unwrap();
        let listed: Vec<MeetingUuid> = listed
            .into_iter()
            .flat_map(|page| page.items)
            .filter_map(|item| item.value.meeting_uuid)
            .collect();
        assert!(listed.len() > 1, "{listed:?}");
        let scope = stage.app.scope();
        let stored = async |uuid: &MeetingUuid| {
            let held = stage.app.store().find_instance(scope, uuid.as_str()).await;
            let held = held.unwrap().unwrap();
            beside::kept(&stage.app, held.id).await.unwrap()
        };
        for uuid in &listed {
            let theirs = client.summaries().get(uuid).await.unwrap().value;
            let ours = stored(uuid).await.unwrap();
            let text = theirs.summary_content.unwrap();
            assert_eq!(ours.text.as_deref(), Some(text.trim()));
            assert_eq!(ours.title, theirs.summary_title);
        }
        // What Zoom's users delete there is deleted here, and an event that was late does not bring it back.
        let uuid = &listed[0];
        let _door = subscribe(&stage).await;
        client.summaries().remove(uuid).await.unwrap();
        delivered(&stage).await;
        assert_eq!(stored(uuid).await, None);
        assert!(stored(&listed[1]).await.is_some());
        let event = |name: &str, ago: SignedDuration| {
            let at = stage.now().saturating_sub(ago).unwrap();
            json!({"event": name, "event_ts": at.as_millisecond(), "payload": {"account_id": account.external_id, "object": {
                "meeting_uuid": uuid.as_str(), "meeting_id": 84_410_027_731_u64, "meeting_topic": "Review", "summary_title": "Review",
                "summary_content": "## Quick recap\nThe scope was agreed."}}})
        };
        let late = event("meeting.summary_updated", SignedDuration::from_hours(1));
        stage.deliver(late.to_string().as_bytes()).await;
        stage.quiet().await;
        assert_eq!(stored(uuid).await, None);
        stage.advance(SignedDuration::from_mins(1)).await;
        let newer = event("meeting.summary_completed", SignedDuration::ZERO);
        stage.deliver(newer.to_string().as_bytes()).await;
        stage.quiet().await;
        let written = stored(uuid).await.unwrap();
        assert_eq!(
            written.html().unwrap(),
            "<h3>Quick recap</h3>\n<p>The scope was agreed.</p>\n"
        );
        let trashed = event("meeting.summary_trashed", SignedDuration::ZERO);
        stage.deliver(trashed.to_string().as_bytes()).await;
        stage.quiet().await;
        assert_eq!(stored(uuid).await, None);
    }

    pub(super) async fn an_error_page_is_never_a_recording(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let _door = subscribe(&stage).await;
        let fault = stage
            .tell("/faults", json!({"kind": "html_download"}))
            .await;
        let played = play(&stage).await;
        delivered(&stage).await;
        let held = instance(&stage, &played).await;
        let files = parfocal_engine::media::files(&stage.app, held.id)
            .await
            .unwrap();
        assert!(!files.is_empty());
        assert!(files.iter().all(|file| file.sha256.is_none()), "{files:#?}");
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Transcript).await.0,
            ArtefactState::Expected
        );
        // The page goes away, and the files are fetched when it is looked again.
        let id = fault["id"].as_u64().map_or_else(
            || fault["id"].as_str().unwrap().to_owned(),
            |id| id.to_string(),
        );
        stage.delete(&format!("/faults/{id}")).await;
        for _ in 0..4 {
            stage.advance(SignedDuration::from_mins(10)).await;
            stage.quiet().await;
        }
        assert_eq!(
            artefact(&stage, &held, ArtefactKind::Transcript).await.0,
            ArtefactState::Present
        );
        let dead = JobFilter {
            state: Some(JobState::Dead),
            ..JobFilter::default()
        };
        let dead = jobs::list(&stage.app, &dead, &PageRequest::first(10))
            .await
            .unwrap();
        assert!(dead.items.is_empty(), "{dead:#?}");
    }

    pub(super) async fn markup_stays_text(engine: Engine) {
        const TOPIC: &str = "<script>alert(\"x\")</script> & 'Ünï' 会議";
        const NAME: &str = "Robert'); DROP TABLE users;-- <b>Bo</b>";
        let stage = Stage::plain(engine).await;
        stage.work();
        let account = stage.app.connections().accounts().await.unwrap()[0]
            .external_id
            .clone();
        let now = stage.now();
        let object = json!({"id": "84410027731", "uuid": "/7Zt2mVQTf//9xRw4sLpYg==", "host_id": "hV4kR0pWTbyU8sN1cGfZ7w",
            "topic": TOPIC, "type": 2, "start_time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "timezone": "UTC", "duration": 30});
        let mut joined = object.clone();
        joined["participant"] = json!({"user_id": "16778240", "user_name": NAME, "id": "", "email": "",
            "participant_uuid": "P", "join_time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        for (n, (event, object)) in [
            ("meeting.started", object),
            ("meeting.participant_joined", joined),
        ]
        .into_iter()
        .enumerate()
        {
            let body = json!({"event": event, "event_ts": now.as_millisecond() + i64::try_from(n).unwrap(),
                "payload": {"account_id": account, "object": object}});
            stage.deliver(body.to_string().as_bytes()).await;
        }
        stage.quiet().await;
        let held = stage
            .app
            .store()
            .find_instance(stage.app.scope(), "/7Zt2mVQTf//9xRw4sLpYg==")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(held.topic.as_deref(), Some(TOPIC));
        let people = stage
            .app
            .store()
            .participants(stage.app.scope(), held.id)
            .await
            .unwrap();
        assert_eq!(people[0].name.as_deref(), Some(NAME));
        assert_eq!(people[0].attendance[0].leave, None);
    }
}
