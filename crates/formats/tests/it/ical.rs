//! iCalendar and iTIP: what is written reads the same, what others write is taken, and nothing panics.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use parfocal_formats::ical::{
    Agent, Alarm, Answer, Attendee, BusyKind, Calendar, Event, IcalError, Letter, Method, Moment,
    Person, Role, Status, replies,
};
use proptest::prelude::*;

/// Texts that calendars get wrong: everything that has a meaning in the syntax, and letters of several bytes.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(","),
        Just(";"),
        Just(":"),
        Just("\\"),
        Just("\\n"),
        Just("\n"),
        Just("\""),
        Just("^"),
        Just("'"),
        Just("="),
        Just("🚀"),
        Just("👩‍💻"),
        Just("会議室"),
        Just("Zürich"),
        Just("BEGIN:VEVENT"),
        Just("END:VCALENDAR"),
        Just("plain words that go on for a while"),
        Just("x"),
        Just(" y"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|list| list.concat().trim().to_owned())
}

fn instants() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn locals() -> impl Strategy<Value = DateTime> {
    (0_i64..4_000_000_000).prop_map(|second| {
        let at = Timestamp::from_second(second).unwrap();
        at.to_zoned(TimeZone::UTC).datetime()
    })
}

fn moments() -> impl Strategy<Value = Moment> {
    let zones = prop::sample::select(vec![
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
        "Asia/Tokyo",
        "America/St_Johns",
        "Europe/Istanbul",
    ]);
    prop_oneof![
        instants().prop_map(Moment::Utc),
        (locals(), zones).prop_map(|(local, zone)| Moment::in_zone(local, zone)),
        locals().prop_map(Moment::Floating),
        locals().prop_map(|local| Moment::Day(local.date())),
    ]
}

fn attendees() -> impl Strategy<Value = Attendee> {
    let role = prop::sample::select(vec![
        Role::Chair,
        Role::Required,
        Role::Optional,
        Role::Informed,
    ]);
    let answer = prop::sample::select(vec![
        Answer::Pending,
        Answer::Accepted,
        Answer::Declined,
        Answer::Tentative,
        Answer::Delegated,
    ]);
    let agent = prop::sample::select(vec![Agent::Server, Agent::Client, Agent::Nobody]);
    // A backslash cannot stand in a parameter; everything else can.
    let name = words().prop_map(|name| name.replace('\\', "/"));
    (
        "[a-z]{1,9}@[a-z]{1,9}\\.example",
        name,
        role,
        answer,
        any::<bool>(),
        agent,
    )
        .prop_map(|(email, name, role, answer, rsvp, agent)| Attendee {
            person: Person::new(email, name.trim()),
            role,
            answer,
            rsvp,
            agent,
        })
}

prop_compose! {
    fn events()(
        uid in "[a-z0-9-]{1,40}@parfocal",
        sequence in 0_u32..99,
        (stamp, modified) in (instants(), prop::option::of(instants())),
        (start, end, of) in (moments(), prop::option::of(moments()), prop::option::of(moments())),
        rule in prop::option::of(prop::sample::select(vec![
            "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20301231T235959Z", "FREQ=MONTHLY;BYDAY=-1FR",
        ])),
        (excluded, added) in (prop::collection::vec(moments(), 0..3), prop::collection::vec(moments(), 0..3)),
        (summary, description, location, comment) in (words(), words(), words(), words()),
        link in prop::option::of("https://zoom\\.example/j/[0-9]{9}\\?pwd=[A-Za-z0-9._-]{1,90}"),
        status in prop::sample::select(vec![Status::Confirmed, Status::Tentative, Status::Cancelled]),
        free in any::<bool>(),
        attendees in prop::collection::vec(attendees(), 0..4),
        alarms in prop::collection::vec((0_u32..30_000, words()), 0..2),
    ) -> Event {
        let mut event = Event::new(uid, stamp, start);
        let alarm = |(minutes_before, text): (u32, String)| Alarm {
            minutes_before,
            text: if text.is_empty() { "Reminder".to_owned() } else { text },
        };
        event.organizer = attendees.first().map(|one| one.person.clone());
        event.alarms = alarms.into_iter().map(alarm).collect();
        Event {
            sequence, modified, end, of, excluded, added, summary, description, location, comment, status, free, attendees,
            rule: rule.map(|rule| rule.parse().unwrap()),
            url: link.clone(),
            conference: link,
            ..event
        }
    }
}

fn cases() -> ProptestConfig {
    let more = std::env::var("PARFOCAL_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(more.unwrap_or(64))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_written_reads_the_same(list in prop::collection::vec(events(), 1..3)) {
        let written = Calendar::request(list);
        let text = written.to_string();
        prop_assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        prop_assert!(text.split("\r\n").all(|line| !line.contains('\n')), "{text}");
        let read = Calendar::parse(&text).unwrap();
        prop_assert_eq!(&read, &written, "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }

    /// A stand-in for a fuzzer: a calendar cut up, with pieces of others in between.
    #[test]
    fn no_text_panics(event in events(), cuts in prop::collection::vec((0_usize..3000, "\\PC{0,12}|BEGIN:VALARM\r\n|END:VEVENT\r\n|RRULE:FREQ=SECONDLY;UNTIL=9\r\n|DTSTART;TZID=Nowhere:20269999T999999\r\n|FREEBUSY:x/y\r\n"), 0..6)) {
        let mut text = Calendar::request(vec![event]).to_string();
        for (place, piece) in cuts {
            let at = (0..=place.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.insert_str(at, &piece);
        }
        if let Ok(calendar) = Calendar::parse(&text) {
            let again = calendar.to_string();
            prop_assert!(Calendar::parse(&again).is_ok());
            for event in &calendar.events {
                if let Some(Ok(series)) = event.series(&TimeZone::UTC) {
                    prop_assert!(series.instances().take(5).count() <= 5);
                }
            }
            let _answers = replies(&calendar);
        }
        let _letter = Letter::parse(text.as_bytes());
    }
}

/// What Outlook sends back: a Windows zone, no name, folded lines with tabs, an answer for one occurrence.
const OUTLOOK: &str = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\n\
BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n\
TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n\
ATTENDEE;PARTSTAT=TENTATIVE;CN=Bo:MAILTO:Bo@Example.com\r\nCOMMENT;LANGUAGE=en-US:I may be late\\, sorry.\\n\r\n\
UID:m-1@parfocal\r\nSUMMARY;LANGUAGE=en-US:Tentative: Planning\r\nDTSTART;TZID=W. Europe Standard Time:20261201T0900\r\n\t00\r\n\
RECURRENCE-ID;TZID=W. Europe Standard Time:20261201T090000\r\nDTSTAMP:20261122T081500Z\r\nSEQUENCE:2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn an_answer_from_outlook_is_understood() {
    let calendar = Calendar::parse(OUTLOOK).unwrap();
    assert_eq!(calendar.warnings, [""; 0]);
    let [said] = replies(&calendar).try_into().unwrap();
    assert_eq!(
        (said.email.as_str(), said.answer),
        ("bo@example.com", Answer::Tentative)
    );
    assert_eq!((said.uid.as_str(), said.sequence), ("m-1@parfocal", 2));
    assert_eq!(said.comment.trim(), "I may be late, sorry.");
    let of = said.of.clone().unwrap();
    assert_eq!(
        of,
        Moment::in_zone(date(2026, 12, 1).at(9, 0, 0, 0), "Europe/Berlin")
    );
    assert_eq!(of.instant().unwrap().to_string(), "2026-12-01T08:00:00Z");
    let before = "2026-11-22T08:14:59Z".parse().unwrap();
    assert!(said.is_newer_than(2, before) && said.is_newer_than(1, said.stamp));
    assert!(!said.is_newer_than(3, before) && !said.is_newer_than(2, said.stamp));
}

#[test]
fn requests_are_no_answers() {
    let text = OUTLOOK.replace("METHOD:REPLY", "METHOD:REQUEST");
    assert_eq!(replies(&Calendar::parse(&text).unwrap()), []);
    let two = OUTLOOK.replace(
        "UID:",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@example.com\r\nUID:",
    );
    assert_eq!(replies(&Calendar::parse(&two).unwrap()), []);
    let unsaid = OUTLOOK.replace("METHOD:REPLY\r\n", "");
    assert_eq!(replies(&Calendar::parse(&unsaid).unwrap()).len(), 1);
}

#[test]
fn an_answer_arrives_by_mail_in_whatever_encoding() {
    let mail = format!(
        "From: \"Bo, at work\" <BO@example.com>\r\nTo: plan@example.com\r\nSubject: =?utf-8?B?WsO8cmljaA==?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee you.\r\n--x\r\n\
         Content-Type: text/calendar; method=REPLY; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--x\r\n\
         Content-Type: application/octet-stream; name=\"invite.ics\"\r\n\r\n{OUTLOOK}\r\n--x--\r\n",
        OUTLOOK.replace('=', "=3D")
    );
    let letter = Letter::parse(mail.as_bytes()).unwrap();
    assert_eq!(letter.from, ["bo@example.com"]);
    assert_eq!(letter.subject, "Zürich");
    assert!(!letter.automatic);
    assert_eq!(letter.calendars.len(), 1, "the same calendar twice is one");
    assert_eq!(replies(&letter.calendars[0])[0].answer, Answer::Tentative);
    let away = Letter::parse(b"From: a@b.example\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n")
        .unwrap();
    assert!(away.automatic && away.calendars.is_empty());
}

#[test]
fn a_cancellation_of_one_occurrence_has_no_rule() {
    let start = Moment::in_zone(date(2026, 12, 1).at(9, 0, 0, 0), "Europe/Berlin");
    let mut event = Event::new(
        "m-1",
        "2026-11-22T08:00:00Z".parse().unwrap(),
        start.clone(),
    );
    event.rule = Some("FREQ=DAILY;COUNT=5".parse().unwrap());
    event.alarms = vec![Alarm {
        minutes_before: 10,
        text: "Soon".to_owned(),
    }];
    event.of = Some(start);
    let text = Calendar::cancel(event).to_string();
    assert!(
        text.contains("METHOD:CANCEL\r\n") && text.contains("STATUS:CANCELLED\r\n"),
        "{text}"
    );
    assert!(
        !text.contains("COUNT=5") && !text.contains("VALARM"),
        "{text}"
    );
    assert!(
        text.contains("RECURRENCE-ID;TZID=\"Europe/Berlin\":20261201T090000")
            || text.contains("RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000"),
        "{text}"
    );
}

#[test]
fn an_all_day_series_keeps_its_days() {
    let mut event = Event::new("d", Timestamp::UNIX_EPOCH, Moment::Day(date(2026, 12, 30)));
    event.end = Some(Moment::Day(date(2026, 12, 31)));
    event.rule = Some("FREQ=DAILY;COUNT=4".parse().unwrap());
    event.excluded = vec![Moment::Day(date(2027, 1, 1))];
    let read = Calendar::parse(&Calendar::stored(vec![event]).to_string()).unwrap();
    let series = read.events[0].series(&TimeZone::UTC).unwrap().unwrap();
    let days: Vec<Date> = series.instances().map(|one| one.local.date()).collect();
    assert_eq!(
        days,
        [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 2)]
    );
}

#[test]
fn busy_times_are_read_with_how_much_they_count() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nATTENDEE:mailto:bo@example.com\n\
        FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261201T080000Z/PT30M,20261201T100000Z/20261201T110000Z\n\
        FREEBUSY:20261202T080000Z/20261202T070000Z\nFREEBUSY;FBTYPE=FREE:20261203T080000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR\n";
    let calendar = Calendar::parse(text).unwrap();
    let [busy] = calendar.busy.as_slice() else {
        panic!("{calendar:?}")
    };
    assert_eq!(busy.attendee.as_deref(), Some("bo@example.com"));
    let lines: Vec<String> = busy
        .periods
        .iter()
        .map(|(from, to, kind)| format!("{from} {to} {kind:?}"))
        .collect();
    assert_eq!(
        lines,
        [
            "2026-12-01T08:00:00Z 2026-12-01T08:30:00Z Tentative",
            "2026-12-01T10:00:00Z 2026-12-01T11:00:00Z Tentative",
            "2026-12-03T08:00:00Z 2026-12-03T09:00:00Z Free",
        ]
    );
    assert_eq!(busy.periods[2].2, BusyKind::Free);
}

#[test]
fn a_zone_is_described_by_the_rules_it_has_and_had() {
    let text = |zone: &str, day: Date| {
        let mut event = Event::new(
            "z",
            Timestamp::UNIX_EPOCH,
            Moment::in_zone(day.at(9, 0, 0, 0), zone),
        );
        event.rule = Some("FREQ=DAILY".parse().unwrap());
        Calendar::of(Method::Publish, vec![event]).to_string()
    };
    let berlin = text("Europe/Berlin", date(2026, 12, 1));
    assert!(
        berlin.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n"),
        "{berlin}"
    );
    assert!(
        berlin.contains("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"),
        "{berlin}"
    );
    // The United States moved both changes in 2007.
    let york = text("America/New_York", date(2005, 6, 1));
    assert!(
        york.contains("RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\r\n"),
        "{york}"
    );
    assert!(
        york.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"),
        "{york}"
    );
    let tokyo = text("Asia/Tokyo", date(2026, 12, 1));
    assert!(
        tokyo.contains("TZOFFSETTO:+0900\r\n") && !tokyo.contains("DAYLIGHT"),
        "{tokyo}"
    );
    let newfoundland = text("America/St_Johns", date(2026, 12, 1));
    assert!(
        newfoundland.contains("TZOFFSETTO:-0230\r\n"),
        "{newfoundland}"
    );
}

#[test]
fn what_is_no_calendar_is_said_to_be_none() {
    assert_eq!(Calendar::parse("hello"), Err(IcalError::NotACalendar));
    assert_eq!(
        Calendar::parse("BEGIN:VCARD\nEND:VCARD\n"),
        Err(IcalError::NotACalendar)
    );
    let bare =
        Calendar::parse("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR")
            .unwrap();
    assert!(bare.events.is_empty());
    assert_eq!(bare.warnings, ["an event without a UID was left out"]);
}
