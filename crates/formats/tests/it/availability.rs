//! Availability against a grid of minutes on random calendars, and what suggestions say of themselves.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::availability::{
    Busy, Hours, HoursError, Person, Request, Span, Spans, find_available_slots,
    suggest_meeting_times,
};
use proptest::prelude::*;

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];
/// Days in whose windows clocks change somewhere, and one in which none do.
const BEGINNINGS: [&str; 6] = [
    "2026-03-28T00:00:00Z",
    "2026-10-24T12:00:00Z",
    "2026-03-07T18:00:00Z",
    "2026-11-01T00:00:00Z",
    "2026-04-04T10:00:00Z",
    "2026-06-15T00:00:00Z",
];
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
];

fn minute(beginning: Timestamp, number: i64) -> Timestamp {
    beginning + SignedDuration::from_mins(number)
}

fn hours() -> impl Strategy<Value = Option<Hours>> {
    let part = (0..7_usize, 0_u16..1380, 1_u16..900);
    let all = (
        prop::sample::select(ZONES.to_vec()),
        prop::collection::vec(part, 1..9),
        prop::collection::vec(0_i64..4, 0..2),
    );
    prop::option::of((all, prop::sample::select(BEGINNINGS.to_vec())).prop_map(
        |((zone, parts, days), beginning)| {
            let mut hours = Hours::in_zone(zone).unwrap();
            for (day, from, length) in parts {
                hours = hours
                    .on(WEEK[day], from, (from + length).min(1440))
                    .unwrap();
            }
            let first: Timestamp = beginning.parse().unwrap();
            let first = first.to_zoned(TimeZone::UTC).date();
            hours.without(
                days.into_iter()
                    .map(|day| first.checked_add(jiff::Span::new().days(day)).unwrap()),
            )
        },
    ))
}

type Made = (Option<Vec<(i64, i64)>>, Option<Hours>, bool);

fn person() -> impl Strategy<Value = Made> {
    let busy = prop::collection::vec((-200_i64..4000, -5_i64..400), 0..8);
    (
        prop::option::weighted(0.95, busy),
        hours(),
        prop::bool::weighted(0.8),
    )
}

/// Whether somebody can be met in a minute, from first principles.
fn is_free(made: &Made, beginning: Timestamp, number: i64, before: i64, after: i64) -> bool {
    let (busy, hours, _) = made;
    let taken = busy.iter().flatten().any(|(from, length)| {
        *length > 0 && number >= from - after && number < from + length + before
    });
    let works = hours.as_ref().is_none_or(|hours| {
        let local = minute(beginning, number).to_zoned(hours.zone().clone());
        let of_day =
            u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
        !hours.is_holiday(local.date())
            && hours.week()[day]
                .iter()
                .any(|(from, to)| (*from..*to).contains(&of_day))
    });
    !taken && works
}

fn cases() -> ProptestConfig {
    let more = std::env::var("PARFOCAL_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(more.unwrap_or(150))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn slots_are_those_of_a_grid_of_minutes(
        people in prop::collection::vec(person(), 1..4),
        beginning in prop::sample::select(BEGINNINGS.to_vec()),
        (length, step) in (1_i64..120, prop::sample::select(vec![5_i64, 15, 30, 60])),
        (before, after) in (0_i64..40, 0_i64..40),
        (window, notice) in (60_i64..3600, prop::option::of(0_i64..2000)),
    ) {
        let beginning: Timestamp = beginning.parse().unwrap();
        let small = |number: i64| u32::try_from(number).unwrap();
        let request = Request {
            window: Span::new(beginning, minute(beginning, window)),
            minutes: small(length),
            step: small(step),
            earliest: notice.map(|number| minute(beginning, number)),
            buffer_before: small(before),
            buffer_after: small(after),
        };
        let known: Vec<Person> = people.iter().enumerate().map(|(number, (busy, hours, required))| Person {
            who: format!("person {number}"),
            busy: match busy {
                None => Busy::Unknown("it cannot be read".to_owned()),
                Some(list) => Busy::Known(Spans::of(list.iter().map(|(from, length)| {
                    Span::new(minute(beginning, *from), minute(beginning, from + length))
                }))),
            },
            hours: hours.clone(),
            required: *required,
        }).collect();
        let required: Vec<&Made> = people.iter().filter(|one| one.2).collect();
        let free: Vec<bool> = (0..window)
            .map(|number| {
                notice.is_none_or(|notice| number >= notice)
                    && required.iter().all(|one| is_free(one, beginning, number, before, after))
            })
            .collect();
        let is_on_step = |number: i64| minute(beginning, number).as_second() % (step * 60) == 0;
        let fits = |number: i64| {
            let from = usize::try_from(number).unwrap();
            free.get(from..from + usize::try_from(length).unwrap()).is_some_and(|part| part.iter().all(|one| *one))
        };
        let by_grid: Vec<Timestamp> =
            (0..window).filter(|number| is_on_step(*number) && fits(*number)).map(|number| minute(beginning, number)).collect();
        let found = find_available_slots(&request, &known);
        let missing = required.iter().any(|one| one.0.is_none());
        let starts: Vec<Timestamp> = found.slots.iter().map(|slot| slot.from).collect();
        if missing {
            prop_assert!(starts.is_empty(), "unknown is never free");
            prop_assert!(!found.unknown.is_empty());
        } else {
            prop_assert_eq!(&starts, &by_grid);
        }
        prop_assert!(found.slots.iter().all(|slot| slot.length() == SignedDuration::from_mins(length)));
        // Suggestions are among what nobody is known to have anything against, and explain their score.
        for one in suggest_meeting_times(&request, &known, 5) {
            prop_assert!(by_grid.contains(&one.slot.from));
            prop_assert_eq!(one.certain, !missing);
            let sum: i32 = one.reasons.iter().map(|reason| reason.points).sum();
            prop_assert_eq!(sum, one.score);
            prop_assert!((0..=100).contains(&one.score), "{:?}", one);
        }
    }

    #[test]
    fn sets_of_time_are_sets(
        a in prop::collection::vec((0_i64..200, -3_i64..40), 0..9),
        b in prop::collection::vec((0_i64..200, -3_i64..40), 0..9),
    ) {
        let zero = Timestamp::UNIX_EPOCH;
        let set = |list: &[(i64, i64)]| Spans::of(list.iter().map(|(from, length)| Span::new(minute(zero, *from), minute(zero, from + length))));
        let has = |list: &[(i64, i64)], number: i64| list.iter().any(|(from, length)| (*from..from + length).contains(&number));
        let window = Span::new(zero, minute(zero, 240));
        let (left, right) = (set(&a), set(&b));
        for number in 0..240 {
            let one = Span::new(minute(zero, number), minute(zero, number + 1));
            prop_assert_eq!(left.or(&right).covers(one), has(&a, number) || has(&b, number));
            prop_assert_eq!(left.and(&right).covers(one), has(&a, number) && has(&b, number));
            prop_assert_eq!(left.gaps(window).covers(one), !has(&a, number));
            prop_assert_eq!(left.meets(one), has(&a, number));
        }
        prop_assert_eq!(left.total() + left.gaps(window).total(), window.length());
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_suggestion_says_what_speaks_against_it() {
    let day = Span::new(at("2026-12-01T00:00:00Z"), at("2026-12-02T00:00:00Z"));
    let nine_to_five = |zone| Some(Hours::weekdays(zone, 9 * 60, 17 * 60).unwrap());
    let mut ana = Person::new("ana", Busy::Known(Spans::default()));
    ana.hours = nine_to_five("Europe/Berlin");
    let mut bo = Person::new(
        "bo",
        Busy::Known(Spans::of([Span::new(
            at("2026-12-01T14:30:00Z"),
            at("2026-12-01T15:00:00Z"),
        )])),
    );
    bo.hours = nine_to_five("America/New_York");
    let mut cy = Person::new(
        "cy",
        Busy::Unknown("the calendar does not answer".to_owned()),
    );
    cy.required = false;
    let people = [ana, bo, cy];
    let found = suggest_meeting_times(&Request::new(day, 30), &people, 3);
    // Berlin and New York share 14:00 to 16:00 UTC, of which Bo is busy for half an hour.
    let starts: Vec<String> = found.iter().map(|one| one.slot.from.to_string()).collect();
    assert_eq!(starts.len(), 3, "{found:#?}");
    assert!(
        starts.iter().all(
            |start| ("2026-12-01T14:00:00Z"..="2026-12-01T15:30:00Z").contains(&start.as_str())
        )
    );
    let best = &found[0];
    assert_eq!(best.slot.from, at("2026-12-01T15:30:00Z"));
    assert!(best.certain);
    let texts: Vec<&str> = best
        .reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "everybody who has to come is free",
            "nobody knows whether cy is free"
        ]
    );
    assert_eq!(best.score, 95);
    // Once Cy has to come, nothing is certain, and nothing is available.
    let mut people = people;
    people[2].required = true;
    assert!(
        suggest_meeting_times(&Request::new(day, 30), &people, 3)
            .iter()
            .all(|one| !one.certain && one.score <= 60)
    );
    let none = find_available_slots(&Request::new(day, 30), &people);
    assert!(none.slots.is_empty());
    assert_eq!(
        (
            none.unknown[0].who.as_str(),
            none.unknown[0].reason.as_str()
        ),
        ("cy", "the calendar does not answer")
    );
}

#[test]
fn hours_that_make_no_sense_are_refused() {
    assert_eq!(
        Hours::in_zone("Mars/Olympus").unwrap_err(),
        HoursError::UnknownZone("Mars/Olympus".to_owned())
    );
    assert_eq!(
        Hours::weekdays("UTC", 600, 600).unwrap_err(),
        HoursError::Backwards(600, 600)
    );
    assert_eq!(
        Hours::weekdays("UTC", 0, 1441).unwrap_err(),
        HoursError::Backwards(0, 1441)
    );
    let holiday: Date = date(2026, 12, 25);
    let hours = Hours::weekdays("UTC", 0, 1440).unwrap().without([holiday]);
    let week = Span::new(at("2026-12-21T00:00:00Z"), at("2026-12-28T00:00:00Z"));
    assert_eq!(
        hours.within(week).total(),
        SignedDuration::from_hours(4 * 24)
    );
}
