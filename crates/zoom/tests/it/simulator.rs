//! Whole flows against the simulated account, compared with what it says can be known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use parfocal_simulator::{Config, Limits, Plan, Simulator};
use parfocal_zoom::api::{DateWindow, Disposal, FileType, HistoryKind, ListMeetings, UserStatus};
use parfocal_zoom::auth::{App, OAuth, TokenSource};
use parfocal_zoom::clock::{Clock as _, SeededRandom, SystemClock};
use parfocal_zoom::download::Download;
use parfocal_zoom::id::{MeetingUuid, UserId};
use parfocal_zoom::limit::{self, Budget, MemoryBudget, Priority};
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

    pub(crate) async fn host(&self) -> UserId {
        let knowable = self.get("/_sim/knowable").await;
        UserId::new(knowable["users"][0]["id"].as_str().unwrap())
    }
}

/// The last six months, as UTC dates.
pub(crate) fn half_a_year() -> DateWindow {
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
    let webinar: BTreeMap<String, bool> = history
        .iter()
        .filter_map(|meeting| {
            Some((
                meeting.meeting_uuid.as_ref()?.to_string(),
                meeting.kind.as_deref()? == "Webinar",
            ))
        })
        .collect();
    let (mut attended, mut encoded_twice, mut webinars) = (0, 0, 0);
    for instance in knowable["instances"].as_array().unwrap() {
        let uuid = uuid_of(instance);
        let Some(expected) = instance["participants"].as_array() else {
            continue;
        };
        let webinar = webinar.get(uuid.as_str());
        let webinar = *webinar.unwrap_or_else(|| panic!("{uuid} is missing in the report"));
        let rows = if webinar {
            webinars += 1;
            client
                .webinars()
                .past_participants(&uuid)
                .all(10_000)
                .await
                .unwrap()
        } else {
            assert_eq!(
                client
                    .past_meetings()
                    .get(&uuid)
                    .await
                    .unwrap()
                    .uuid
                    .as_ref(),
                Some(&uuid)
            );
            client
                .past_meetings()
                .participants(&uuid)
                .all(10_000)
                .await
                .unwrap()
        };
        assert_eq!(rows.len(), expected.len(), "{instance}");
        assert!(
            rows.iter()
                .all(|row| row.name.is_some() && row.join_time.is_some())
        );
        attended += 1;
        encoded_twice +=
            usize::from(uuid.as_str().starts_with('/') || uuid.as_str().contains("//"));
    }
    assert!(webinars > 0, "there is a webinar");
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
            .get_with_token(uuid_of(known), Duration::from_mins(10))
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
