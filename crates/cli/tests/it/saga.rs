//! Scheduling while the server is killed with SIGKILL, over and over: Zoom, the calendar, the mailbox and the store agree in the end.
//!
//! Series are made, moved, moved and called off in one occurrence, and called off, through `/v1/schedules`. In each of these the
//! server is killed once: before Zoom or the calendar has heard of it, when they have done it and their answer is still under
//! way, as soon as the mail server has the first mail, when it has it and does not say so, or at a random moment. It is started
//! again, the client repeats its request under the same key, and what comes out is compared. Meetings stand in Google's calendar
//! and in Microsoft's by turns. `PARFOCAL_SAGA_KILLS` sets the number of kills (70 go through every combination),
//! `PARFOCAL_SAGA_SEED` repeats a run.

use std::time::{Duration, Instant};

use parfocal_simulator::{Config, Limits, Simulator};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::kill::{Chance, free_port, number};
use crate::support::{Running, World};

mod compare;
mod post;

use compare::{compare, remind};
use post::Post;

const PEOPLE: [&str; 2] = ["ann@example.com", "bob@example.com"];
const OWNER: &str = "ingrid@brightwater.example";
/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is asked for, one after the other, of each meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Make,
    Move,
    MoveOne,
    CallOneOff,
    CallOff,
}

const ASKS: [Ask; 5] = [
    Ask::Make,
    Ask::Move,
    Ask::MoveOne,
    Ask::CallOneOff,
    Ask::CallOff,
];

/// When the server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    ZoomHasDoneIt,
    CalendarHasDoneIt,
    FirstMail,
    ZoomIsAsked,
    CalendarIsAsked,
    MailIsTaken,
    Any,
}

const MOMENTS: [Moment; 7] = [
    Moment::ZoomHasDoneIt,
    Moment::CalendarHasDoneIt,
    Moment::FirstMail,
    Moment::ZoomIsAsked,
    Moment::CalendarIsAsked,
    Moment::MailIsTaken,
    Moment::Any,
];

/// One meeting and what was asked for it.
#[derive(Debug)]
struct Meeting {
    title: String,
    /// `google` or `microsoft`.
    calendar: &'static str,
    start: jiff::civil::DateTime,
    id: Option<String>,
    done: usize,
}

struct Stage {
    world: World,
    simulator: Simulator,
    post: Post,
    client: reqwest::Client,
    listen: String,
    host: String,
    server: Option<Running>,
    chance: Chance,
}

impl Stage {
    async fn new(world: World, seed: u64) -> Self {
        let clock_file = world.path("clock.json");
        let simulator = Simulator::start(Config {
            clock_file: Some(clock_file.clone()),
            limits: Limits::Off,
            ..Config::default()
        })
        .await
        .unwrap();
        let base = simulator.base_url().to_owned();
        let post = Post::start().await;
        let mut world = world;
        for (name, value) in [
            ("ZOOM_API_URL", format!("{base}/v2")),
            ("ZOOM_OAUTH_URL", base.clone()),
            ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
            ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
            ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
            ("PARFOCAL_CLOCK__FILE", clock_file.display().to_string()),
            (
                "PARFOCAL_DATA__DIR",
                world.path("data").display().to_string(),
            ),
            ("PARFOCAL_LIMITS__PLAN", "off".to_owned()),
            ("PARFOCAL_JOBS__LEASE_SECONDS", "10".to_owned()),
            ("PARFOCAL_SMTP__HOST", "127.0.0.1".to_owned()),
            ("PARFOCAL_SMTP__PORT", post.port.to_string()),
            ("PARFOCAL_SMTP__SECURITY", "none".to_owned()),
        ] {
            world = world.env(name, value);
        }
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .unwrap();
        let mut stage = Self {
            world,
            simulator,
            post,
            client,
            listen: format!("127.0.0.1:{}", free_port()),
            host: String::new(),
            server: None,
            chance: Chance(seed),
        };
        stage.world.run(&["connections", "check", "env"]).exits(0);
        for name in [
            "scheduling",
            "mail",
            "reminders",
            "calendar-google",
            "calendar-microsoft",
        ] {
            stage.world.run(&["component", "activate", name]).exits(0);
        }
        let key = stage.control("calendars/service-account", None).await;
        std::fs::write(stage.world.path("key.json"), key.to_string()).unwrap();
        let api = format!("{base}/google/calendar/v3");
        let token = format!("{base}/google/token");
        let add = [
            "calendars",
            "add",
            "google",
            "work",
            "--key-file",
            "key.json",
            "--person",
            OWNER,
            "--own-invitations",
            "--api-url",
            &api,
            "--token-url",
            &token,
        ];
        stage.world.run(&add).exits(0);
        std::fs::write(stage.world.path("secret"), "simulator").unwrap();
        let (api, login) = (format!("{base}/graph/v1.0"), format!("{base}/graph"));
        let add = [
            "calendars",
            "add",
            "microsoft",
            "office",
            "--tenant",
            "brightwater.example",
            "--person",
            OWNER,
            "--client-id",
            "simulator",
            "--secret-file",
            "secret",
            "--own-invitations",
            "--api-url",
            &api,
            "--token-url",
            &login,
        ];
        stage.world.run(&add).exits(0);
        let users = stage.zoom("users?page_size=30").await;
        users["users"][0]["email"]
            .as_str()
            .unwrap()
            .clone_into(&mut stage.host);
        stage.serve();
        stage
    }

    fn serve(&mut self) {
        let command = ["serve", "--listen", &self.listen, "--json"];
        self.server = Some(self.world.start(&command));
    }

    async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sim/{path}", self.simulator.base_url());
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    /// What Zoom says, asked without the program.
    async fn zoom(&self, path: &str) -> Value {
        let base = self.simulator.base_url();
        let token: Value = self
            .client
            .post(format!(
                "{base}/oauth/token?grant_type=account_credentials&account_id=simulator"
            ))
            .basic_auth("simulator", Some("simulator"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let request = self.client.get(format!("{base}/v2/{path}"));
        let answer = request
            .bearer_auth(token["access_token"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    async fn ours(&self, path: &str) -> Value {
        let url = format!("http://{}/v1/{path}", self.listen);
        let answer = self.client.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    /// Sends a request of a client's, under its key.
    fn ask(&self, ask: Ask, meeting: &Meeting) -> JoinHandle<Option<(u16, Value)>> {
        let (path, body) = self.request(ask, meeting);
        let request = self
            .client
            .post(format!("http://{}/v1/{path}", self.listen))
            .header("idempotency-key", format!("{}/{ask:?}", meeting.start))
            .json(&body);
        tokio::spawn(async move {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.json().await.ok()?))
        })
    }

    fn request(&self, ask: Ask, meeting: &Meeting) -> (String, Value) {
        let start = meeting.start;
        let of = |verb: &str| format!("schedules/{}/{verb}", meeting.id.as_deref().unwrap_or(""));
        let plus = |minutes: i64| start + jiff::Span::new().minutes(minutes);
        let week = |weeks: i64, minutes: i64| plus(minutes) + jiff::Span::new().weeks(weeks);
        match ask {
            Ask::Make => (
                "schedules".to_owned(),
                json!({
                    "title": meeting.title, "start": start, "timezone": "Europe/Berlin", "minutes": 20, "every": "week",
                    "count": 5, "host": self.host, "calendar": meeting.calendar, "allow_conflicts": true,
                    "reminders": [{"minutes": 10, "method": "email"}],
                    "attendees": PEOPLE.map(|email| json!({"email": email})),
                }),
            ),
            Ask::Move => (
                of("reschedule"),
                json!({"start": plus(30), "minutes": 25, "allow_conflicts": true}),
            ),
            Ask::MoveOne => (
                of("reschedule"),
                json!({"occurrence": week(1, 30), "start": week(1, 90), "allow_conflicts": true}),
            ),
            Ask::CallOneOff => (of("cancel"), json!({"occurrence": week(2, 30)})),
            Ask::CallOff => (of("cancel"), json!({})),
        }
    }

    /// Waits until something holds; what is waited for is said when it never does.
    async fn until(&mut self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self).await {
            assert!(Instant::now() < end, "{what}: never came");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The order that holds Zoom or the calendar up at a moment; none for moments that need none.
    fn hold(moment: Moment, ask: Ask, calendar: &str) -> Option<Value> {
        let zoom = match ask {
            Ask::Make => ("POST", "/v2/users/"),
            Ask::Move | Ask::MoveOne => ("PATCH", "/v2/meetings/"),
            Ask::CallOneOff | Ask::CallOff => ("DELETE", "/v2/meetings/"),
        };
        let google = calendar == "google";
        let method = match ask {
            Ask::Make => "POST",
            Ask::CallOff => "DELETE",
            // At Google an occurrence is changed into one that is called off.
            Ask::CallOneOff if !google => "DELETE",
            _ => "PATCH",
        };
        let path = if google {
            "/google/calendar/v3/calendars/"
        } else {
            "/graph/v1.0/users/"
        };
        let (kind, (method, path)) = match moment {
            Moment::ZoomIsAsked => ("slow", zoom),
            Moment::ZoomHasDoneIt => ("late_answer", zoom),
            Moment::CalendarIsAsked => ("slow", (method, path)),
            Moment::CalendarHasDoneIt => ("late_answer", (method, path)),
            Moment::FirstMail | Moment::MailIsTaken | Moment::Any => return None,
        };
        Some(
            json!({"kind": kind, "path": path, "method": method, "times": 1, "delay_ms": 3_600_000}),
        )
    }

    fn mails(&self) -> Vec<String> {
        self.post.mails()
    }

    /// Sends a request and kills the server at a moment; whether that moment came before the request was answered.
    async fn die_at(&mut self, moment: Moment, ask: Ask, meeting: &Meeting) -> bool {
        if let Some(fault) = Self::hold(moment, ask, meeting.calendar) {
            self.control("faults", Some(fault)).await;
        }
        self.post.hold(moment == Moment::MailIsTaken);
        let before = self.mails().len();
        let wait = Duration::from_millis(self.chance.below(400));
        let asked = self.ask(ask, meeting);
        let began = Instant::now();
        loop {
            let now = match moment {
                Moment::FirstMail => self.mails().len() > before,
                Moment::MailIsTaken => self.post.has_held(),
                Moment::Any => began.elapsed() >= wait,
                _ => {
                    let faults = self.control("faults", None).await;
                    faults[0]["struck"].as_u64() > Some(0)
                }
            };
            if now || asked.is_finished() {
                break;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{ask:?} at {moment:?}: never came"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Dropping it sends SIGKILL.
        drop(self.server.take());
        self.post.hold(false);
        let answered = matches!(asked.await.unwrap(), Some((200..=201, _)));
        let url = format!("{}/_sim/faults", self.simulator.base_url());
        self.client.delete(url).send().await.unwrap();
        !answered
    }

    /// Repeats a request until it is answered, and waits until nothing is under way any more.
    async fn come_to_an_end(&mut self, ask: Ask, meeting: &mut Meeting) {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.ask(ask, meeting).await.unwrap() {
                Some((200..=202, said)) => {
                    let id = said["meeting"]["id"].as_str().unwrap();
                    assert!(
                        meeting.id.as_deref().is_none_or(|known| known == id),
                        "another meeting"
                    );
                    meeting.id = Some(id.to_owned());
                    break;
                }
                other => {
                    assert!(Instant::now() < end, "{ask:?} is refused: {other:?}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        let path = format!("schedules/{}", meeting.id.as_deref().unwrap());
        self.until("the saga's end", async |stage| {
            stage.ours(&path).await["under_way"].is_null()
        })
        .await;
        meeting.done += 1;
    }
}

async fn hold(world: World, kills: u64) {
    let seed = number("PARFOCAL_SAGA_SEED", 1);
    let mut stage = Stage::new(world, seed).await;
    let mut meetings: Vec<Meeting> = Vec::new();
    let mut in_time = 0;
    for k in 0..kills {
        let (round, place) = (
            k / ASKS.len() as u64,
            usize::try_from(k).unwrap() % ASKS.len(),
        );
        if place == 0 {
            let now = stage.control("clock", None).await;
            let now: jiff::Timestamp = now["now"].as_str().unwrap().parse().unwrap();
            let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
            let day = day + jiff::Span::new().days(40 + i64::try_from(round % 40).unwrap());
            meetings.push(Meeting {
                title: format!("Saga {round}, \"quoted\""),
                calendar: ["google", "microsoft"][usize::try_from(round % 2).unwrap()],
                start: day.at(8, 0, 0, 0),
                id: None,
                done: 0,
            });
        }
        let last = meetings.len() - 1;
        let (ask, moment) = (
            ASKS[place],
            MOMENTS[usize::try_from(k).unwrap() % MOMENTS.len()],
        );
        let came = stage.die_at(moment, ask, &meetings[last]).await;
        in_time += u64::from(came);
        // While nobody is there the lease of the dead ends.
        stage
            .control("clock", Some(json!({"advance_ms": 300_000})))
            .await;
        stage.serve();
        if k % 2 == 0 && meetings[last].id.is_some() {
            // The client does not come back at once: what was begun is ended without it.
            let path = format!("schedules/{}", meetings[last].id.as_deref().unwrap());
            stage
                .until("the saga's end", async |stage| {
                    stage.ours(&path).await["under_way"].is_null()
                })
                .await;
        }
        stage.come_to_an_end(ask, &mut meetings[last]).await;
    }
    compare(&stage, &meetings).await;
    println!(
        "{kills} kills (seed {seed}), {in_time} of them before the answer: {} meetings, {} mails; Zoom, calendar, mailbox and store agree",
        meetings.len(),
        stage.mails().len(),
    );
    assert!(in_time * 2 >= kills, "too few kills hit anything");
    if meetings.iter().all(|one| one.done == ASKS.len()) {
        let start = meetings[0].start + jiff::Span::new().minutes(240);
        meetings.push(Meeting {
            title: "Saga, the last".to_owned(),
            calendar: "google",
            start,
            id: None,
            done: 0,
        });
        let last = meetings.len() - 1;
        stage.come_to_an_end(Ask::Make, &mut meetings[last]).await;
    }
    let mut reminded = 0;
    for meeting in meetings.iter().filter(|one| one.done < ASKS.len()).take(2) {
        remind(&mut stage, meeting, reminded == 0).await;
        reminded += 1;
    }
    assert!(
        reminded > 0 || kills.is_multiple_of(5),
        "nobody was reminded"
    );
    drop(stage.server.take());
    stage.simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_no_orphan_and_invites_nobody_twice() {
    hold(World::new(), number("PARFOCAL_SAGA_KILLS", 8)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_it_on_postgresql() {
    if let Some(url) = crate::postgres::database("saga") {
        let world = World::new().env("DATABASE_URL", url);
        hold(world, number("PARFOCAL_SAGA_KILLS", 8).div_ceil(2)).await;
    }
}
