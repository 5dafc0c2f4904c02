//! The same records by backfill and live, in any order and twice, leave a destination with the same things to have.

mod apart;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    AccountId, ArtefactKind, AttendanceKind, DeliveryFilter, DeliveryState, DestinationId,
    InstanceId, InstanceState, MeetingId, NewAccount, NewAttendance, NewDomainEvent, NewInstance,
    NewMeeting, NewRegistrant, PageRequest, Provider, SEQUENCER, Seen, Source, StreamKind,
    StreamState,
};
use parfocal_zoom::clock::ManualClock;
use proptest::prelude::*;
use serde_json::json;

use super::model::{Again, Checked, Delivery, Plan, Planned, Reports, Takes};
use super::{Destination, PersonFile, people};
use crate::App;
use crate::clock::{Chance, Clock};
use crate::config::{Config, Plan as ZoomPlan, Secret};
use crate::error::{EngineError, Result};
use crate::ingest::artefacts;

/// A system that would have a contact of each person and an event of each moment.
#[derive(Debug)]
struct Everything;

impl Destination for Everything {
    fn kind(&self) -> &'static str {
        "everything"
    }

    fn takes(&self) -> Takes {
        Takes::People
    }

    fn plan_person(&self, file: &PersonFile) -> Plan {
        let person = &file.person;
        let lane = format!("person/{}", person.id);
        let thing = |key: String, kind, rank, body, again, at| Planned {
            key,
            kind,
            rank,
            ord: 0,
            lane: lane.clone(),
            body,
            again,
            at,
            rule: None,
        };
        let body = json!({
            "email": person.email, "emails": person.emails, "name": person.name, "attended": person.attended,
            "missed": person.missed, "minutes": person.minutes, "registrations": person.registrations,
        });
        let key = format!("contact/{}", person.id);
        let mut send = vec![thing(key, "contact", 0, body, Again::WhenChanged, None)];
        for moment in &file.moments {
            let body =
                json!({"email": person.email, "kind": moment.kind.as_str(), "at": moment.at});
            let key = format!("event/{}", moment.key);
            send.push(thing(
                key,
                "event",
                2,
                body,
                Again::WhenChanged,
                Some(moment.at),
            ));
        }
        Plan {
            send,
            left_out: Vec::new(),
        }
    }

    fn deliver(&self, _batch: Vec<Delivery>, _reports: Reports) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked>> {
        Box::pin(async { Err(EngineError::invalid("nobody is there")) })
    }
}

/// One thing that Zoom tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Registered(usize, usize),
    Joined(usize, usize),
    Ended(usize),
    /// Who was there, all of them.
    Report(usize),
}

const MEETINGS: usize = 2;
/// Who was in the run of each meeting.
const THERE: [&[usize]; MEETINGS] = [&[0, 1, 3], &[1]];

fn all() -> Vec<Said> {
    let mut all = Vec::new();
    for (meeting, there) in THERE.iter().enumerate() {
        all.extend((0..4).map(|person| Said::Registered(person, meeting)));
        all.extend(there.iter().map(|person| Said::Joined(*person, meeting)));
        all.extend([Said::Ended(meeting), Said::Report(meeting)]);
    }
    all
}

struct World {
    _dir: tempfile::TempDir,
    app: App,
    account: AccountId,
    meetings: Vec<MeetingId>,
    runs: Vec<InstanceId>,
    destination: DestinationId,
}

fn at(minutes: i64) -> Timestamp {
    "2026-11-20T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

impl World {
    async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        dir.path().clone_into(&mut config.data.dir);
        config.vault.key = Some(Secret::new(&hex::encode([1; 32])));
        config.limits.plan = ZoomPlan::Business;
        let clock = Clock::custom(Arc::new(ManualClock::new(at(10_000))));
        let app = App::open_with(config, clock, Chance::system())
            .await
            .unwrap();
        let now = app.clock().now();
        let account = NewAccount {
            provider: Provider::Zoom,
            external_id: "acme".into(),
            name: None,
            plan: None,
            region: None,
            limits_share: None,
            capabilities: None,
        };
        let seen = seen(0, now);
        let mut tx = app.store().begin(app.scope()).await.unwrap();
        let account = tx.upsert_account(&account, now).await.unwrap();
        let (mut meetings, mut runs) = (Vec::new(), Vec::new());
        for n in 0..MEETINGS {
            let number = format!("9000000{n}");
            let meeting = NewMeeting {
                external_id: number.clone(),
                number: number.clone(),
                topic: Some(format!("Talk {n}")),
                ..NewMeeting::default()
            };
            meetings.push(
                tx.upsert_meeting(account, &meeting, &seen)
                    .await
                    .unwrap()
                    .id,
            );
            let run = NewInstance {
                external_id: format!("run-{n}=="),
                number: Some(number),
                start: Some(at(0)),
                ..NewInstance::default()
            };
            runs.push(tx.upsert_instance(account, &run, &seen).await.unwrap().id);
        }
        let destination = tx
            .add_destination("everything", "all", &json!({}), Timestamp::MIN, now)
            .await
            .unwrap()
            .unwrap();
        tx.add_stream(destination, StreamKind::Live, &json!({}), "0", now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self {
            _dir: dir,
            app,
            account,
            meetings,
            runs,
            destination,
        }
    }

    /// Takes in what is told, with the event that tells of it.
    async fn hear(&self, said: Said) {
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        let subject = match said {
            Said::Registered(person, meeting) => {
                let new = NewRegistrant {
                    external_id: registrant(person, meeting),
                    // The last person registers under another address than the one they sit in the meeting with.
                    email: Some(if person == 3 {
                        "three@home.example".into()
                    } else {
                        email(person)
                    }),
                    name: Some(format!("Person {person}")),
                    status: Some("approved".into()),
                    ..NewRegistrant::default()
                };
                let done = tx
                    .upsert_registrant(self.account, self.meetings[meeting], &new, &seen(1, now))
                    .await;
                done.unwrap().id.to_string()
            }
            Said::Joined(person, meeting) => {
                let row = stay(person, meeting, None);
                tx.join(self.runs[meeting], &row, &seen(2, now))
                    .await
                    .unwrap();
                self.runs[meeting].to_string()
            }
            Said::Ended(meeting) => {
                self.end(&mut tx, meeting, now).await;
                self.runs[meeting].to_string()
            }
            Said::Report(meeting) => {
                self.end(&mut tx, meeting, now).await;
                for person in THERE[meeting] {
                    let row = stay(*person, meeting, Some(at(55)));
                    tx.join(self.runs[meeting], &row, &seen(70, now))
                        .await
                        .unwrap();
                }
                artefacts::present(&mut tx, self.runs[meeting], ArtefactKind::Participants, now)
                    .await
                    .unwrap();
                self.runs[meeting].to_string()
            }
        };
        let event = NewDomainEvent {
            event_type: "something.happened".into(),
            v: 1,
            subject_id: subject,
            data: json!({}),
        };
        tx.append_event(&event, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn end(&self, tx: &mut parfocal_store::Tx, meeting: usize, now: Timestamp) {
        let new = NewInstance {
            external_id: format!("run-{meeting}=="),
            state: Some(InstanceState::Ended),
            end: Some(at(60)),
            ..NewInstance::default()
        };
        tx.upsert_instance(self.account, &new, &seen(60, now))
            .await
            .unwrap();
    }

    /// Reads what there is to read, through every stream.
    async fn read(&self) {
        self.read_by(&Everything).await;
    }

    /// The same, for another system.
    async fn read_by(&self, destination: &dyn Destination) {
        let (store, scope, now) = (self.app.store(), self.app.scope(), self.app.clock().now());
        let until = crate::clock::later(now, Duration::from_mins(1));
        let mut lease = store
            .acquire_lease(SEQUENCER, "test", now, until)
            .await
            .unwrap()
            .unwrap();
        store.sequence_events(&lease, 1_000, now).await.unwrap();
        let row = store
            .destination(scope, self.destination)
            .await
            .unwrap()
            .unwrap();
        loop {
            let mut more = false;
            for stream in store.streams(scope, self.destination).await.unwrap() {
                if stream.state == StreamState::Running {
                    more |=
                        people::advance(&self.app, scope, &row, destination, &stream, &mut lease)
                            .await
                            .unwrap();
                }
            }
            if !more {
                break;
            }
        }
    }

    async fn backfill(&self) {
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        tx.add_stream(self.destination, StreamKind::Backfill, &json!({}), "", now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.read().await;
    }

    async fn pause_live(&self) {
        let (store, scope, now) = (self.app.store(), self.app.scope(), self.app.clock().now());
        let live = store.streams(scope, self.destination).await.unwrap()[0].id;
        let mut tx = store.begin(scope).await.unwrap();
        tx.set_stream_state(live, StreamState::Paused, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// What the destination is to have, with people by their addresses.
    async fn end_state(&self) -> BTreeMap<String, String> {
        let page = self
            .app
            .store()
            .deliveries(
                self.app.scope(),
                &DeliveryFilter::default(),
                &PageRequest::first(1_000),
            )
            .await
            .unwrap();
        page.items
            .into_iter()
            .filter(|row| row.state != DeliveryState::Dropped)
            .map(|row| {
                let email = row.body["email"].as_str().unwrap().to_owned();
                let person = row.person_id.unwrap().to_string();
                (
                    row.record_key.replace(&person, &email),
                    row.body.to_string(),
                )
            })
            .collect()
    }
}

fn seen(minute: i64, now: Timestamp) -> Seen {
    Seen {
        at: at(minute),
        source: Source::Detail,
        now,
    }
}

fn email(person: usize) -> String {
    format!("person{person}@acme.example")
}

fn registrant(person: usize, meeting: usize) -> String {
    format!("R{person}-{meeting}")
}

fn stay(person: usize, meeting: usize, leave: Option<Timestamp>) -> NewAttendance {
    NewAttendance {
        match_key: format!("registrant:{}", registrant(person, meeting)),
        name: Some(format!("Person {person}")),
        email: Some(email(person)),
        user_external_id: None,
        registrant_id: Some(registrant(person, meeting)),
        role: None,
        join_key: format!("main:{person}"),
        kind: AttendanceKind::Main,
        join: at(5),
        leave,
        raw: None,
    }
}

fn cases() -> u32 {
    let given = std::env::var("PARFOCAL_CASES").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn backfill_and_live_end_alike_in_any_order_and_twice(
        live in Just(all()).prop_shuffle(),
        held in Just(all()).prop_shuffle(),
        again in prop::collection::vec(0..all().len(), 0..6),
        pauses in prop::collection::vec(any::<bool>(), all().len()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (by_live, by_backfill) = runtime.block_on(async {
            let one = World::make().await;
            for (said, read) in live.iter().zip(&pauses) {
                one.hear(*said).await;
                if *read {
                    one.read().await;
                }
            }
            for index in &again {
                one.hear(live[*index]).await;
            }
            one.read().await;
            one.backfill().await;
            let other = World::make().await;
            other.pause_live().await;
            for said in held {
                other.hear(said).await;
            }
            other.backfill().await;
            other.backfill().await;
            (one.end_state().await, other.end_state().await)
        });
        prop_assert_eq!(&by_live, &by_backfill);
        // Four people, of whom one is known under two addresses and nobody twice.
        let contacts: Vec<_> = by_live.keys().filter(|key| key.starts_with("contact/")).collect();
        prop_assert_eq!(contacts.len(), 4);
        prop_assert!(by_live["contact/three@home.example"].contains("person3@acme.example"));
        let count = |word: &str| by_live.keys().filter(|key| key.starts_with(&format!("event/{word}/"))).count();
        prop_assert_eq!((count("attended"), count("no_show"), count("registered")), (4, 4, 8));
    }
}
