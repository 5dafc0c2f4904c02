//! A crowd on its way to Brevo through everything there is: store, streams, roles, sender, budget, and the simulator's double.
//!
//! Everybody registers for a webinar; four of five come, some of them under another address than they registered with, some leave
//! early; the rest do not come. On the way Brevo answers 429 and 500, takes calls and closes the line without a word, cuts answers
//! off and answers late, and the process dies again and again: its work is dropped wherever it stands, mostly while calls are under
//! way, and the store is opened anew. In the end each contact, membership and event is there once, and another run asks Brevo
//! for nothing.
//!
//! Time is the test's own and goes on only while the test does, so nothing depends on this machine's pace.
//! `PARFOCAL_ATTENDEES` makes the crowd larger (5000), `PARFOCAL_SEED` repeats a run of deaths.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::SignedDuration;
use parfocal_engine::App;
use parfocal_engine::activate::{AddDestination, BackfillOrder, DestinationView};
use parfocal_engine::audit::By;
use parfocal_engine::clock::Clock;
use parfocal_engine::components::Activation;
use parfocal_engine::config::{Config, Secret};
use parfocal_engine::error::Result;
use parfocal_engine::ingest::artefacts;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{
    ArtefactKind, AttendanceKind, InstanceState, MeetingKind, NewAccount, NewAttendance,
    NewDomainEvent, NewInstance, NewMeeting, NewRegistrant, Provider, SEQUENCER, Seen, Source,
    StreamKind, StreamState,
};
use parfocal_simulator::{Config as SimConfig, Limits, Simulator};
use parfocal_zoom::clock::ManualClock;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::core_support::{SERVER, command, config, control, manual, server};

/// How far the test's time goes on in one step; a role is held for twenty seconds.
const STEP: Duration = Duration::from_millis(20);
/// More rounds than any crowd needs.
const MOST_ROUNDS: u32 = 5_000;

/// Which way the crowd comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As it happens: the destination was there before.
    Live,
    /// All at once afterwards, contacts by imports.
    Backfill,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_arrives_once_live() {
    SERVER.scope(None, arrives_once(Way::Live, 100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_arrives_once_by_backfill() {
    SERVER.scope(None, arrives_once(Way::Backfill, 60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_arrives_once_on_postgresql() {
    if let Some(url) = server("a crowd on its way to Brevo") {
        SERVER.scope(Some(url), arrives_once(Way::Live, 30)).await;
    }
}

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Somebody of the crowd.
#[derive(Debug, Clone, Copy)]
struct Guest(usize);

impl Guest {
    fn came(self) -> bool {
        !self.0.is_multiple_of(5)
    }

    fn left_early(self) -> bool {
        self.came() && self.0.is_multiple_of(7)
    }

    fn registered_with(self) -> String {
        format!("guest{}@example.com", self.0)
    }

    /// The address that Zoom shows of them in the meeting.
    fn sat_with(self) -> String {
        if self.0 % 10 == 1 {
            format!("guest{}@work.example", self.0)
        } else {
            self.registered_with()
        }
    }

    fn lists(self) -> BTreeSet<&'static str> {
        let shared = ["Zoom | Everybody", "Zoom | Registrants", "Zoom | Webinars"];
        let own = if self.came() {
            "Zoom | Attended"
        } else {
            "Zoom | No-show"
        };
        shared.into_iter().chain([own]).collect()
    }

    fn events(self) -> BTreeSet<&'static str> {
        let mut events =
            BTreeSet::from(["zoom_registration_created", "zoom_registration_approved"]);
        events.insert(if self.came() {
            "zoom_meeting_attended"
        } else {
            "zoom_meeting_missed"
        });
        if self.left_early() {
            events.insert("zoom_meeting_left_early");
        }
        events
    }
}

/// A future that dies after it was woken so often: whatever it does then is never finished.
struct Mortal<F> {
    life: Pin<Box<F>>,
    left: u64,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.life.as_mut().poll(cx).map(Some)
    }
}

struct World {
    _dir: TempDir,
    config: Config,
    hands: ManualClock,
    clock: Clock,
    app: App,
    sim: Simulator,
    /// Made once: to make one takes longer than to ask.
    http: reqwest::Client,
    crowd: usize,
}

impl World {
    async fn make(crowd: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Simulator::start(SimConfig {
            base_time: Some("2026-11-22T08:00:00Z".parse().unwrap()),
            speed: 0.0,
            limits: Limits::Off,
            ..SimConfig::default()
        })
        .await
        .unwrap();
        let (hands, clock) = manual();
        let config = config(dir.path());
        let app = open(&config, &clock).await;
        for component in ["activation", "brevo"] {
            app.components()
                .activate(
                    component,
                    &Activation::default(),
                    &Caller::local(Surface::Cli),
                )
                .await
                .unwrap();
        }
        Self {
            _dir: dir,
            config,
            hands,
            clock,
            app,
            sim,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            crowd,
        }
    }

    fn guests(&self) -> impl Iterator<Item = Guest> + use<> {
        (0..self.crowd).map(Guest)
    }

    async fn add_brevo(&self) {
        let new = AddDestination {
            name: "brevo".into(),
            kind: "brevo".into(),
            config: json!({
                "base_url": format!("{}/brevo/v3", self.sim.base_url()),
                "timeout_seconds": 1, "settle_seconds": 5,
            }),
        };
        let key = Secret::new("xkeysib-simulator").to_secret_string();
        self.app
            .destinations()
            .add(&new, Some(&key), &By::system())
            .await
            .unwrap();
    }

    /// Writes everything that Zoom would have told of the webinar, with the events of it.
    async fn take_in(&self) {
        let began = self.clock.now();
        let at = |minutes| {
            began
                .checked_add(SignedDuration::from_mins(minutes))
                .unwrap()
        };
        self.hands.advance(Duration::from_hours(3));
        let now = self.clock.now();
        let seen = |minutes| Seen {
            at: at(minutes),
            source: Source::Detail,
            now,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        let account = NewAccount {
            provider: Provider::Zoom,
            external_id: "acme".into(),
            name: None,
            plan: None,
            region: None,
            limits_share: None,
            capabilities: None,
        };
        let account = tx.upsert_account(&account, now).await.unwrap();
        let number = "90000000001";
        let meeting = NewMeeting {
            external_id: number.into(),
            number: number.into(),
            kind: Some(MeetingKind::Webinar),
            topic: Some("Harbour talk".into()),
            ..NewMeeting::default()
        };
        let meeting = tx
            .upsert_meeting(account, &meeting, &seen(0))
            .await
            .unwrap()
            .id;
        let run = NewInstance {
            external_id: "harbour==".into(),
            number: Some(number.into()),
            kind: Some(MeetingKind::Webinar),
            topic: Some("Harbour talk".into()),
            state: Some(InstanceState::Ended),
            start: Some(at(60)),
            end: Some(at(120)),
            ..NewInstance::default()
        };
        let run = tx
            .upsert_instance(account, &run, &seen(121))
            .await
            .unwrap()
            .id;
        let mut told = Vec::new();
        for guest in self.guests() {
            let registrant = format!("R{}", guest.0);
            let new = NewRegistrant {
                external_id: registrant.clone(),
                email: Some(guest.registered_with()),
                name: Some(format!("Guest {}", guest.0)),
                status: Some("approved".into()),
                ..NewRegistrant::default()
            };
            let done = tx
                .upsert_registrant(account, meeting, &new, &seen(10))
                .await
                .unwrap();
            // Half of the registrations are told of one by one, the rest with the webinar.
            if guest.0.is_multiple_of(2) {
                told.push(("registrant.created", done.id.to_string()));
            }
            if guest.came() {
                let stay = NewAttendance {
                    match_key: format!("registrant:{registrant}"),
                    name: Some(format!("Guest {}", guest.0)),
                    email: Some(guest.sat_with()),
                    user_external_id: None,
                    registrant_id: Some(registrant),
                    role: None,
                    join_key: format!("main:{}", guest.0),
                    kind: AttendanceKind::Main,
                    join: at(62),
                    leave: Some(at(if guest.left_early() { 80 } else { 119 })),
                    raw: None,
                };
                tx.join(run, &stay, &seen(130)).await.unwrap();
            }
        }
        artefacts::present(&mut tx, run, ArtefactKind::Participants, now)
            .await
            .unwrap();
        told.push(("participants.ready", run.to_string()));
        for (event_type, subject_id) in told {
            let event = NewDomainEvent {
                event_type: event_type.into(),
                v: 1,
                subject_id,
                data: json!({}),
            };
            tx.append_event(&event, now).await.unwrap();
        }
        tx.commit().await.unwrap();
        let until = now.checked_add(SignedDuration::from_mins(1)).unwrap();
        let lease = self
            .app
            .store()
            .acquire_lease(SEQUENCER, "test", now, until)
            .await;
        let lease = lease.unwrap().unwrap();
        self.app
            .store()
            .sequence_events(&lease, 100_000, now)
            .await
            .unwrap();
    }

    /// Lets time go on for as long as a piece of work takes.
    async fn timed<F: Future>(&self, work: F) -> F::Output {
        let system = Clock::system();
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = system.sleep(Duration::from_millis(1)) => self.hands.advance(STEP),
            }
        }
    }

    /// Works until everything is at Brevo, and dies `deaths` times on the way.
    async fn work(&mut self, deaths: u32, chance: &mut Chance) -> u32 {
        let (mut died, mut rounds) = (0, 0);
        loop {
            rounds += 1;
            assert!(
                rounds < MOST_ROUNDS,
                "it comes to no end: {:?}",
                self.view().await
            );
            // The webinar's people are read through in one life or anew in the next: of a large crowd now and then one life is
            // long enough for that.
            let longest = match died % 4 {
                3 if self.crowd > 1_000 => 100 * self.crowd as u64,
                _ => 1_200,
            };
            let life = if died < deaths {
                40 + chance.below(longest)
            } else {
                u64::MAX
            };
            let app = self.app.clone();
            let run = Mortal {
                life: Box::pin(async move { app.destinations().run().await }),
                left: life,
            };
            let ended: Option<Result<()>> = self.timed(run).await;
            if matches!(ended, Some(Ok(()))) {
                let view = self.view().await;
                assert_eq!(view.deliveries.dead, 0, "{view:?}");
                let read = view
                    .streams
                    .iter()
                    .all(|one| one.kind == StreamKind::Live || one.state == StreamState::Done);
                if read
                    && view.unread == 0
                    && view.deliveries.pending + view.deliveries.waiting == 0
                {
                    return died;
                }
                // What was put off comes up, and Brevo's imports end.
                self.hands.advance(Duration::from_mins(5));
            } else {
                died += u32::from(ended.is_none());
                self.app = open(&self.config, &self.clock).await;
                // The role of the dead and their places in the budget end by themselves.
                self.hands.advance(Duration::from_secs(40));
            }
            let clock = format!("{}/_sim/clock", self.sim.base_url());
            let order = json!({ "set": self.clock.now() });
            let moved = self.http.post(clock).json(&order).send().await;
            assert!(moved.unwrap().status().is_success());
        }
    }

    async fn view(&self) -> DestinationView {
        self.app.destinations().get("brevo").await.unwrap()
    }

    async fn look(&self) -> Value {
        control(self.sim.base_url(), "/brevo").await
    }

    async fn backfill(&self) {
        let destinations = self.app.destinations();
        destinations
            .backfill("brevo", &BackfillOrder::default(), &By::system())
            .await
            .unwrap();
    }
}

async fn open(config: &Config, clock: &Clock) -> App {
    crate::core_support::open(config.clone(), clock).await
}

/// A small generator (SplitMix64), so that a run can be repeated by its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

async fn arrives_once(way: Way, usual: u64) {
    let crowd = usize::try_from(given("PARFOCAL_ATTENDEES").unwrap_or(usual)).unwrap();
    let seed = given("PARFOCAL_SEED").unwrap_or(1);
    let mut chance = Chance(seed);
    let mut world = World::make(crowd).await;
    for fault in [
        json!({ "kind": "rate_limit", "path": "/brevo/", "every": 17 }),
        json!({ "kind": "server_error", "path": "/brevo/", "every": 13 }),
        json!({ "kind": "lost", "path": "/brevo/", "every": 11 }),
        json!({ "kind": "cut", "path": "/brevo/", "every": 19, "after_bytes": 1 }),
        // Longer than the client waits: the call is carried out, and nobody hears of it.
        json!({ "kind": "late_answer", "method": "POST", "path": "/brevo/v3/events/batch", "delay_ms": 600_000, "times": 2 }),
    ] {
        command(world.sim.base_url(), "/faults", fault).await;
    }
    match way {
        Way::Live => {
            world.add_brevo().await;
            world.take_in().await;
        }
        Way::Backfill => {
            world.take_in().await;
            world.add_brevo().await;
            world.backfill().await;
        }
    }
    let deaths = u32::try_from(crowd / 20).unwrap().clamp(4, 100);
    let died = world.work(deaths, &mut chance).await;
    let seen = world.look().await;
    eprintln!(
        "{crowd} attendees, {way:?}, seed {seed}: died {died} times; {} calls; {}",
        seen["calls"], seen["counts"]
    );
    assert!(
        died >= 3,
        "the process died only {died} times: the run shows nothing"
    );
    all_there_once(&world, way, &seen);

    // Once more, everything: Brevo is not even asked.
    let before = seen["calls"].clone();
    world.app = open(&world.config, &world.clock).await;
    world.backfill().await;
    world.work(0, &mut chance).await;
    let after = world.look().await;
    assert_eq!(after["calls"], before, "the second run sent something");
    world.sim.shutdown().await;
}

fn all_there_once(world: &World, way: Way, seen: &Value) {
    let contacts: BTreeMap<&str, &Value> = seen["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| (contact["email"].as_str().unwrap(), contact))
        .collect();
    assert_eq!(contacts.len(), world.crowd);
    assert_eq!(seen["counts"]["contacts"], json!(world.crowd));
    let mut events: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for event in seen["events"].as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        let name = match way {
            Way::Live => name,
            Way::Backfill => name.strip_suffix("_backfill").unwrap(),
        };
        events
            .entry(event["email"].as_str().unwrap())
            .or_default()
            .push(name);
        assert!(
            ids.insert(event["properties"]["event_id"].as_str().unwrap()),
            "an event is there twice: {event}"
        );
    }
    for guest in world.guests() {
        let email = guest.registered_with();
        let contact = contacts[email.as_str()];
        let lists: BTreeSet<&str> = contact["joined"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(lists, guest.lists(), "{email}");
        assert!(
            contact["joined"]
                .as_object()
                .unwrap()
                .values()
                .all(|times| *times == 1),
            "{contact}"
        );
        let mut told = events.remove(email.as_str()).unwrap();
        told.sort_unstable();
        let wanted: Vec<&str> = guest.events().into_iter().collect();
        assert_eq!(told, wanted, "{email}");
        assert_ne!(
            contact["made_by"], "event",
            "an event came before its contact"
        );
        let minutes = match (guest.came(), guest.left_early()) {
            (false, _) => 0,
            (true, false) => 57,
            (true, true) => 18,
        };
        assert_eq!(
            contact["attributes"]["ZOOM_TOTAL_MINUTES"], minutes,
            "{email}"
        );
    }
    assert!(events.is_empty(), "events of strangers: {events:?}");
    assert_eq!(
        seen["dropped"],
        json!([]),
        "Brevo dropped values without a word"
    );
    assert_eq!(
        seen["unblocking"],
        json!([]),
        "a call would have subscribed somebody again"
    );
}
