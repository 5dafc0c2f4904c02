//! The destination against the simulator's double: once in effect whatever goes wrong, and as fast as Brevo allows.
//!
//! Time is the tests' own: whoever sleeps moves the clock, and the double's clock with it, so that nothing here depends on this
//! machine's pace. `PARFOCAL_ATTENDEES=5000` makes the crowd as large as in the documentation.

mod stage;

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_simulator::Limits;
use parfocal_store::{DeliveryId, PersonId};
use serde_json::{Value, json};

use super::*;
use crate::activate::model::{LastMeeting, MeetingFacts, Moment, MomentKind, Person};
use stage::{Job, KEY, NOW, Stage};

fn crowd(usual: u128) -> u128 {
    std::env::var("PARFOCAL_ATTENDEES")
        .ok()
        .and_then(|said| said.parse().ok())
        .unwrap_or(usual)
}

fn attendee(n: u128) -> PersonFile {
    let start: Timestamp = "2026-11-19T09:00:00Z".parse().unwrap();
    let meeting = MeetingFacts {
        number: Some("81234567890".into()),
        uuid: Some("abc==".into()),
        topic: Some("Quarterly review".into()),
        start: Some(start),
        ..MeetingFacts::default()
    };
    let moment = |kind: MomentKind| Moment {
        key: format!("{}/{n}", kind.as_str()),
        kind,
        at: start,
        meeting: meeting.clone(),
        details: json!({ "minutes": 40 }).as_object().cloned().unwrap(),
    };
    PersonFile {
        person: Person {
            id: PersonId::from(uuid::Uuid::from_u128(n + 1)),
            email: format!("guest{n}@example.com"),
            emails: vec![format!("guest{n}@example.com")],
            name: Some(format!("Guest {n}")),
            first_name: Some("Guest".into()),
            last_name: Some(n.to_string()),
            internal: false,
            consent: None,
            registrations: 1,
            attended: 1,
            missed: 0,
            minutes: 40,
            last: Some(LastMeeting {
                topic: Some("Quarterly review".into()),
                start,
                minutes: 40,
            }),
            last_attended_at: Some(start),
            last_registration_status: Some("approved".into()),
            next_meeting_at: None,
            open_actions: 0,
        },
        moments: vec![moment(MomentKind::Registered), moment(MomentKind::Attended)],
    }
}

/// Everything that is planned of some people, as deliveries.
fn jobs(brevo: &Brevo, people: impl Iterator<Item = PersonFile>, backfill: bool) -> Vec<Job> {
    let now: Timestamp = NOW.parse().unwrap();
    let mut all = Vec::new();
    for file in people {
        let plan = brevo.plan_person(&file);
        // Only the list of webinars, which this meeting was none of.
        assert!(
            plan.left_out
                .iter()
                .all(|left| left.what == "list Zoom | Webinars")
        );
        let mut n = file.person.id.uuid().as_u128() * 1_000;
        for planned in plan.send {
            n += 1;
            all.push(Job {
                delivery: Delivery {
                    id: DeliveryId::from(uuid::Uuid::from_u128(n)),
                    key: planned.key,
                    kind: planned.kind.to_owned(),
                    body: planned.body,
                    person: Some(file.person.id),
                    attempt: 1,
                    uncertain: false,
                    remote_id: None,
                    progress: None,
                    backfill,
                    created_at: now,
                    rule: planned.rule,
                },
                lane: planned.lane,
                rank: planned.rank,
                at: now,
                end: None,
            });
        }
    }
    all
}

fn assert_once(seen: &Value, people: u128) {
    let counts = &seen["counts"];
    let people = u64::try_from(people).unwrap();
    // Everybody is on the list of everybody, of registrants, of attendees; and has two events.
    assert_eq!(counts["contacts"], people);
    assert_eq!(counts["memberships"], people * 3);
    assert_eq!(
        counts["joined"],
        people * 3,
        "somebody came into a list twice"
    );
    assert_eq!(counts["events"], people * 2);
    let mut ids: BTreeMap<&str, u32> = BTreeMap::new();
    for event in seen["events"].as_array().unwrap() {
        *ids.entry(event["properties"]["event_id"].as_str().unwrap())
            .or_default() += 1;
    }
    assert!(
        ids.values().all(|times| *times == 1),
        "an event is there twice"
    );
    for contact in seen["contacts"].as_array().unwrap() {
        assert_ne!(
            contact["made_by"], "event",
            "an event came before its contact"
        );
        assert!(contact["ext_id"].as_str().unwrap().starts_with("parfocal:"));
        assert_eq!(contact["attributes"]["ZOOM_TOTAL_MINUTES"], 40);
    }
    assert_eq!(
        seen["dropped"],
        json!([]),
        "Brevo dropped values without a word"
    );
    assert_eq!(seen["resubscribed"], json!([]));
}

/// 429, 500, lost and late answers, and a process that dies again and again: everything is there, once.
#[tokio::test]
async fn each_contact_membership_and_event_is_there_once_whatever_goes_wrong() {
    let stage = Stage::set(Limits::Off).await;
    let people = crowd(60);
    for fault in [
        json!({ "kind": "rate_limit", "path": "/brevo/", "every": 17 }),
        json!({ "kind": "server_error", "path": "/brevo/", "every": 13 }),
        json!({ "kind": "lost", "path": "/brevo/", "every": 11 }),
        json!({ "kind": "cut", "path": "/brevo/", "every": 19, "after_bytes": 1 }),
    ] {
        stage.order("faults", fault).await;
    }
    let mut brevo = stage.brevo(&json!({}), 10);
    brevo.config.settle_seconds = 30;
    let all = jobs(&brevo, (0..people).map(attendee), false);
    let ended = stage.drive(&brevo, all, true).await;
    let failed: Vec<_> = ended.iter().filter(|job| !job.is_done()).collect();
    assert!(failed.is_empty(), "{:?}", failed.first());
    assert_once(&stage.look().await, people);
    stage.simulator.shutdown().await;
}

/// A backfill is an import that is followed to its end; where that took a row not, it is written by itself.
#[tokio::test]
async fn a_backfill_imports_and_follows_to_the_end() {
    let stage = Stage::set(Limits::OfPlan).await;
    let people = crowd(80);
    stage.order("brevo", json!({ "import_seconds": 120 })).await;
    let brevo = stage.brevo(
        &json!({ "mapping": mapping_with("backfill: { events: marked }\n") }),
        1,
    );
    let all = jobs(&brevo, (0..people).map(attendee), true);
    let ended = stage.drive(&brevo, all, false).await;
    assert!(ended.iter().all(Job::is_done));
    let seen = stage.look().await;
    assert_once(&seen, people);
    assert_eq!(
        seen["counts"]["imported_rows"],
        u64::try_from(people).unwrap()
    );
    assert!(
        seen["events"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["properties"]["backfill"] == true)
    );
    for class in ["contacts", "events", "rest"] {
        assert_eq!(seen["calls"][class]["refused"], 0, "{class}");
    }
    stage.simulator.shutdown().await;
}

/// The default mapping with something beside it.
fn mapping_with(more: &str) -> String {
    let cut = mapping::DEFAULT.find("\nbackfill:").unwrap();
    let rest = mapping::DEFAULT.find("\n# Who goes").unwrap();
    format!(
        "{}\n{more}{}",
        &mapping::DEFAULT[..cut],
        &mapping::DEFAULT[rest..]
    )
}

/// Contacts go out at ten a second, no slower and no faster: at least 98 % of what is allowed, and no 429.
#[tokio::test]
async fn the_limit_is_used_and_never_passed() {
    let stage = Stage::set(Limits::OfPlan).await;
    let people = crowd(200);
    // One call at a time takes no time of this clock: what is measured is the budget alone.
    let brevo = stage.brevo(&json!({}), 1);
    let mut all = jobs(&brevo, (0..people).map(attendee), false);
    all.retain(|job| job.delivery.kind == "contact");
    let ended = stage.drive(&brevo, all, false).await;
    assert!(ended.iter().all(Job::is_done));
    let seen = stage.look().await;
    let calls = &seen["calls"]["contacts"];
    assert_eq!(calls["refused"], 0);
    let instant = |name: &str| calls[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let took = instant("last")
        .duration_since(instant("first"))
        .as_secs_f64();
    let made = calls["calls"].as_f64().unwrap();
    // The last ten seconds' worth of calls begins when the time ends.
    let allowed = took.mul_add(10.0, 10.0);
    println!(
        "{made} calls in {took:.3} s of the double's clock, {:.2} % of what is allowed",
        made / allowed * 100.0
    );
    assert!(
        made >= 0.98 * allowed && made <= allowed,
        "{made} of {allowed}"
    );
    stage.simulator.shutdown().await;
}

#[tokio::test]
async fn a_contact_that_is_there_is_found_and_nothing_of_others_is_overwritten() {
    let stage = Stage::set(Limits::Off).await;
    let brevo = stage.brevo(&json!({}), 1);
    let http = |method: reqwest::Method, path: &str, body: Value| {
        stage
            .http
            .request(
                method,
                format!("{}/brevo/v3{path}", stage.simulator.base_url()),
            )
            .header("api-key", KEY)
            .json(&body)
            .send()
    };
    for (n, ext_id) in [(0, json!("crm-17")), (1, Value::Null)] {
        let body = json!({ "email": format!("guest{n}@example.com"), "ext_id": ext_id, "attributes": { "FIRSTNAME": "Old" } });
        http(reqwest::Method::POST, "/contacts", body)
            .await
            .unwrap();
    }
    stage
        .order("brevo", json!({ "unsubscribe": "guest0@example.com" }))
        .await;
    let contacts = |n| {
        let mut all = jobs(&brevo, std::iter::once(attendee(n)), false);
        all.retain(|job| job.delivery.kind == "contact");
        all
    };
    for n in 0..2 {
        assert!(stage.drive(&brevo, contacts(n), false).await[0].is_done());
    }
    // The person's address changes: the contact moves with it, and no second one is made.
    let mut moved = contacts(1);
    moved[0].delivery.body["email"] = json!("new@example.com");
    assert!(stage.drive(&brevo, moved, false).await[0].is_done());
    let seen = stage.look().await;
    let all = seen["contacts"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&all[0]["ext_id"], &all[0]["unsubscribed"]),
        (&json!("crm-17"), &json!(true))
    );
    assert_eq!(all[0]["attributes"]["FIRSTNAME"], "Guest");
    assert_eq!(all[1]["email"], "new@example.com");
    assert_eq!(seen["resubscribed"], json!([]));
    let gone = Gone {
        person: attendee(1).person.id,
        emails: vec!["new@example.com".into()],
        remote_ids: Vec::new(),
    };
    assert!(matches!(brevo.erase(&gone).await, Outcome::Done { .. }));
    assert_eq!(stage.look().await["counts"]["contacts"], 1);
    stage.simulator.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_sent_says_what_to_do() {
    let stage = Stage::set(Limits::Off).await;
    // An attribute of another type at Brevo: nothing is sent, since values would vanish.
    let made = stage
        .http
        .post(format!(
            "{}/brevo/v3/contacts/attributes/normal/ZOOM_TOTAL_MINUTES",
            stage.simulator.base_url()
        ))
        .header("api-key", KEY)
        .json(&json!({ "type": "text" }))
        .send();
    assert_eq!(made.await.unwrap().status(), 201);
    let brevo = stage.brevo(&json!({}), 1);
    let checked = brevo.check().await.unwrap();
    assert!(
        !checked.ok
            && checked
                .said
                .text
                .contains("ZOOM_TOTAL_MINUTES: it is of type text at Brevo, and float"),
        "{checked:?}"
    );
    let ended = stage
        .drive(
            &brevo,
            jobs(&brevo, std::iter::once(attendee(0)), false),
            false,
        )
        .await;
    assert!(
        matches!(&ended[0].end, Some(Outcome::Halt { reason, .. }) if reason.contains("mapping line")),
        "{:?}",
        ended[0]
    );
    assert_eq!(stage.look().await["counts"]["contacts"], 0);
    stage
        .order("brevo", json!({ "key": "xkeysib-another" }))
        .await;
    let checked = brevo.check().await.unwrap();
    assert!(!checked.ok && checked.advice.unwrap().contains("SMTP & API"));
    stage.simulator.shutdown().await;
}

#[tokio::test]
async fn mails_notes_and_tasks_are_made_once_although_answers_are_lost() {
    let stage = Stage::set(Limits::Off).await;
    let mapping = "version: 1\nmails:\n  - { on: attended, template: 1, consent: any, params: { topic: '{meeting.topic}' } }\nnotes:\n  - { id: came, on: attended, text: 'Was in {meeting.topic}' }\ntasks:\n  - { id: call, on: registered, name: 'Call {person.name}', type: call }\n";
    let brevo = stage.brevo(&json!({ "mapping": mapping }), 1);
    for path in [
        "/brevo/v3/smtp/email",
        "/brevo/v3/crm/notes",
        "/brevo/v3/crm/tasks",
    ] {
        let fault = json!({ "kind": "lost", "method": "POST", "path": path, "times": 1 });
        stage.order("faults", fault).await;
    }
    let ended = stage
        .drive(
            &brevo,
            jobs(&brevo, std::iter::once(attendee(0)), false),
            false,
        )
        .await;
    assert!(ended.iter().all(Job::is_done), "{ended:?}");
    let seen = stage.look().await;
    let counts = &seen["counts"];
    assert_eq!(
        (&counts["mails"], &counts["notes"], &counts["tasks"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        seen["mails"][0]["body"]["params"]["topic"],
        "Quarterly review"
    );
    stage.order("brevo", json!({ "credits": 0 })).await;
    let mut again = jobs(&brevo, std::iter::once(attendee(1)), false);
    again.retain(|job| job.delivery.kind == "mail");
    let ended = stage.drive(&brevo, again, false).await;
    assert!(
        matches!(&ended[0].end, Some(Outcome::Refused { advice, .. }) if advice.contains("credits"))
    );
    stage.simulator.shutdown().await;
}

#[test]
fn the_reference_page_is_that_of_the_program() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/brevo.md");
    let mut somebody = attendee(0);
    for moment in &mut somebody.moments {
        moment.meeting.webinar = true;
    }
    let made = page::page(&somebody);
    if std::env::var_os("PARFOCAL_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        made,
        "run it with PARFOCAL_BLESS=1"
    );
}
