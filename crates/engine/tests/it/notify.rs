//! Mail that leaves once, answers by link and by reply, and reminders: each once, across processes, crashes and clocks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use parfocal_engine::calendar::{Answer, Attendee, CalendarEvent, Recurrence, Role, When};
use parfocal_engine::clock::Clock;
use parfocal_engine::components::Activation;
use parfocal_engine::config::{Config, Security};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::notify::{Invitation, InvitationKind, answers};
use parfocal_engine::store::{
    AttendeeId, MailState, NewAttendee, ScheduleFacts, ScheduleId, ScheduleState,
};
use parfocal_engine::{App, Code};
use parfocal_formats::ical::{self, Calendar, Letter};
use parfocal_zoom::clock::ManualClock;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::core_support::{config, manual, on_both_stores, open};

mod due;

use due::{
    a_reminder_by_push_opens_the_meeting_on_the_device, late_reminders_follow_their_rule,
    reminders_leave_once_from_three_processes_through_a_change_of_clocks,
};

on_both_stores! {
    an_invitation_lies_in_the_folder_once_and_is_readable;
    a_mail_server_gets_each_mail_once_whatever_it_answers;
    a_mail_waits_for_a_server_that_lets_nobody_in_or_says_nothing;
    answers_come_by_link_and_by_reply_and_the_latest_stands;
    reminders_leave_once_from_three_processes_through_a_change_of_clocks;
    late_reminders_follow_their_rule;
    a_reminder_by_push_opens_the_meeting_on_the_device;
}

async fn with_mail(config: Config, clock: &Clock) -> App {
    let app = open(config, clock).await;
    let admin = Caller::local(Surface::Cli);
    for name in ["scheduling", "mail", "reminders"] {
        let how = Activation {
            anyway: true,
            ..Activation::default()
        };
        app.components().activate(name, &how, &admin).await.unwrap();
    }
    app
}

fn bo() -> Attendee {
    Attendee {
        email: "bo@example.com".into(),
        name: Some("Bo \"the\" Builder, Jr.".into()),
        role: Role::Required,
        answer: Answer::Pending,
    }
}

/// A weekly meeting in Berlin over the change to summer time.
fn event(id: ScheduleId) -> CalendarEvent {
    CalendarEvent {
        key: id.to_string(),
        ical_uid: format!("{id}@parfocal"),
        sequence: 0,
        title: "Planung; \"Q2\", 🚀 <b>".into(),
        body: Some("Bring numbers.\nAnd cake.".into()),
        location: None,
        join_url: Some("https://zoom.example/j/123?pwd=a.b".into()),
        when: When::Timed {
            start: "2026-03-23T09:00".parse().unwrap(),
            zone: "Europe/Berlin".into(),
            minutes: 30,
        },
        recurrence: Some(Recurrence::of("FREQ=WEEKLY;COUNT=2".parse().unwrap())),
        overrides: Vec::new(),
        organizer: Some(Attendee {
            email: "ana@example.com".into(),
            name: Some("Ana".into()),
            role: Role::Chair,
            answer: Answer::Accepted,
        }),
        attendees: vec![bo()],
        reminders: vec![],
        cancelled: false,
    }
}

/// A schedule with Bo as its one attendee.
async fn schedule(app: &App) -> (ScheduleId, AttendeeId) {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let id = tx.new_schedule_id(now);
    let facts = ScheduleFacts {
        provider: "memory".into(),
        account: None,
        meeting_id: None,
        join_url: None,
        title: "Planung".into(),
        tz: "Europe/Berlin".into(),
        start_at: "2026-03-23T08:00:00Z".parse().unwrap(),
        ends_at: "2026-03-30T07:30:00Z".parse().unwrap(),
        minutes: 30,
        rrule: Some("FREQ=WEEKLY;COUNT=2".into()),
        sequence: 0,
        state: ScheduleState::Scheduled,
        note: None,
        spec: serde_json::json!({}),
    };
    let uid = format!("{id}@parfocal");
    tx.new_schedule(id, &uid, "test", &facts, now)
        .await
        .unwrap();
    let people = [NewAttendee {
        email: "bo@example.com",
        name: Some("Bo"),
        role: "required",
        answer: "pending",
    }];
    let rows = tx.set_attendees(id, &people, now).await.unwrap();
    tx.commit().await.unwrap();
    (id, rows[0].id)
}

fn invitation(id: ScheduleId, kind: InvitationKind, sequence: u32) -> Invitation {
    Invitation {
        key: format!("{id}/{sequence}/{}/bo@example.com", kind.as_str()),
        kind,
        schedule: id,
        attendee: bo(),
        sequence,
        occurrence: None,
        event: event(id),
    }
}

async fn send(app: &App, invitation: &Invitation) -> parfocal_engine::Result<bool> {
    let mail = app.invitations().open(app, "mail", None).await.unwrap();
    mail.send(app, invitation).await.map(|sent| sent.before)
}

fn before_it_all(manual: &ManualClock) {
    manual.jump_to("2026-03-20T08:00:00Z".parse().unwrap());
}

async fn an_invitation_lies_in_the_folder_once_and_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let app = with_mail(config(dir.path()), &clock).await;
    let (id, _) = schedule(&app).await;
    let first = invitation(id, InvitationKind::Request, 0);
    assert!(!send(&app, &first).await.unwrap());
    assert!(
        send(&app, &first).await.unwrap(),
        "the same key leaves once"
    );
    let files: Vec<_> = std::fs::read_dir(app.config().mail_dir())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let letter = Letter::parse(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!(letter.subject, "Planung; \"Q2\", 🚀 <b>");
    assert_eq!(letter.from, ["meetings@localhost"]);
    assert!(letter.automatic);
    let [calendar] = letter.calendars.as_slice() else {
        panic!("{letter:?}")
    };
    assert_eq!(calendar.method, Some(ical::Method::Request));
    let meeting = &calendar.events[0];
    assert_eq!(meeting.uid, format!("{id}@parfocal"));
    assert_eq!(
        meeting.organizer.as_ref().unwrap().email,
        "meetings@localhost"
    );
    assert_eq!(meeting.organizer.as_ref().unwrap().name, "Ana");
    assert_eq!(meeting.attendees[0].person.name, "Bo \"the\" Builder, Jr.");
    assert_eq!(meeting.summary, "Planung; \"Q2\", 🚀 <b>");
    assert_eq!(
        meeting.rule.as_ref().unwrap().to_string(),
        "FREQ=WEEKLY;COUNT=2"
    );
    for part in [
        "Monday, 23 March 2026, 09:00–09:30 (Europe/Berlin), 2026-03-23 08:00 UTC",
        "https://zoom.example/j/123?pwd=a.b",
        "/rsvp/",
    ] {
        assert!(letter.text.contains(part), "{part}: {}", letter.text);
        assert!(letter.html.contains(part), "{part}: {}", letter.html);
    }
    assert!(letter.html.contains("🚀 &lt;b&gt;"), "{}", letter.html);
    assert!(!letter.html.contains("<b>"), "{}", letter.html);
    // A change and the end of it are other mails of the same thread.
    for (kind, sequence, method) in [
        (InvitationKind::Update, 1, ical::Method::Request),
        (InvitationKind::Cancel, 2, ical::Method::Cancel),
    ] {
        assert!(!send(&app, &invitation(id, kind, sequence)).await.unwrap());
        let mails = app.store().mails(app.scope(), Some(id), 10).await.unwrap();
        assert_eq!(mails[0].state, MailState::Kept);
        let letter = Letter::parse(mails[0].message.as_bytes()).unwrap();
        assert_eq!(letter.calendars[0].method, Some(method));
        assert_eq!(letter.calendars[0].events[0].sequence, sequence);
        manual.advance(Duration::from_secs(1));
    }
    app.stop().await;
}

/// What a mail server of the test's does with the next mails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Takes,
    RefusesAddress,
    AsksToComeBack,
    DropsTheLine,
    LetsNobodyIn,
    SaysNothing,
}

/// A mail server that does as told, mail for mail, then takes all; answers with its port and what it took.
async fn mail_server(does: Vec<Does>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let box_ = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut does = does.into_iter().peekable();
        while let Ok((stream, _)) = listener.accept().await {
            // Somebody who only looks whether it answers sends no mail.
            let mut now = Does::Takes;
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 test\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                let verb = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
                if verb == "MAIL" {
                    now = does.next().unwrap_or(Does::Takes);
                }
                let shut = verb == "AUTH" && does.next_if_eq(&Does::LetsNobodyIn).is_some();
                if verb == "RCPT" && now == Does::SaysNothing {
                    continue;
                }
                let answer = match verb.as_str() {
                    "RCPT" if now == Does::RefusesAddress => "550 5.1.1 nobody of that name\r\n",
                    "RCPT" if now == Does::AsksToComeBack => "451 4.7.1 come back later\r\n",
                    "EHLO" => "250-test\r\n250 AUTH PLAIN\r\n",
                    "AUTH" if shut => "535 5.7.8 wrong password\r\n",
                    "AUTH" => "235 come in\r\n",
                    "DATA" => "354 go on\r\n",
                    "QUIT" => "221 bye\r\n",
                    _ => "250 fine\r\n",
                };
                write.write_all(answer.as_bytes()).await.unwrap();
                if verb == "DATA" {
                    let mut text = String::new();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push_str("\r\n");
                    }
                    box_.lock().unwrap().push(text);
                    if now == Does::DropsTheLine {
                        break;
                    }
                    write.write_all(b"250 taken\r\n").await.unwrap();
                }
                if verb == "QUIT" {
                    break;
                }
            }
        }
    });
    (port, taken)
}

async fn a_mail_server_gets_each_mail_once_whatever_it_answers() {
    use Does::{AsksToComeBack, DropsTheLine, RefusesAddress, Takes};
    let (port, taken) = mail_server(vec![
        Takes,
        AsksToComeBack,
        Takes,
        RefusesAddress,
        DropsTheLine,
        DropsTheLine,
    ])
    .await;
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let mut config = config(dir.path());
    config.smtp.host = Some("127.0.0.1".into());
    config.smtp.port = port;
    config.smtp.security = Security::None;
    config.smtp.from = "Planning <plan@example.com>".into();
    let app = with_mail(config, &clock).await;
    let (id, _) = schedule(&app).await;
    let count = || taken.lock().unwrap().len();
    // Taken at once, and not again.
    let first = invitation(id, InvitationKind::Request, 0);
    assert!(!send(&app, &first).await.unwrap());
    assert!(send(&app, &first).await.unwrap());
    assert_eq!(count(), 1);
    // Put off, then taken.
    let second = invitation(id, InvitationKind::Update, 1);
    let error = send(&app, &second).await.unwrap_err();
    assert_eq!(error.code(), Code::MailUnavailable, "{error}");
    assert!(!send(&app, &second).await.unwrap());
    assert_eq!(count(), 2);
    // Refused for good: it is said again without asking the server again.
    let third = invitation(id, InvitationKind::Update, 2);
    for _ in 0..2 {
        let error = send(&app, &third).await.unwrap_err();
        assert_eq!(error.code(), Code::MailRefused, "{error}");
        assert!(error.message().contains("nobody of that name"), "{error}");
    }
    assert_eq!(count(), 2);
    // The answer lost twice: handed over twice under one id, and no third time.
    let fourth = invitation(id, InvitationKind::Cancel, 3);
    for _ in 0..2 {
        let error = send(&app, &fourth).await.unwrap_err();
        assert_eq!(error.code(), Code::MailUnavailable, "{error}");
    }
    assert!(send(&app, &fourth).await.unwrap());
    assert_eq!(count(), 4);
    let id_of = |text: &String| {
        let line = text.lines().find(|line| line.starts_with("Message-ID:"));
        line.unwrap().to_owned()
    };
    {
        let all = taken.lock().unwrap();
        assert_eq!(id_of(&all[2]), id_of(&all[3]));
        assert_ne!(id_of(&all[0]), id_of(&all[1]));
        let letter = Letter::parse(all[0].as_bytes()).unwrap();
        assert_eq!(letter.from, ["plan@example.com"]);
        assert_eq!(letter.calendars.len(), 1);
    }
    let mails = app.store().mails(app.scope(), Some(id), 10).await.unwrap();
    let states: Vec<MailState> = mails.iter().map(|mail| mail.state).collect();
    assert_eq!(
        states.iter().filter(|one| **one == MailState::Sent).count(),
        2
    );
    assert!(states.contains(&MailState::Refused) && states.contains(&MailState::Uncertain));
    app.stop().await;
}

async fn a_mail_waits_for_a_server_that_lets_nobody_in_or_says_nothing() {
    use Does::{LetsNobodyIn, RefusesAddress, SaysNothing, Takes};
    let does = vec![LetsNobodyIn, SaysNothing, Takes, RefusesAddress];
    let (port, taken) = mail_server(does).await;
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let mut config = config(dir.path());
    config.smtp.host = Some("127.0.0.1".into());
    config.smtp.port = port;
    config.smtp.security = Security::None;
    config.smtp.username = Some("plan".into());
    config.smtp.password = Some("once wrong".into());
    config.smtp.timeout_seconds = 1;
    let app = with_mail(config, &clock).await;
    let (id, _) = schedule(&app).await;
    let first = invitation(id, InvitationKind::Request, 0);
    for words in ["wrong password", "said nothing"] {
        let error = send(&app, &first).await.unwrap_err();
        assert_eq!(error.code(), Code::MailUnavailable, "{error}");
        assert!(error.message().contains(words), "{words}: {error}");
    }
    assert!(!send(&app, &first).await.unwrap(), "it leaves at last");
    assert_eq!(taken.lock().unwrap().len(), 1);
    // An address that is refused is refused for good, and says nothing of the next mail.
    let second = invitation(id, InvitationKind::Update, 1);
    let error = send(&app, &second).await.unwrap_err();
    assert_eq!(error.code(), Code::MailRefused, "{error}");
    assert!(
        !send(&app, &invitation(id, InvitationKind::Update, 2))
            .await
            .unwrap()
    );
    assert_eq!(taken.lock().unwrap().len(), 2);
    app.stop().await;
}

/// The answer link's token in a mail.
fn token(letter: &Letter) -> String {
    let (_, rest) = letter.text.split_once("/rsvp/").unwrap();
    rest.split('?').next().unwrap().to_owned()
}

async fn answers_come_by_link_and_by_reply_and_the_latest_stands() {
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = manual();
    before_it_all(&manual);
    let app = with_mail(config(dir.path()), &clock).await;
    let (id, _) = schedule(&app).await;
    send(&app, &invitation(id, InvitationKind::Request, 0))
        .await
        .unwrap();
    let mail = app
        .store()
        .mails(app.scope(), None, 1)
        .await
        .unwrap()
        .remove(0);
    let letter = Letter::parse(mail.message.as_bytes()).unwrap();
    let said = async || {
        let rows = answers::attendee_responses(&app, id).await.unwrap();
        rows.into_iter()
            .map(|row| {
                format!(
                    "{} {} {} {:?} {}",
                    row.email, row.occurrence, row.answer, row.source, row.verified
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(said().await, ["bo@example.com  pending None false"]);
    let token = token(&letter);
    assert_eq!(
        answers::asked(&app, &token).await.unwrap().invited.email,
        "bo@example.com"
    );
    assert_eq!(
        said().await,
        ["bo@example.com  pending None false"],
        "looking answers nothing"
    );
    answers::answer_link(&app, &token, Answer::Tentative)
        .await
        .unwrap();
    assert_eq!(
        said().await,
        ["bo@example.com  tentative Some(\"link\") true"]
    );
    // Nobody makes or changes a link.
    let (head, tail) = token.split_once('.').unwrap();
    let mut forged = tail.to_owned().into_bytes();
    forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for wrong in [
        format!("{head}.{forged}"),
        format!("{head}."),
        head.to_owned(),
        "x".repeat(900),
    ] {
        let error = answers::asked(&app, &wrong).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{wrong}");
    }
    // A calendar's reply, later: it stands. The same written earlier does not.
    manual.advance(Duration::from_hours(1));
    let reply = |answer, hours: i64, of: Option<&str>| {
        let mut meeting = letter.calendars[0].events[0].clone();
        meeting.of = of.map(|local| ical::Moment::in_zone(local.parse().unwrap(), "Europe/Berlin"));
        let stamp: Timestamp = "2026-03-20T08:00:00Z".parse().unwrap();
        let stamp = stamp + jiff::SignedDuration::from_hours(hours);
        Calendar::reply(
            &meeting,
            "BO@example.com",
            answer,
            "On my way, see you",
            stamp,
        )
        .to_string()
    };
    let mail = |text: String| {
        format!(
            "From: Bo <bo@example.com>\r\nContent-Type: text/calendar; method=REPLY\r\n\r\n{text}"
        )
    };
    let taken = answers::take_mail(
        &app,
        mail(reply(ical::Answer::Accepted, 1, None)).as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(
        (taken[0].outcome.as_str(), taken[0].verified),
        ("taken", true)
    );
    let taken = answers::take_calendar(&app, &reply(ical::Answer::Declined, -1, None))
        .await
        .unwrap();
    assert_eq!(
        (taken[0].outcome.as_str(), taken[0].verified),
        ("older", false)
    );
    assert_eq!(
        said().await,
        ["bo@example.com  accepted Some(\"reply\") true"]
    );
    // One occurrence is another answer.
    let one = reply(ical::Answer::Declined, 2, Some("2026-03-30T09:00"));
    let taken = answers::take_calendar(&app, &one).await.unwrap();
    assert_eq!(taken[0].occurrence, "2026-03-30T09:00:00");
    assert_eq!(
        said().await,
        [
            "bo@example.com  accepted Some(\"reply\") true",
            "bo@example.com 2026-03-30T09:00:00 declined Some(\"reply\") false",
        ]
    );
    // Whoever was not invited answers nothing.
    let stranger =
        reply(ical::Answer::Accepted, 3, None).replace("BO@example.com", "eve@example.com");
    let taken = answers::take_calendar(&app, &stranger).await.unwrap();
    assert_eq!(taken[0].outcome, "unknown");
    assert_eq!(said().await.len(), 2);
    // A link ends.
    manual.jump_to("2027-08-20T08:00:00Z".parse().unwrap());
    assert!(
        answers::answer_link(&app, &token, Answer::Declined)
            .await
            .is_err()
    );
    app.stop().await;
}
