//! Reminders: each once, across processes, crashes and clocks.

use std::time::Duration;

use jiff::civil::DateTime;
use parfocal_engine::App;
use parfocal_engine::calendar::{Reminder, ReminderMethod};
use parfocal_engine::clock::Clock;
use parfocal_engine::notify::reminders::{self, PlannedOccurrence, ReminderPlan};
use parfocal_engine::store::{AttendeeId, ReminderState, ScheduleId};
use parfocal_formats::ical::Letter;
use parfocal_zoom::clock::ManualClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{before_it_all, bo, schedule, with_mail};
use crate::core_support::{config, manual, open};

async fn plan_of(
    app: &App,
    id: ScheduleId,
    bo_id: AttendeeId,
    starts: &[(&str, &str)],
    before: &[u32],
) {
    let occurrences: Vec<PlannedOccurrence> = starts
        .iter()
        .map(|(original, start)| PlannedOccurrence {
            original: original.parse::<DateTime>().unwrap(),
            start: start.parse().unwrap(),
        })
        .collect();
    let all: Vec<Reminder> = before
        .iter()
        .map(|minutes| Reminder {
            minutes: *minutes,
            method: ReminderMethod::Email,
        })
        .collect();
    let plan = ReminderPlan {
        schedule: id,
        title: "Planung",
        join_url: Some("https://zoom.example/j/123"),
        zone: "Europe/Berlin",
        occurrences: &occurrences,
        attendees: &[(bo_id, bo())],
        reminders: &all,
    };
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    reminders::plan(&mut tx, &plan, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn states(app: &App, id: ScheduleId) -> Vec<(String, ReminderState)> {
    let rows = app
        .store()
        .reminders(app.scope(), Some(id), None, 100)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.due_at.to_string(), row.state))
        .collect()
}

/// Moves time on, second by second, until no reminder is under way.
async fn settle(app: &App, manual: &ManualClock) {
    let real = Clock::system();
    let end = real.monotonic() + Duration::from_mins(1);
    loop {
        let waiting = app
            .store()
            .reminders(app.scope(), None, Some(ReminderState::Queued), 1)
            .await
            .unwrap();
        if waiting.is_empty() {
            return;
        }
        assert!(real.monotonic() < end, "{waiting:?}");
        manual.advance(Duration::from_millis(20));
        real.sleep(Duration::from_millis(5)).await;
    }
}

const WEEKS: [(&str, &str); 2] = [
    ("2026-03-23T09:00", "2026-03-23T08:00:00Z"),
    // Clocks go forward on the 29th: nine o'clock comes an hour earlier.
    ("2026-03-30T09:00", "2026-03-30T07:00:00Z"),
];

pub(super) async fn reminders_leave_once_from_three_processes_through_a_change_of_clocks() {
    use ReminderState::{Planned, Queued, Sent};
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let config = config(dir.path());
    let first = with_mail(config.clone(), &clock).await;
    let (id, bo_id) = schedule(&first).await;
    plan_of(&first, id, bo_id, &WEEKS, &[60]).await;
    let second = open(config.clone(), &clock).await;
    let third = open(config.clone(), &clock).await;
    manual.jump_to("2026-03-23T06:59:59Z".parse().unwrap());
    assert_eq!(reminders::look(&first).await.unwrap(), 0, "not due yet");
    manual.advance(Duration::from_secs(1));
    // All three see it; one makes the job, and dies before it does it.
    let (one, two, three) = tokio::join!(
        reminders::look(&first),
        reminders::look(&second),
        reminders::look(&third)
    );
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 1);
    assert_eq!(states(&second, id).await[0].1, Queued);
    first.stop().await;
    second.start();
    third.start();
    settle(&second, &manual).await;
    assert_eq!(
        states(&second, id).await,
        [
            ("2026-03-23T07:00:00Z".to_owned(), Sent),
            ("2026-03-30T06:00:00Z".to_owned(), Planned),
        ]
    );
    second.stop().await;
    third.stop().await;
    // The week after, a process that has just begun.
    manual.jump_to("2026-03-30T06:00:00Z".parse().unwrap());
    let fourth = open(config, &clock).await;
    assert_eq!(reminders::look(&fourth).await.unwrap(), 1);
    fourth.start();
    settle(&fourth, &manual).await;
    let mails = fourth
        .store()
        .mails(fourth.scope(), Some(id), 10)
        .await
        .unwrap();
    assert_eq!(mails.len(), 2, "each once");
    for (mail, day) in mails
        .iter()
        .zip(["30 March 2026, 09:00", "23 March 2026, 09:00"])
    {
        let letter = Letter::parse(mail.message.as_bytes()).unwrap();
        assert!(letter.text.contains(day), "{}", letter.text);
        assert!(
            letter.text.contains("https://zoom.example/j/123"),
            "{}",
            letter.text
        );
    }
    fourth.stop().await;
}

pub(super) async fn late_reminders_follow_their_rule() {
    use ReminderState::{Late, Planned, Queued, Sent};
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let app = with_mail(config(dir.path()), &clock).await;
    let (id, bo_id) = schedule(&app).await;
    plan_of(&app, id, bo_id, &WEEKS, &[60, 10]).await;
    // Nobody was there when both were due: the one nearer to the start leaves.
    manual.jump_to("2026-03-23T08:00:30Z".parse().unwrap());
    assert_eq!(reminders::look(&app).await.unwrap(), 1);
    assert_eq!(
        states(&app, id).await[..2],
        [
            ("2026-03-23T07:00:00Z".to_owned(), Late),
            ("2026-03-23T07:50:00Z".to_owned(), Queued),
        ]
    );
    app.start();
    settle(&app, &manual).await;
    assert_eq!(states(&app, id).await[1].1, Sent);
    // Planning anew after it has left: nothing leaves twice, the other week stays planned.
    plan_of(&app, id, bo_id, &WEEKS, &[60, 10]).await;
    let now: Vec<ReminderState> = states(&app, id)
        .await
        .into_iter()
        .map(|one| one.1)
        .collect();
    assert_eq!(now, [Late, Sent, Planned, Planned]);
    // Moved by an hour: it is reminded of anew, at the new time.
    let moved = [WEEKS[0], ("2026-03-30T09:00", "2026-03-30T08:00:00Z")];
    plan_of(&app, id, bo_id, &moved, &[10]).await;
    assert_eq!(
        states(&app, id).await.last().unwrap().0,
        "2026-03-30T07:50:00Z"
    );
    // Far too late: never.
    manual.jump_to("2026-03-30T08:06:00Z".parse().unwrap());
    let made = reminders::look(&app).await.unwrap();
    settle(&app, &manual).await;
    assert_eq!(states(&app, id).await.last().unwrap().1, Late, "{made}");
    // Called off: nothing is left to send.
    let next = [("2026-04-06T09:00", "2026-04-06T07:00:00Z")];
    plan_of(&app, id, bo_id, &next, &[10]).await;
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let gone = reminders::cancel(&mut tx, id, Some("2026-04-06T09:00".parse().unwrap()))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(gone, 1);
    assert!(!states(&app, id).await.iter().any(|one| one.1 == Planned));
    app.stop().await;
}

/// A push server that is down for the first message and takes the others.
async fn push_server() -> (u16, tokio::sync::mpsc::UnboundedReceiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (say, said) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut first = true;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut all = Vec::new();
            let (head, body) = loop {
                let mut piece = [0_u8; 4096];
                let read = stream.read(&mut piece).await.unwrap();
                assert!(read > 0, "the request is cut off");
                all.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&all).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break (head.to_ascii_lowercase(), body);
                }
            };
            let status = if std::mem::take(&mut first) {
                "503 Busy"
            } else {
                "200 OK"
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            say.send((head, body)).unwrap();
        }
    });
    (port, said)
}

pub(super) async fn a_reminder_by_push_opens_the_meeting_on_the_device() {
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let (port, mut said) = push_server().await;
    let mut config = config(dir.path());
    config.reminders.push_url = Some(format!("http://127.0.0.1:{port}").parse().unwrap());
    config.reminders.push_token = Some("tk_secret".into());
    let app = with_mail(config, &clock).await;
    let (id, bo_id) = schedule(&app).await;
    let occurrence = PlannedOccurrence {
        original: "2026-03-30T09:00".parse().unwrap(),
        start: "2026-03-30T07:00:00Z".parse().unwrap(),
    };
    let plan = ReminderPlan {
        schedule: id,
        title: "Planung, \"neu\" 🚀",
        join_url: Some("https://us02web.zoom.us/j/84410027731?pwd=a%2Bb.1"),
        zone: "Europe/Berlin",
        occurrences: &[occurrence],
        attendees: &[(bo_id, bo())],
        reminders: &[Reminder {
            minutes: 10,
            method: ReminderMethod::Push,
        }],
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    reminders::plan(&mut tx, &plan, app.clock().now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    manual.jump_to("2026-03-30T06:50:00Z".parse().unwrap());
    assert_eq!(reminders::look(&app).await.unwrap(), 1);
    app.start();
    settle(&app, &manual).await;
    assert_eq!(states(&app, id).await[0].1, ReminderState::Sent);
    let mut all = Vec::new();
    while let Ok(one) = said.try_recv() {
        all.push(one);
    }
    let [(_, refused), (head, taken)] = &all[..] else {
        panic!("once more after the refusal, and never again: {all:?}");
    };
    assert_eq!(refused, taken, "a repetition is known by its id");
    assert!(head.contains("authorization: bearer tk_secret"), "{head}");
    assert_eq!(taken["title"], "Planung, \"neu\" 🚀");
    let text = taken["message"].as_str().unwrap();
    assert!(text.contains("30 March 2026, 09:00"), "{text}");
    let deep = "zoomus://us02web.zoom.us/join?action=join&confno=84410027731&pwd=a%2Bb.1";
    assert_eq!(taken["click"], deep);
    assert_eq!(
        taken["actions"][1]["url"],
        deep.replace("zoomus:", "zoommtg:")
    );
    assert_eq!(taken["actions"][2]["url"], json!(plan.join_url));
    // The person subscribes to what the message went to; another one to something else.
    let topic = taken["topic"].as_str().unwrap();
    let address = parfocal_engine::notify::push::address;
    let own = address(&app, "BO@example.com").await.unwrap();
    assert_eq!(own, format!("http://127.0.0.1:{port}/{topic}"));
    assert_ne!(address(&app, "eve@example.com").await.unwrap(), own);
    assert!(
        topic.starts_with("parfocal-") && topic.len() >= 33,
        "{topic}"
    );
    app.stop().await;
}
