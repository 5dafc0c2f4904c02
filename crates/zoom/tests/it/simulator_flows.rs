//! What a program does with a Zoom account: schedule, keep within limits, survive faults, follow webhooks.

use std::time::Duration;

use jiff::ToSpan as _;
use parfocal_simulator::{Config, Limits, Plan};
use parfocal_zoom::ErrorKind;
use parfocal_zoom::api::{
    DateWindow, DeleteMeeting, FileType, ListMeetings, NewMeeting, NewRegistrant, RegistrantAction,
    RegistrantStatus, UpdateMeeting, UserStatus,
};
use parfocal_zoom::clock::{Clock as _, SystemClock};
use parfocal_zoom::download::Download;
use parfocal_zoom::error::MissingScopes;
use parfocal_zoom::id::MeetingNumber;
use parfocal_zoom::limit::{self, Priority};
use parfocal_zoom::webhook::{
    Event, EventKind, MeetingAction, RecordingAction, Verifier, WebhookSecret,
};
use serde_json::json;

use crate::simulator::{Sim, half_a_year};

#[tokio::test]
async fn a_meeting_is_scheduled_changed_and_cancelled() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Business);
    let host = sim.host().await;
    let start = SystemClock::new().now() + 48.hours();
    let mut new = NewMeeting::new("Größe <b>& 会議</b>");
    new.start_time = Some(start.strftime("%Y-%m-%dT%H:00:00Z").to_string());
    new.duration = Some(45);
    new.settings = Some(parfocal_zoom::api::MeetingSettings::default());
    if let Some(settings) = &mut new.settings {
        settings.approval_type = Some(0);
    }
    let meetings = client.meetings();
    let created = meetings.create(&host, &new).await.unwrap();
    let number = created.id.unwrap();
    assert_eq!(
        (created.topic.as_deref(), created.duration),
        (new.topic.as_deref(), Some(45))
    );
    assert!(created.start_url.is_some() && created.join_url.is_some());
    let options = UpdateMeeting {
        host: Some(host.clone()),
        ..UpdateMeeting::default()
    };
    meetings
        .update(number, &NewMeeting::new("Renamed"), options)
        .await
        .unwrap();
    assert_eq!(
        meetings.get(number).await.unwrap().topic.as_deref(),
        Some("Renamed")
    );
    assert!(
        meetings
            .invitation(number)
            .await
            .unwrap()
            .invitation
            .is_some()
    );

    let person = NewRegistrant {
        email: "Pat@example.com".into(),
        first_name: "Pat".into(),
        ..NewRegistrant::default()
    };
    let registered = client
        .registrants()
        .add(number, &person, &[])
        .await
        .unwrap();
    let id = registered.registrant_id.clone().unwrap();
    let listed = client
        .registrants()
        .list(number, RegistrantStatus::Approved)
        .all(10)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    client
        .registrants()
        .set_status(
            number,
            RegistrantAction::Cancel,
            &[(id, Some("Pat@example.com".into()))],
            None,
        )
        .await
        .unwrap();
    assert!(
        client
            .registrants()
            .list(number, RegistrantStatus::Approved)
            .all(10)
            .await
            .unwrap()
            .is_empty()
    );

    meetings
        .delete(number, DeleteMeeting::default())
        .await
        .unwrap();
    let error = meetings.get(number).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.status()),
        (ErrorKind::NotFound, Some(3001), Some(404))
    );
    assert!(error.tracking_id().is_some());
    let error = meetings.get(MeetingNumber::new(99)).await.unwrap_err();
    assert!(error.is_not_found());
    let long = NewMeeting {
        further: [("agenda".to_owned(), json!("x".repeat(3_000)))]
            .into_iter()
            .collect(),
        ..NewMeeting::new("t")
    };
    assert_eq!(
        meetings.create(&host, &long).await.unwrap_err().kind(),
        ErrorKind::Validation
    );
}

#[tokio::test]
async fn no_limit_is_ever_broken() {
    let sim = Sim::start(Config {
        limits: Limits::Plan(Plan::Pro),
        ..Config::default()
    })
    .await;
    let client = sim
        .client(limit::Plan::Pro)
        .with_priority(Priority::Backfill);
    let host = sim.host().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..150 {
        let (client, host) = (client.clone(), host.clone());
        calls.spawn(async move {
            match n % 3 {
                0 => client.users().get(&host).await.map(drop),
                1 => client
                    .meetings()
                    .list(&host, ListMeetings::default())
                    .all(1_000)
                    .await
                    .map(drop),
                _ => client
                    .reports()
                    .user_meetings(
                        &host,
                        DateWindow {
                            from: half_a_year().to,
                            ..half_a_year()
                        },
                    )
                    .all(1_000)
                    .await
                    .map(drop),
            }
        });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    let violations = sim.get("/_sim/violations").await;
    assert_eq!(violations["count"], 0, "{violations}");
}

#[tokio::test]
async fn faults_on_the_way_are_survived() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Business);
    for fault in [
        json!({"kind": "rate_limit", "path": "/v2/users", "times": 1}),
        json!({"kind": "server_error", "path": "/v2/users", "times": 1, "status": 503, "retry_after": "1"}),
        json!({"kind": "cut", "path": "/v2/users", "times": 1, "after_bytes": 20}),
        json!({"kind": "expired_token", "path": "/v2/users", "times": 1}),
        json!({"kind": "slow", "path": "/v2/users", "times": 1, "delay_ms": 200}),
    ] {
        sim.fault(fault.clone()).await;
        let users = client.users().list(UserStatus::Active).all(1_000).await;
        assert!(users.is_ok(), "{fault}: {users:?}");
    }
    sim.fault(json!({"kind": "endless_pages", "path": "/v2/users"}))
        .await;
    let error = client
        .users()
        .list(UserStatus::Active)
        .all(1_000_000)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EndlessPages);
}

#[tokio::test]
async fn webhooks_are_verified_read_and_followed() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Business);
    let secret = WebhookSecret::new("app", "simulator-webhook-secret");
    let answers = secret.clone();
    let door =
        crate::fake::Fake::start(move |seen, _| {
            match parfocal_zoom::webhook::Challenge::find(seen.body.as_bytes()) {
                Some(challenge) => crate::fake::json(
                    200,
                    &serde_json::to_string(&challenge.answer(&answers)).unwrap(),
                ),
                None => crate::fake::json(200, "{}"),
            }
        })
        .await;
    let subscription = sim
        .post(
            "/_sim/subscriptions",
            json!({"url": format!("{}/hook", door.url), "events": ["*"]}),
        )
        .await;
    assert_eq!(subscription["validated"], true, "{subscription}");
    let live = sim.post("/_sim/live", json!({"jump": true})).await;
    let number = live["meeting_id"].as_u64().unwrap();

    let deadline = SystemClock::new();
    let mut transcript = None;
    while transcript.is_none() {
        assert!(
            deadline.monotonic() < Duration::from_secs(30),
            "the transcript's event does not come"
        );
        deadline
            .sleep_until(deadline.monotonic() + Duration::from_millis(20))
            .await;
        transcript = door
            .seen()
            .into_iter()
            .find(|seen| seen.body.contains("recording.transcript_completed"));
    }
    let verifier = Verifier::new([WebhookSecret::new("other", "another-secret"), secret]);
    let now: jiff::Timestamp = sim.get("/_sim/clock").await["now"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut kinds = Vec::new();
    for seen in door.seen() {
        let verified = verifier
            .verify_headers(&seen.headers, seen.body.as_bytes(), now)
            .unwrap();
        assert_eq!((verified.index, verified.secret.name.as_str()), (1, "app"));
        let event = Event::parse(seen.body.as_bytes()).unwrap();
        if event.kind != EventKind::UrlValidation {
            assert!(event.event_ts.is_some() && event.account_id.is_some());
        }
        if event
            .meeting_number()
            .is_some_and(|found| found.get() == number)
        {
            kinds.push(event.kind);
        }
    }
    let ended = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Meeting {
                action: MeetingAction::Ended,
                ..
            }
        )
    };
    assert!(kinds.iter().any(ended), "{kinds:?}");
    let event = Event::parse(transcript.unwrap().body.as_bytes()).unwrap();
    let EventKind::Recording {
        action: RecordingAction::TranscriptCompleted,
        object,
    } = &event.kind
    else {
        panic!()
    };
    let file = object
        .recording_files
        .iter()
        .find(|file| file.file_type == Some(FileType::Transcript))
        .unwrap();
    let token = event.download_token.clone().unwrap();
    let download = Download::of(file)
        .unwrap()
        .auth(parfocal_zoom::download::DownloadAuth::Bearer(token));
    let folder = tempfile::tempdir().unwrap();
    client
        .downloads()
        .fetch(&download, &folder.path().join("t.vtt"), |_| ())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let mut config = Config {
        limits: Limits::Off,
        ..Config::default()
    };
    config.apps[0].scopes =
        parfocal_simulator::AppScopes::Only(vec!["user:read:list_users:admin".into()]);
    let sim = Sim::start(config).await;
    let client = sim.client(limit::Plan::Business);
    client
        .users()
        .list(UserStatus::Active)
        .all(100)
        .await
        .unwrap();
    let host = sim.host().await;
    let error = client
        .recordings()
        .list(&host, half_a_year())
        .all(10)
        .await
        .unwrap_err();
    let Some(MissingScopes::Named(scopes)) = error.missing_scopes() else {
        panic!("{error:?}")
    };
    assert!(
        scopes
            .iter()
            .any(|scope| scope == "cloud_recording:read:list_user_recordings:admin"),
        "{scopes:?}"
    );
    assert_eq!(
        client.tokens().scopes().await.unwrap(),
        ["user:read:list_users:admin"]
    );
}
