//! Whole flows against the simulated account, compared with what it says can be known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, ToSpan as _};
use parfocal_simulator::{Config, Limits, Plan, Simulator};
use parfocal_zoom::api::{
    DateWindow, DeleteMeeting, Disposal, FileType, HistoryKind, ListMeetings, NewMeeting,
    NewRegistrant, RegistrantAction, RegistrantStatus, UpdateMeeting, UserStatus,
};
use parfocal_zoom::auth::{App, OAuth, TokenSource};
use parfocal_zoom::clock::{Clock as _, SeededRandom, SystemClock};
use parfocal_zoom::download::Download;
use parfocal_zoom::error::MissingScopes;
use parfocal_zoom::id::{MeetingNumber, MeetingUuid, UserId};
use parfocal_zoom::limit::{self, Budget, MemoryBudget, Priority};
use parfocal_zoom::webhook::{
    Event, EventKind, MeetingAction, RecordingAction, Verifier, WebhookSecret,
};
use parfocal_zoom::{Client, ErrorKind, Transport};
use serde_json::{Value, json};

/// The simulator's own control interface, over HTTP like everything else.
pub(crate) struct Sim {
    pub(crate) simulator: Simulator,
    http: reqwest::Client,
}

impl Sim {
    pub(crate) async fn start(config: Config) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            simulator: Simulator::start(config).await.unwrap(),
            http,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.base_url())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http
            .get(self.url(path))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.http
            .post(self.url(path))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) async fn fault(&self, body: Value) {
        let answer = self.post("/_sim/faults", body).await;
        assert!(answer.get("id").is_some(), "{answer}");
    }

    pub(crate) fn oauth(&self) -> OAuth {
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SeededRandom::new(1)));
        OAuth::new(Transport::new().unwrap(), clock, random)
            .unwrap()
            .with_url(self.simulator.base_url())
            .unwrap()
            .with_backoff(crate::kit::QUICK)
    }

    pub(crate) fn client(&self, plan: limit::Plan) -> Client {
        let oauth = self.oauth();
        let budget: Arc<dyn Budget> = Arc::new(
            MemoryBudget::builder(plan)
                .share(1.0)
                .build(Arc::new(SystemClock::new())),
        );
        let tokens = TokenSource::server_to_server(
            oauth,
            App::confidential("simulator", "simulator"),
            "simulator",
        );
        Client::builder(tokens.build())
            .budget(budget)
            .build()
            .unwrap()
    }

    async fn host(&self) -> UserId {
        let knowable = self.get("/_sim/knowable").await;
        UserId::new(knowable["users"][0]["id"].as_str().unwrap())
    }
}

/// The last six months, as UTC dates.
fn half_a_year() -> DateWindow {
    let now = SystemClock::new().now();
    let from = now
        .saturating_sub(SignedDuration::from_hours(180 * 24))
        .unwrap();
    DateWindow::of(from, now).unwrap()
}

fn uuid_of(value: &Value) -> MeetingUuid {
    MeetingUuid::new(value["uuid"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn what_can_be_known_is_found() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim
        .client(limit::Plan::Business)
        .with_priority(Priority::Backfill);
    let knowable = sim.get("/_sim/knowable").await;

    let mut users = Vec::new();
    for status in UserStatus::ALL {
        users.extend(client.users().list(status).all(1_000).await.unwrap());
    }
    let emails: BTreeSet<_> = users.iter().filter_map(|user| user.email.clone()).collect();
    for user in knowable["users"].as_array().unwrap() {
        assert!(emails.contains(user["email"].as_str().unwrap()), "{user}");
    }

    let history = client
        .reports()
        .history_meetings(half_a_year(), HistoryKind::All)
        .all(10_000)
        .await
        .unwrap();
    let reported: BTreeSet<String> = history
        .iter()
        .filter_map(|meeting| Some(meeting.meeting_uuid.as_ref()?.to_string()))
        .collect();
    let mut attended = 0;
    let mut encoded_twice = 0;
    for instance in knowable["instances"].as_array().unwrap() {
        let uuid = uuid_of(instance);
        let Some(expected) = instance["participants"].as_array() else {
            continue;
        };
        assert!(
            reported.contains(uuid.as_str()),
            "{uuid} is missing in the report"
        );
        encoded_twice +=
            usize::from(uuid.as_str().starts_with('/') || uuid.as_str().contains("//"));
        let past = client.past_meetings().get(&uuid).await.unwrap();
        let webinar = past
            .kind
            .is_some_and(parfocal_zoom::api::meeting_type::is_webinar);
        let pages = if webinar || instance["kind"] == "webinar" {
            client.webinars().past_participants(&uuid)
        } else {
            client.past_meetings().participants(&uuid)
        };
        let rows = match pages.all(10_000).await {
            Ok(rows) => rows,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::Validation | ErrorKind::Conflict
                ) =>
            {
                client
                    .webinars()
                    .past_participants(&uuid)
                    .all(10_000)
                    .await
                    .unwrap()
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(rows.len(), expected.len(), "{instance}");
        assert!(
            rows.iter()
                .all(|row| row.name.is_some() && row.join_time.is_some())
        );
        attended += 1;
    }
    assert!(
        attended > 10 && encoded_twice > 0,
        "{attended} instances, {encoded_twice} with difficult UUIDs"
    );

    let active = users
        .iter()
        .filter(|user| user.status.as_deref() == Some("active"));
    let mut recorded: BTreeMap<String, usize> = BTreeMap::new();
    for user in active {
        let id = user.id.clone().unwrap();
        let mut recordings = client.recordings().list(&id, half_a_year()).items();
        while let Some(recording) = recordings.try_next().await.unwrap() {
            recorded.insert(
                recording.uuid.as_ref().unwrap().to_string(),
                recording.recording_files.len(),
            );
        }
        client
            .meetings()
            .list(&id, ListMeetings::default())
            .all(1_000)
            .await
            .unwrap();
    }
    for instance in knowable["instances"].as_array().unwrap() {
        if let Some(files) = instance["recording"]["files"].as_array() {
            assert_eq!(
                recorded.get(instance["uuid"].as_str().unwrap()),
                Some(&files.len()),
                "{instance}"
            );
        }
    }
}

#[tokio::test]
async fn transcripts_are_downloaded_byte_for_byte() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Business);
    let knowable = sim.get("/_sim/knowable").await;
    let folder = tempfile::tempdir().unwrap();
    let instance = |value: &&Value| value["transcript"].is_object();
    let mut done = 0;
    for known in knowable["instances"]
        .as_array()
        .unwrap()
        .iter()
        .filter(instance)
        .take(4)
    {
        let recording = client
            .recordings()
            .get_with_token(uuid_of(known), Duration::from_secs(600))
            .await
            .unwrap();
        assert!(recording.download_access_token.is_some());
        for file in &recording.recording_files {
            let download = Download::of(file).unwrap();
            let path = folder.path().join(format!("{done}"));
            let fetched = client
                .downloads()
                .fetch(&download, &path, |_| ())
                .await
                .unwrap();
            done += 1;
            if file.file_type == Some(FileType::Transcript) {
                assert_eq!(
                    Some(fetched.sha256.as_str()),
                    known["transcript"]["sha256"].as_str()
                );
            }
        }
    }
    assert!(done >= 4, "{done} files");
    // Range: a second look at a part, and a cut in the middle.
    let known = knowable["instances"]
        .as_array()
        .unwrap()
        .iter()
        .find(instance)
        .unwrap();
    let recording = client.recordings().get(uuid_of(known)).await.unwrap();
    let file = recording
        .recording_files
        .iter()
        .find(|file| file.file_type == Some(FileType::Transcript))
        .unwrap();
    sim.fault(json!({"kind": "cut", "path": "/rec", "times": 1, "after_bytes": 1_100}))
        .await;
    let path = folder.path().join("cut");
    let fetched = client
        .downloads()
        .fetch(&Download::of(file).unwrap(), &path, |_| ())
        .await
        .unwrap();
    assert_eq!(
        Some(fetched.sha256.as_str()),
        known["transcript"]["sha256"].as_str()
    );
    assert!(fetched.attempts > 1);
    sim.fault(json!({"kind": "html_download"})).await;
    let error = client
        .downloads()
        .fetch(
            &Download::of(file).unwrap(),
            &folder.path().join("html"),
            |_| (),
        )
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotTheFile);
}

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
async fn recordings_go_to_the_trash_and_come_back() {
    let sim = Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Business);
    let knowable = sim.get("/_sim/knowable").await;
    let known = knowable["instances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|known| known["recording"].is_object())
        .unwrap();
    let uuid = uuid_of(known);
    let before = client
        .recordings()
        .get(&uuid)
        .await
        .unwrap()
        .recording_files
        .len();
    let file = client
        .recordings()
        .get(&uuid)
        .await
        .unwrap()
        .recording_files[0]
        .id
        .clone()
        .unwrap();
    client
        .recordings()
        .remove_file(&uuid, &file, Disposal::Trash)
        .await
        .unwrap();
    assert_eq!(
        client
            .recordings()
            .get(&uuid)
            .await
            .unwrap()
            .recording_files
            .len(),
        before - 1
    );
    client
        .recordings()
        .remove(&uuid, Disposal::Trash)
        .await
        .unwrap();
    let error = client.recordings().get(&uuid).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::NoRecording, Some(3301))
    );
}

#[tokio::test]
async fn a_free_plan_says_why() {
    let sim = Sim::start(Config {
        plan: Plan::Free,
        limits: Limits::Off,
        ..Config::default()
    })
    .await;
    let client = sim.client(limit::Plan::Free);
    let host = sim.host().await;
    let plan = |error: parfocal_zoom::Error| {
        assert!(
            matches!(error.kind(), ErrorKind::Plan | ErrorKind::Forbidden),
            "{error}"
        );
        assert_eq!(error.code(), Some(200), "{error}");
    };
    plan(
        client
            .reports()
            .history_meetings(half_a_year(), HistoryKind::All)
            .all(10)
            .await
            .unwrap_err(),
    );
    plan(
        client
            .recordings()
            .list(&host, half_a_year())
            .all(10)
            .await
            .unwrap_err(),
    );
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
                    .user_meetings(&host, half_a_year())
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
