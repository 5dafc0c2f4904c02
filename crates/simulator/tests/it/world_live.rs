//! A meeting played live, seen through its events and the world's state.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use parfocal_simulator::clock::Clock;
use parfocal_simulator::webhooks::{Hub, NewSubscription};
use parfocal_simulator::world::model::{
    FileKind, InstanceUuid, MeetingDraft, Plan, TranscriptFate,
};
use parfocal_simulator::world::{LiveRequest, World, WorldOptions};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::{options, world};
use crate::world_webhooks::{Endpoint, until};

struct Stage {
    world: Arc<World>,
    hub: Arc<Hub>,
    clock: Arc<Clock>,
    endpoint: Endpoint,
    _stop: DropGuard,
}

/// The simulator's own default, which the endpoint of the webhook tests does not know: here every challenge is answered.
async fn stage(plan: Plan) -> Stage {
    let (world, hub, clock) = world(WorldOptions { plan, ..options(1) });
    let endpoint = Endpoint::default();
    let url = endpoint.serve().await;
    let new = NewSubscription {
        url,
        secret_token: Some("a secret of the test".to_owned()),
        ..NewSubscription::default()
    };
    assert!(hub.subscribe(new).await.unwrap().validated);
    let stop = CancellationToken::new();
    tokio::spawn(hub.clone().run(stop.clone()));
    Stage {
        world,
        hub,
        clock,
        endpoint,
        _stop: stop.drop_guard(),
    }
}

fn jump() -> LiveRequest {
    LiveRequest {
        jump: true,
        ..LiveRequest::default()
    }
}

impl Stage {
    async fn arrived(&self) {
        until("all events", || {
            let all = self.hub.deliveries();
            !all.is_empty()
                && all.iter().all(|one| !one.attempts.is_empty())
                && self.hub.in_flight() == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_whole_meeting_happens_in_order() {
    let stage = stage(Plan::Business).await;
    let report = stage
        .world
        .play(LiveRequest {
            topic: Some("Live <b>one</b>".to_owned()),
            ..jump()
        })
        .await
        .unwrap();
    assert_eq!(report.topic, "Live <b>one</b>");
    assert!(report.transcript_cues > 10);
    stage.arrived().await;
    let names = stage.endpoint.names();
    let place = |name: &str| {
        names
            .iter()
            .position(|other| other == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    let order = [
        "meeting.created",
        "meeting.started",
        "meeting.participant_joined",
        "recording.started",
        "recording.stopped",
        "meeting.ended",
        "recording.completed",
        "recording.transcript_completed",
    ];
    assert!(
        order.windows(2).all(|pair| place(pair[0]) < place(pair[1])),
        "{names:?}"
    );
    let joined = names
        .iter()
        .filter(|name| *name == "meeting.participant_joined")
        .count();
    let left = names
        .iter()
        .filter(|name| *name == "meeting.participant_left")
        .count();
    assert_eq!(joined, left);

    let events = stage.endpoint.events();
    let of = |name: &str| &events[place(name)];
    assert!(of("meeting.started")["payload"]["object"]["id"].is_string());
    assert!(of("meeting.created")["payload"]["object"]["id"].is_u64());
    assert!(of("recording.completed")["payload"]["object"]["id"].is_u64());
    assert!(of("meeting.ended")["payload"]["object"]["end_time"].is_string());
    let token = of("recording.completed")["download_token"]
        .as_str()
        .unwrap();
    let uuid: InstanceUuid = report.uuid.parse().unwrap();
    assert_eq!(stage.world.check_download_token(token), Ok(uuid));
    let files = of("recording.completed")["payload"]["object"]["recording_files"]
        .as_array()
        .unwrap();
    assert!(files.iter().all(|file| file["file_type"] != "TRANSCRIPT"));
    assert!(
        files
            .iter()
            .any(|file| file["file_type"] == "TIMELINE" && file.get("id").is_none())
    );
    let transcript =
        &of("recording.transcript_completed")["payload"]["object"]["recording_files"][0];
    assert_eq!(transcript["file_type"], "TRANSCRIPT");
    assert!(
        transcript["download_url"]
            .as_str()
            .unwrap()
            .contains("/rec/webhook_download/")
    );

    let instance = stage.world.instance(&uuid).unwrap();
    assert_eq!(instance.number, report.meeting_id);
    let recording = instance.recording.as_ref().unwrap();
    assert_eq!(
        recording.ready(stage.clock.now()).count(),
        recording.files.len()
    );
    assert!(!stage.world.is_started(report.meeting_id));
    assert_ne!(stage.world.meeting(report.meeting_id).unwrap().uuid, uuid);
}

#[tokio::test]
async fn plans_and_fates_decide_what_comes() {
    let free = stage(Plan::Free).await;
    let report = free.world.play(jump()).await.unwrap();
    assert_eq!((report.transcript_cues, report.chat_messages), (0, 0));
    free.arrived().await;
    assert!(
        free.endpoint
            .names()
            .iter()
            .all(|name| !name.starts_with("recording."))
    );
    assert!(free.endpoint.names().contains(&"meeting.ended".to_owned()));

    let stage = stage(Plan::Business).await;
    let never = LiveRequest {
        fate: TranscriptFate::Never,
        ..jump()
    };
    let report = stage.world.play(never).await.unwrap();
    assert_eq!(report.transcript_cues, 0);
    stage.arrived().await;
    assert!(
        !stage
            .endpoint
            .names()
            .contains(&"recording.transcript_completed".to_owned())
    );

    let late = LiveRequest {
        fate: TranscriptFate::Late,
        ..jump()
    };
    let report = stage.world.play(late).await.unwrap();
    assert!(report.transcript_cues > 0);
    let instance = stage.world.instance(&report.uuid.parse().unwrap()).unwrap();
    let recording = instance.recording.as_ref().unwrap();
    let waiting = recording
        .files
        .iter()
        .find(|file| file.ready_at > stage.clock.now())
        .unwrap();
    assert_eq!(waiting.kind, FileKind::Transcript);
    stage.clock.advance(SignedDuration::from_hours(7)).unwrap();
    let names = || stage.endpoint.names();
    until("the late transcript", || {
        names().contains(&"recording.transcript_completed".to_owned())
    })
    .await;
}

#[tokio::test]
async fn without_jump_it_takes_its_time_and_can_be_ended() {
    let stage = stage(Plan::Business).await;
    let world = stage.world.clone();
    let play = tokio::spawn(async move { world.play(LiveRequest::default()).await });
    until("creation", || !stage.hub.deliveries().is_empty()).await;
    stage.clock.advance(SignedDuration::from_secs(31)).unwrap();
    let running = || {
        stage
            .world
            .numbers()
            .into_iter()
            .find(|number| stage.world.is_started(*number))
    };
    until("start", || running().is_some()).await;
    let number = running().unwrap();
    let instance = stage.world.latest_instance(number).unwrap();
    assert!(instance.end.is_none() && instance.recording.is_none());
    stage.clock.advance(SignedDuration::from_secs(25)).unwrap();
    until("somebody joins", || {
        stage
            .world
            .latest_instance(number)
            .unwrap()
            .participants
            .len()
            > 1
    })
    .await;
    let ended = stage.world.end_meeting(number).unwrap();
    assert!(ended.participants.iter().all(|row| row.leave.is_some()));
    assert!(stage.world.end_meeting(number).is_err());
    // The rest of the play does not end it again.
    let finish = async {
        while !play.is_finished() {
            stage.clock.advance(SignedDuration::from_mins(5)).unwrap();
            tokio::task::yield_now().await;
        }
        play.await.unwrap().unwrap()
    };
    let report = tokio::time::timeout(Duration::from_secs(20), finish)
        .await
        .unwrap();
    assert_eq!(report.meeting_id, number);
    stage.arrived().await;
    let ends = stage
        .endpoint
        .names()
        .iter()
        .filter(|name| *name == "meeting.ended")
        .count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn changes_are_announced_with_what_changed() {
    let stage = stage(Plan::Business).await;
    let host = stage.world.users()[1].id.clone();
    let draft = MeetingDraft {
        topic: "Planned".to_owned(),
        kind: 2,
        ..MeetingDraft::default()
    };
    let meeting = stage.world.create_meeting(&host, draft, &host).unwrap();
    let change = |meeting: &mut parfocal_simulator::world::model::Meeting| {
        meeting.topic = "Planned anew".to_owned();
    };
    stage
        .world
        .update_meeting(meeting.number, None, &host, change)
        .unwrap();
    stage
        .world
        .update_meeting(meeting.number, None, &host, |_| {})
        .unwrap();
    stage
        .world
        .delete_meeting(meeting.number, None, &host)
        .unwrap();
    assert!(stage.world.meeting(meeting.number).is_none());
    stage.arrived().await;
    assert_eq!(
        stage.endpoint.names(),
        ["meeting.created", "meeting.updated", "meeting.deleted"]
    );
    let updated = &stage.endpoint.events()[1]["payload"];
    assert_eq!(updated["object"]["topic"], "Planned anew");
    assert_eq!(updated["old_object"]["topic"], "Planned");
    assert!(updated["object"].get("duration").is_none());
    assert_eq!(updated["operator_id"], host.as_str());
    assert_eq!(stage.endpoint.events()[0]["payload"]["object"]["type"], 2);
}

#[tokio::test]
async fn users_come_and_go() {
    let stage = stage(Plan::Free).await;
    let draft = parfocal_simulator::world::UserDraft {
        email: "new@brightwater.example".to_owned(),
        first_name: "New".to_owned(),
        kind: 1,
        action: "create".to_owned(),
        ..Default::default()
    };
    let user = stage.world.create_user(draft.clone(), "").unwrap();
    assert!(stage.world.create_user(draft, "").is_err());
    stage
        .world
        .update_user(&user.id, "", |user| user.dept = "Support".to_owned())
        .unwrap();
    stage.world.remove_user(&user.email, false, "").unwrap();
    assert!(stage.world.user(&user.id).is_none());
    stage.arrived().await;
    assert_eq!(
        stage.endpoint.names(),
        ["user.created", "user.updated", "user.deleted"]
    );
}
