//! The talk of a meeting: taken in from elsewhere, named by attendance, written in every form, and followed across a series.

use jiff::{SignedDuration, Timestamp};
use parfocal_engine::App;
use parfocal_engine::audit::{AuditFilter, By, Surface};
use parfocal_engine::store::{
    ActionFilter, ActionState, AttendanceKind, ChatMessage, InstanceId, InstanceState, NewAccount,
    NewAttendance, NewInstance, PageRequest, Provider, Seen, Source,
};
use parfocal_engine::talk::export::{Format, write};
use parfocal_engine::talk::import::{Import, Imported, Kind, import};
use parfocal_engine::talk::minutes::{self, Form};
use parfocal_engine::talk::people::{self, VoiceSource};
use parfocal_engine::talk::tracker::{self, Standing};
use parfocal_engine::talk::{self, Wanted};
use parfocal_engine::understand;

use crate::core_support::{config, manual, on_both_stores, open};

on_both_stores! {
    a_transcript_from_elsewhere_is_like_any_other;
    names_follow_attendance_until_a_person_says_otherwise;
    the_chat_stands_where_it_was_written;
    tasks_are_carried_over_and_marked;
}

fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
    start
        .checked_add(SignedDuration::from_mins(minutes))
        .unwrap()
}

fn by() -> By {
    By::new("operator", Surface::Cli)
}

/// A meeting of the series 81234567890 that began at some minute, with these people.
async fn meeting(app: &App, uuid: &str, minute: i64, people: &[(&str, &str)]) -> InstanceId {
    let now = at(minute + 60);
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "acc".into(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let account = tx.upsert_account(&account, now).await.unwrap();
    let new = NewInstance {
        external_id: uuid.into(),
        number: Some("81234567890".into()),
        topic: Some("Harbour round".into()),
        state: Some(InstanceState::Ended),
        start: Some(at(minute)),
        end: Some(at(minute + 30)),
        tz: Some("Europe/Berlin".into()),
        ..NewInstance::default()
    };
    let id = tx.upsert_instance(account, &new, &seen).await.unwrap().id;
    for (name, email) in people {
        let stay = NewAttendance {
            match_key: format!("mail:{email}"),
            name: Some((*name).into()),
            email: Some((*email).into()),
            user_external_id: None,
            registrant_id: None,
            role: None,
            join_key: format!("{email}:1"),
            kind: AttendanceKind::Main,
            join: at(minute),
            leave: Some(at(minute + 30)),
            raw: Some(format!(r#"{{"name":"{name} (phone)"}}"#)),
        };
        tx.join(id, &stay, &seen).await.unwrap();
    }
    tx.commit().await.unwrap();
    id
}

async fn take_in(app: &App, meeting: InstanceId, file: &str, kind: Option<Kind>) -> Imported {
    let file = Import {
        bytes: file.as_bytes(),
        kind,
        language: None,
    };
    import(app, meeting, file, &by()).await.unwrap()
}

const SRT: &str = "1\n00:00:01,000 --> 00:00:05,000\nEdda: I'll send the draft to the harbour office by Friday.\n\n\
    2\n00:00:05,500 --> 00:00:07,000\nLuan: Perfect, thank you.\n\n\
    3\n00:00:08,000 --> 00:00:12,000\nEdda Brandt (phone): The harbour office closes early & on <time>.\n";

async fn a_transcript_from_elsewhere_is_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let id = meeting(&app, "u1", 0, &[("Edda Brandt", "edda@x.test")]).await;

    let first = take_in(&app, id, SRT, None).await;
    assert_eq!(
        (first.format, first.cues, first.duplicate),
        ("srt", 3, false)
    );
    let again = take_in(&app, id, SRT, None).await;
    assert!(again.duplicate && again.transcript_id == first.transcript_id);
    let entries = app
        .audit()
        .list(
            &AuditFilter {
                action: Some("transcript.import".into()),
                ..AuditFilter::default()
            },
            &PageRequest::first(10),
        )
        .await
        .unwrap();
    assert_eq!(entries.items.len(), 1, "a repetition changes nothing");

    let found = parfocal_engine::search::search(&app, "harbour draft kind:said", None, 10, None)
        .await
        .unwrap();
    assert_eq!(found.hits.len(), 1);
    let insights = understand::of_instance(&app, id).await.unwrap();
    let item = &insights.parts[0].analysis.action_items[0];
    assert_eq!(item.due.unwrap().to_string(), "2026-03-06");

    // Every form that holds times reads the same again.
    let talk = talk::of_instance(&app, id, &Wanted::default())
        .await
        .unwrap();
    let said: Vec<(u32, u32, Option<String>, String)> = talk
        .entries
        .iter()
        .map(|e| (e.start_ms, e.end_ms, e.speaker.clone(), e.text.clone()))
        .collect();
    assert_eq!(said.len(), 3);
    for (format, kind, n) in [
        (Format::Srt, Kind::Srt, 2_i64),
        (Format::Vtt, Kind::Vtt, 3),
        (Format::Json, Kind::Json, 4),
    ] {
        let text = write(talk.clone(), format);
        let other = meeting(
            &app,
            &format!("u{n}"),
            n * 100,
            &[("Edda Brandt", "edda@x.test")],
        )
        .await;
        let taken = take_in(&app, other, &text, Some(kind)).await;
        assert_eq!(taken.warnings, 0, "{:?}", taken.first_warnings);
        let read = talk::of_instance(
            &app,
            other,
            &Wanted {
                raw_names: true,
                ..Wanted::default()
            },
        )
        .await
        .unwrap();
        let read: Vec<(u32, u32, Option<String>, String)> = read
            .entries
            .iter()
            .map(|e| (e.start_ms, e.end_ms, e.speaker.clone(), e.text.clone()))
            .collect();
        if format == Format::Srt {
            // SubRip has no way to write a sign of its own tags.
            assert_eq!(read[..2], said[..2], "{text}");
        } else {
            assert_eq!(read, said, "{text}");
        }
    }
    let text = write(talk.clone(), Format::Text);
    assert!(text.contains("Edda Brandt: I'll send the draft"), "{text}");
    let model = write(talk, Format::Model);
    assert!(
        model.contains("[0:00:05 #2] Luan: Perfect, thank you."),
        "{model}"
    );

    for (form, begins) in [
        (Form::Markdown, "# Harbour round"),
        (Form::Html, "<!doctype html>"),
        (Form::Docx, "PK"),
    ] {
        let made = minutes::of_instance(&app, id, form).await.unwrap();
        assert!(made.bytes.starts_with(begins.as_bytes()), "{form:?}");
        assert!(made.file_name.starts_with("2026-03-03 Harbour round."));
    }
    let nothing = Import {
        bytes: b"\n\n",
        kind: Some(Kind::Vtt),
        language: None,
    };
    assert!(import(&app, id, nothing, &by()).await.is_err());
    app.stop().await;
}

async fn names_follow_attendance_until_a_person_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let id = meeting(
        &app,
        "u1",
        0,
        &[("Edda Brandt", "edda@x.test"), ("Luan Reis", "luan@x.test")],
    )
    .await;
    take_in(&app, id, SRT, None).await;

    let who = async |label: &str| {
        people::of_instance(&app, id)
            .await
            .unwrap()
            .into_iter()
            .find(|voice| voice.label == label)
            .unwrap()
    };
    // Two names, one person: one by a part of the name, one by the name in a stay.
    assert_eq!(who("Edda").await.source, VoiceSource::Part);
    assert_eq!(
        who("Edda Brandt (phone)").await.source,
        VoiceSource::Renamed
    );
    assert_eq!(who("Edda").await.email.as_deref(), Some("edda@x.test"));
    let talk = talk::of_instance(&app, id, &Wanted::default())
        .await
        .unwrap();
    let speakers = talk.stats().speakers;
    assert_eq!(speakers.len(), 2, "{speakers:?}");
    assert_eq!(speakers[0].name.as_deref(), Some("Edda Brandt"));
    assert_eq!(speakers[0].talk_ms, 8_000);

    let set = people::set(&app, id, "Luan", "Luan Berg", Some("BERG@x.test"), &by())
        .await
        .unwrap();
    assert_eq!(
        (set.source, set.email.as_deref()),
        (VoiceSource::Person, Some("berg@x.test"))
    );
    let talk = talk::of_instance(&app, id, &Wanted::default())
        .await
        .unwrap();
    assert!(
        talk.entries
            .iter()
            .any(|e| e.speaker.as_deref() == Some("Luan Berg"))
    );
    let back = people::reset(&app, id, "Luan", &by()).await.unwrap();
    assert_eq!(back.email.as_deref(), Some("luan@x.test"));
    assert!(
        people::set(&app, id, "Nobody", "X", None, &by())
            .await
            .is_err()
    );
    assert!(
        people::set(&app, id, "Luan", " ", None, &by())
            .await
            .is_err()
    );
    assert!(
        people::set(&app, id, "Luan", "L", Some("no address"), &by())
            .await
            .is_err()
    );
    app.stop().await;
}

async fn the_chat_stands_where_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let id = meeting(&app, "u1", 0, &[("Edda Brandt", "edda@x.test")]).await;
    take_in(&app, id, SRT, None).await;
    let message = |n: u32, at_ms: u32, text: &str| ChatMessage {
        n,
        at_ms,
        sender: "Luan".into(),
        to: None,
        text: text.into(),
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    // One counts from the recording; one is of a client's file, with the wall clock of Berlin (10:00:06).
    let of_day = (10 * 3_600 + 6) * 1_000;
    tx.store_chat(
        id,
        None,
        &[
            message(1, 5_200, "between"),
            message(2, of_day, "by the clock"),
        ],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let talk = talk::of_instance(&app, id, &Wanted::default())
        .await
        .unwrap();
    let order: Vec<(u32, &str)> = talk
        .entries
        .iter()
        .map(|entry| (entry.start_ms, entry.text.split(' ').next().unwrap()))
        .collect();
    assert_eq!(
        order,
        [
            (1_000, "I'll"),
            (5_200, "between"),
            (5_500, "Perfect,"),
            (6_000, "by"),
            (8_000, "The")
        ]
    );
    let srt = write(talk, Format::Srt);
    assert!(!srt.contains("between"), "subtitles hold what was said");
    app.stop().await;
}

async fn tasks_are_carried_over_and_marked() {
    let dir = tempfile::tempdir().unwrap();
    let (hand, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let week = 7 * 24 * 60;
    let people = [("Edda Brandt", "edda@x.test")];
    let first = meeting(&app, "u1", 0, &people).await;
    let second = meeting(&app, "u2", week, &people).await;
    let say = |text: &str| {
        format!(
            "1\n00:00:01,000 --> 00:00:05,000\nEdda: {text}\n\n2\n00:00:06,000 --> 00:00:07,000\nLuan: Perfect, thank you.\n"
        )
    };
    // The later meeting comes in first.
    take_in(
        &app,
        second,
        &say("I'll send the draft to the harbour office by Friday, as promised."),
        None,
    )
    .await;
    understand::of_instance(&app, second).await.unwrap();
    let list = async |filter: ActionFilter| {
        tracker::list(&app, &filter, &PageRequest::first(10))
            .await
            .unwrap()
            .items
    };
    let all = ActionFilter::default;
    let id = list(all()).await[0].id;
    take_in(
        &app,
        first,
        &say("I'll send the draft to the harbour office by Friday."),
        None,
    )
    .await;
    understand::of_instance(&app, first).await.unwrap();
    let carried = list(Standing::Carried.filter()).await;
    assert_eq!(carried.len(), 1, "{carried:?}");
    assert_eq!(carried[0].id, id, "it keeps its id");
    assert_eq!(
        (carried[0].meetings, carried[0].owner.as_deref()),
        (2, Some("Edda Brandt"))
    );
    assert_eq!(carried[0].owner_email.as_deref(), Some("edda@x.test"));
    assert_eq!(
        carried[0].due.as_deref(),
        Some("2026-03-13"),
        "as it was said last"
    );

    // A person says that it is done; once.
    for _ in 0..2 {
        let marked = tracker::mark(&app, &id.to_string(), ActionState::Done, &by())
            .await
            .unwrap();
        assert_eq!(marked.action.state_by.as_deref(), Some("operator"));
        assert_eq!(marked.sightings.len(), 2);
    }
    let entries = app
        .audit()
        .list(
            &AuditFilter {
                action: Some("action_item.done".into()),
                ..AuditFilter::default()
            },
            &PageRequest::first(10),
        )
        .await
        .unwrap();
    assert_eq!(entries.items.len(), 1);
    assert!(list(Standing::Open.filter()).await.is_empty());

    // Said again in a meeting after that, it is another task; the first stays done.
    let later = hand_minutes(&hand) + week;
    let third = meeting(&app, "u3", later, &people).await;
    take_in(
        &app,
        third,
        &say("I'll send the draft to the harbour office by Friday, again."),
        None,
    )
    .await;
    understand::of_instance(&app, third).await.unwrap();
    let open = list(Standing::Open.filter()).await;
    assert_eq!(open.len(), 1);
    assert_ne!(open[0].id, id);
    let back = tracker::mark(&app, &id.to_string(), ActionState::Open, &by())
        .await
        .unwrap();
    assert_eq!(back.action.state, ActionState::Open);

    // By owner, by meeting, by day.
    let mine = ActionFilter {
        owner: Some("EDDA@x.test".into()),
        ..all()
    };
    assert_eq!(list(mine).await.len(), 2);
    let of_first = ActionFilter {
        instance: Some(first),
        ..all()
    };
    assert_eq!(list(of_first).await.len(), 1);
    let due = ActionFilter {
        due_before: Some("2026-03-01".into()),
        ..all()
    };
    assert!(list(due).await.is_empty());
    let owners = tracker::owners(&app).await.unwrap();
    assert_eq!(
        (owners[0].owner.as_str(), owners[0].total),
        ("Edda Brandt", 2)
    );

    // What was said in a meeting goes with it.
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    tx.erase_instance(third).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(list(all()).await.len(), 1);
    assert!(tracker::get(&app, "nonsense").await.is_err());
    app.stop().await;
}

/// How many minutes the test's clock is past the first meeting.
fn hand_minutes(hand: &parfocal_zoom::clock::ManualClock) -> i64 {
    use parfocal_zoom::clock::Clock as _;
    (hand.now().as_second() - at(0).as_second()) / 60
}
