//! Google and Microsoft tell that a calendar changed, through the doubles of both.

use std::time::Duration;

use parfocal_engine::calendar::{Opener, Settings};
use parfocal_engine::clock::Clock;
use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{JobFilter, PageRequest};
use parfocal_simulator::{Config, Limits, Simulator};
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Site};

const INGRID: &str = "ingrid@brightwater.example";

struct Told {
    site: Site,
    simulator: Simulator,
}

impl Told {
    async fn new() -> Self {
        let limits = Limits::Off;
        let simulator = Simulator::start(Config {
            limits,
            ..Config::default()
        })
        .await
        .unwrap();
        let site = Site::start().await;
        for name in ["scheduling", "calendar-google", "calendar-microsoft"] {
            let caller = Caller::local(Surface::Cli);
            let how = Activation {
                anyway: true,
                ..Activation::default()
            };
            let components = site.app.components();
            components.activate(name, &how, &caller).await.unwrap();
        }
        Self { site, simulator }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.base_url())
    }

    async fn add(&self, name: &str, settings: &Settings, opener: &Opener) {
        let accounts = self.site.app.calendar_accounts();
        let view = accounts.add(name, settings, opener).await.unwrap();
        assert_eq!((view.state.as_str(), view.reason), ("working", None));
    }

    /// How many jobs of a kind there are.
    async fn jobs(&self, kind: &str) -> usize {
        let page = PageRequest::first(100);
        let all = parfocal_engine::jobs::list(&self.site.app, &JobFilter::default(), &page)
            .await
            .unwrap();
        all.items.iter().filter(|job| job.kind == kind).count()
    }

    /// Somebody else makes an event, and the system tells of it until a job is there.
    async fn changed_there(&self, calendar: &str, account: &str, job: &str) {
        assert_eq!(self.jobs(job).await, 0);
        let opened = self
            .site
            .app
            .calendars()
            .open(&self.site.app, calendar, Some(account))
            .await
            .unwrap();
        let event = json!({
            "key": "somebody else's", "ical_uid": "x@elsewhere", "sequence": 0, "title": "Lunch", "body": null, "location": null,
            "join_url": null, "when": { "timed": { "start": "2030-01-07T12:00:00", "zone": "UTC", "minutes": 30 } },
            "recurrence": null, "overrides": [], "organizer": null, "attendees": [], "reminders": [], "cancelled": false,
        });
        opened
            .put(&serde_json::from_value(event).unwrap(), None)
            .await
            .unwrap();
        for _ in 0..600 {
            if self.jobs(job).await == 1 {
                return;
            }
            Clock::system().sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody told of the change");
    }

    /// A message with headers and a body, as it would come from outside.
    async fn message(&self, path: &str, token: Option<&str>, body: String) -> Answer {
        let mut request = self.site.client.post(format!("{}{path}", self.site.url));
        if let Some(token) = token {
            request = request
                .header("x-goog-channel-token", token)
                .header("x-goog-resource-state", "exists");
        }
        Answer::of(request.body(body).send().await.unwrap()).await
    }

    async fn id(&self) -> String {
        let store = self.site.app.store();
        let rows = store
            .calendar_accounts(self.site.app.scope())
            .await
            .unwrap();
        rows[0].id.to_string()
    }
}

#[tokio::test]
async fn google_tells_of_a_change_and_only_google_is_believed() {
    let told = Told::new().await;
    let answer = told
        .site
        .client
        .get(told.at("/_sim/calendars/service-account"));
    let key_file = answer.send().await.unwrap().text().await.unwrap();
    let settings = Settings::Google {
        calendar: "primary".to_owned(),
        person: Some(INGRID.to_owned()),
        invites: true,
        api_url: told.at("/google/calendar/v3"),
        token_url: told.at("/google/token"),
    };
    told.add("work", &settings, &Opener::ServiceAccount { key_file })
        .await;
    let base: Url = told.site.url.parse().unwrap();
    let accounts = told.site.app.calendar_accounts();
    let until = accounts.watch("work", &base).await.unwrap().unwrap();
    // A channel that lives is not made again.
    assert_eq!(accounts.watch("work", &base).await.unwrap(), Some(until));
    let door = format!("/push/google/{}", told.id().await);
    for (path, token) in [
        (door.as_str(), Some("guessed")),
        (door.as_str(), None),
        (
            "/push/google/0199f3a0-0000-7000-8000-000000000001",
            Some("x"),
        ),
        ("/push/google/x", Some("x")),
    ] {
        told.message(path, token, String::new()).await.is(404);
    }
    assert_eq!(told.jobs("google.sync").await, 0);
    told.changed_there("google", "work", "google.sync").await;
}

#[tokio::test]
async fn microsoft_shakes_hands_and_tells_of_a_change() {
    let told = Told::new().await;
    let settings = Settings::Microsoft {
        tenant: "brightwater.example".to_owned(),
        mailbox: Some(INGRID.to_owned()),
        invites: true,
        api_url: told.at("/graph/v1.0"),
        login_url: told.at("/graph"),
    };
    let word = || "simulator".to_owned();
    let opener = Opener::Client {
        client_id: word(),
        client_secret: word(),
    };
    told.add("office", &settings, &opener).await;
    let base: Url = told.site.url.parse().unwrap();
    let accounts = told.site.app.calendar_accounts();
    assert!(accounts.watch("office", &base).await.unwrap().is_some());
    let door = format!("/push/microsoft/{}", told.id().await);
    let shaken = format!("{door}?validationToken=%3Cb%3E%26+1");
    let shaken = told.message(&shaken, None, String::new()).await.is(200);
    assert_eq!(shaken.text, "<b>& 1");
    assert!(shaken.header("content-type").starts_with("text/plain"));
    let message = |state: Value| json!({ "value": [{ "clientState": state }] }).to_string();
    for (body, status) in [
        (message(json!("guessed")), 404),
        (message(Value::Null), 404),
        ("{".to_owned(), 400),
        (json!({ "value": [] }).to_string(), 400),
    ] {
        told.message(&door, None, body).await.is(status);
    }
    assert_eq!(told.jobs("microsoft.sync").await, 0);
    told.changed_there("microsoft", "office", "microsoft.sync")
        .await;
}
