//! Calendars against the doubles of Google Calendar and Microsoft Graph, and the embedded feed.

mod availability;
mod feed;
mod google;
mod mailed;
mod microsoft;
mod settle;
mod sync;

use std::sync::Arc;

use parfocal_engine::App;
use parfocal_engine::calendar::{
    Answer, Attendee, Calendar, CalendarEvent, Opener, Override, OverrideChange, Recurrence, Role,
    Settings, TimeSpan, When,
};
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_simulator::{Config, Limits, Simulator};
use parfocal_zoom::clock::ManualClock;
use serde_json::{Value, json};

use crate::core_support;

pub(crate) const INGRID: &str = "ingrid@brightwater.example";
pub(crate) const TOBIAS: &str = "tobias@brightwater.example";
const NOW: &str = "2026-11-20T12:00:00Z";

/// A simulator and an application beside it, at the same standing time.
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) app: App,
    /// Moves the application's time.
    pub(crate) hands: Arc<ManualClock>,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with a configuration of its own.
    pub(crate) async fn with(change: impl FnOnce(&mut parfocal_engine::config::Config)) -> Self {
        let simulator = Simulator::start(Config {
            base_time: Some(NOW.parse().unwrap()),
            speed: 0.0,
            limits: Limits::Off,
            ..Config::default()
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let hands = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let clock = Clock::custom(Arc::<ManualClock>::clone(&hands));
        let mut config = core_support::config(folder.path());
        change(&mut config);
        let app = App::open_with(config, clock, Chance::system())
            .await
            .unwrap();
        for adapter in ["google", "microsoft", "caldav"] {
            let (name, caller) = (format!("calendar-{adapter}"), Caller::local(Surface::Cli));
            // Nothing is scheduled here: the adapters are asked themselves.
            let how = Activation {
                anyway: true,
                ..Activation::default()
            };
            app.components()
                .activate(&name, &how, &caller)
                .await
                .unwrap();
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            simulator,
            app,
            hands,
            http,
            _folder: folder,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.base_url())
    }

    pub(crate) async fn sim(&self, path: &str) -> Value {
        let url = self.url(&format!("/_sim{path}"));
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) async fn order(&self, path: &str, body: Value) -> Value {
        let url = self.url(&format!("/_sim{path}"));
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{body}");
        answer.json().await.unwrap()
    }

    /// A fault that strikes the next request of this method under this path.
    pub(crate) async fn fault(&self, kind: &str, method: &str, path: &str) {
        let order =
            json!({ "kind": kind, "method": method, "path": path, "times": 1, "retry_after": "7" });
        self.order("/faults", order).await;
    }

    /// A service account of Google's that stands for Ingrid.
    pub(crate) async fn google(&self) -> Arc<dyn Calendar> {
        let Settings::Google {
            calendar, invites, ..
        } = Settings::google()
        else {
            unreachable!("made as Google's")
        };
        let settings = Settings::Google {
            calendar,
            invites,
            person: Some(INGRID.to_owned()),
            api_url: self.url("/google/calendar/v3"),
            token_url: self.url("/google/token"),
        };
        let key_file = self.sim("/calendars/service-account").await.to_string();
        let opener = Opener::ServiceAccount { key_file };
        let view = self
            .app
            .calendar_accounts()
            .add("work", &settings, &opener)
            .await
            .unwrap();
        assert_eq!((view.state.as_str(), view.reason), ("working", None));
        self.app
            .calendars()
            .open(&self.app, "google", Some("work"))
            .await
            .unwrap()
    }

    /// An application of Microsoft's that may write Ingrid's mailbox.
    pub(crate) async fn microsoft(&self) -> Arc<dyn Calendar> {
        let settings = Settings::Microsoft {
            tenant: "brightwater.example".to_owned(),
            mailbox: Some(INGRID.to_owned()),
            invites: true,
            api_url: self.url("/graph/v1.0"),
            login_url: self.url("/graph"),
        };
        let opener = Opener::Client {
            client_id: "simulator".to_owned(),
            client_secret: "simulator".to_owned(),
        };
        let view = self
            .app
            .calendar_accounts()
            .add("office", &settings, &opener)
            .await
            .unwrap();
        assert_eq!((view.state.as_str(), view.reason), ("working", None));
        self.app
            .calendars()
            .open(&self.app, "microsoft", None)
            .await
            .unwrap()
    }
}

pub(crate) fn guest(email: &str) -> Attendee {
    Attendee {
        email: email.to_owned(),
        name: None,
        role: Role::Required,
        answer: Answer::Pending,
    }
}

/// Half an hour with Tobias on 1 December, nine o'clock in Berlin.
pub(crate) fn meeting(key: &str) -> CalendarEvent {
    CalendarEvent {
        key: key.to_owned(),
        ical_uid: format!("{key}@parfocal"),
        sequence: 0,
        title: "Budget, \"final\"; <draft> 🚀".to_owned(),
        body: Some("Join: https://zoom.example/j/1?pwd=a&b\nBring numbers".to_owned()),
        location: Some("https://zoom.example/j/1?pwd=a&b".to_owned()),
        join_url: Some("https://zoom.example/j/1?pwd=a&b".to_owned()),
        when: When::Timed {
            start: "2026-12-01T09:00".parse().unwrap(),
            zone: "Europe/Berlin".to_owned(),
            minutes: 30,
        },
        recurrence: None,
        overrides: Vec::new(),
        organizer: None,
        attendees: vec![guest(TOBIAS)],
        reminders: Vec::new(),
        cancelled: false,
    }
}

/// Every Tuesday across the change to summer time, once moved, once called off.
pub(crate) fn series(key: &str) -> CalendarEvent {
    let mut event = meeting(key);
    event.when = When::Timed {
        start: "2027-03-16T09:00".parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
        minutes: 30,
    };
    event.recurrence = Some(Recurrence::of(
        "FREQ=WEEKLY;BYDAY=TU;COUNT=5".parse().unwrap(),
    ));
    event.overrides = vec![
        Override {
            original: "2027-03-30T09:00".parse().unwrap(),
            change: OverrideChange::Moved {
                when: When::Timed {
                    start: "2027-03-31T11:00".parse().unwrap(),
                    zone: "Europe/Berlin".to_owned(),
                    minutes: 45,
                },
                title: Some("Budget, late".to_owned()),
            },
        },
        Override {
            original: "2027-04-06T09:00".parse().unwrap(),
            change: OverrideChange::Cancelled,
        },
    ];
    event
}

pub(crate) fn december() -> TimeSpan {
    TimeSpan {
        from: "2026-12-01T00:00:00Z".parse().unwrap(),
        to: "2026-12-02T00:00:00Z".parse().unwrap(),
    }
}
