//! What the four hold in the end: Zoom, the calendar, the mailbox and the store; and what leaves by the clock.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_formats::ical::Letter;
use serde_json::{Value, json};

use super::{ASKS, Meeting, OWNER, PEOPLE, Stage};

/// An event as a calendar holds it.
#[derive(Debug)]
struct Event {
    title: String,
    begins: String,
}

/// What Zoom, the calendars and the mailbox hold beside what the store says.
pub(super) async fn compare(stage: &Stage, meetings: &[Meeting]) {
    let all = stage.ours("schedules?limit=200").await;
    let known: BTreeMap<&str, &Value> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one))
        .collect();
    assert_eq!(
        known.len(),
        meetings.len(),
        "one schedule for each request: {all}"
    );
    let listed = stage
        .zoom(&format!(
            "users/{}/meetings?type=scheduled&page_size=300",
            stage.host
        ))
        .await;
    let mut at_zoom: BTreeMap<&str, String> = BTreeMap::new();
    for one in listed["meetings"].as_array().unwrap() {
        let topic = one["topic"].as_str().unwrap();
        if topic.starts_with("Saga ") {
            let before = at_zoom.insert(topic, one["id"].to_string());
            assert!(
                before.is_none() || before == Some(one["id"].to_string()),
                "{topic} is twice at Zoom"
            );
        }
    }
    let calendars = stage.control("calendars", None).await;
    let ours = |list: &Value, title: &str, gone: &dyn Fn(&Value) -> bool, series: &str| {
        let all = list.as_array().into_iter().flatten();
        let mine = all.filter(|one| {
            let named = one[title].as_str().unwrap_or_default();
            named.starts_with("Saga ") && one[series].is_null() && !gone(one)
        });
        let event = |one: &Value| Event {
            title: one[title].as_str().unwrap().to_owned(),
            begins: one["start"]["dateTime"].as_str().unwrap().to_owned(),
        };
        mine.map(event).collect::<Vec<_>>()
    };
    let events = BTreeMap::from([
        (
            "google",
            ours(
                &calendars["google"]["calendars"][OWNER],
                "summary",
                &|one| one["status"] == "cancelled",
                "recurringEventId",
            ),
        ),
        (
            "microsoft",
            ours(
                &calendars["graph"]["mailboxes"][OWNER],
                "subject",
                &|one| one["isCancelled"] == true,
                "seriesMasterId",
            ),
        ),
    ]);
    let letters: Vec<(String, Letter)> = stage
        .mails()
        .into_iter()
        .map(|mail| {
            let to = PEOPLE.into_iter().find(|one| {
                mail.contains(&format!("<{one}>")) || mail.contains(&format!("To: {one}"))
            });
            (
                to.unwrap_or_default().to_owned(),
                Letter::parse(mail.as_bytes()).unwrap(),
            )
        })
        .collect();
    let mut living = 0;
    for meeting in meetings {
        let ours = known[meeting.id.as_deref().unwrap()];
        let title = meeting.title.as_str();
        let off = meeting.done == ASKS.len();
        assert_eq!(
            ours["state"],
            if off { "cancelled" } else { "scheduled" },
            "{ours}"
        );
        assert_eq!(ours["left_over"], json!([]), "{ours}");
        let there: Vec<&Event> = events[meeting.calendar]
            .iter()
            .filter(|one| one.title == title)
            .collect();
        if off {
            assert!(!at_zoom.contains_key(title), "{title} is left over at Zoom");
            assert!(
                there.is_empty(),
                "{title} is left over in the calendar: {there:?}"
            );
        } else {
            living += 1;
            assert_eq!(there.len(), 1, "{title} in the calendar: {there:?}");
            let number = &at_zoom[title];
            assert_eq!(ours["meeting"].as_str(), Some(number.trim_matches('"')));
            let zoom = stage.zoom(&format!("meetings/{number}")).await;
            let starts = |list: &Value, name: &str| -> BTreeSet<String> {
                let all = list.as_array().unwrap().iter();
                all.filter(|one| {
                    one["status"]
                        .as_str()
                        .is_none_or(|state| state == "available")
                })
                .map(|one| one[name].as_str().unwrap().to_owned())
                .collect()
            };
            let wanted = starts(&ours["occurrences"], "start");
            assert_eq!(wanted.len(), if meeting.done > 3 { 4 } else { 5 }, "{ours}");
            assert_eq!(
                starts(&zoom["occurrences"], "start_time"),
                wanted,
                "{title} at Zoom"
            );
            let local = ours["start_local"].as_str().unwrap();
            let begins = &there[0].begins;
            assert!(
                begins.starts_with(local),
                "{title} begins at {begins} in the calendar, {local} here"
            );
        }
        // One mail of each change to each person, no more and no fewer.
        let uid = ours["ics_uid"].as_str().unwrap();
        for person in PEOPLE {
            let mut told: Vec<String> = letters
                .iter()
                .filter(|(to, _)| to == person)
                .flat_map(|(_, letter)| &letter.calendars)
                .filter(|calendar| calendar.events[0].uid == uid)
                .map(|calendar| {
                    let event = &calendar.events[0];
                    format!(
                        "{:?} {} {:?}",
                        calendar.method.unwrap(),
                        event.sequence,
                        event.of
                    )
                })
                .collect();
            told.sort();
            assert_eq!(
                told.len(),
                meeting.done,
                "{title}: {person} was told {told:?}"
            );
            told.dedup();
            assert_eq!(
                told.len(),
                meeting.done,
                "{title}: {person} was told twice of one thing"
            );
        }
    }
    assert_eq!(at_zoom.len(), living, "orphans at Zoom: {at_zoom:?}");
    let standing: usize = events.values().map(Vec::len).sum();
    assert_eq!(standing, living, "orphans in the calendars: {events:?}");
}

/// Reminders of a meeting that is left, the server killed while they leave: one for each person.
pub(super) async fn remind(stage: &mut Stage, meeting: &Meeting, die: bool) {
    let shown = stage
        .ours(&format!("schedules/{}", meeting.id.as_deref().unwrap()))
        .await;
    let start: jiff::Timestamp = shown["occurrences"][0]["start"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let due = start - jiff::SignedDuration::from_secs(9 * 60);
    let count = |stage: &Stage| {
        let all = stage.mails();
        let of = all.iter().filter_map(|mail| {
            let letter = Letter::parse(mail.as_bytes()).ok()?;
            (letter.calendars.is_empty() && letter.subject.contains(&meeting.title)).then_some(())
        });
        of.count()
    };
    assert_eq!(count(stage), 0, "reminded too early");
    stage.control("clock", Some(json!({"set": due}))).await;
    if die {
        stage
            .until("a reminder", async |stage| count(stage) > 0)
            .await;
        drop(stage.server.take());
        stage
            .control("clock", Some(json!({"advance_ms": 240_000})))
            .await;
        stage.serve();
    }
    let list = format!(
        "reminders?schedule={}&limit=200",
        meeting.id.as_deref().unwrap()
    );
    stage
        .until("both reminders are noted", async |stage| {
            let rows = stage.ours(&list).await;
            let sent = |row: &&Value| row["state"] == "sent";
            rows["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(sent)
                .count()
                == PEOPLE.len()
        })
        .await;
    assert_eq!(count(stage), PEOPLE.len(), "one reminder for each person");
}
