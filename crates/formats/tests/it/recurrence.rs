//! Recurrence: the examples of RFC 5545, clocks that jump, ends, exceptions, and other systems' forms.

use jiff::civil::DateTime;
use parfocal_formats::recurrence::{
    GraphRecurrence, Rule, RuleError, Series, SeriesError, Start, ZoomLimits, ZoomRecurrence,
};
use proptest::prelude::*;

fn series(start: &str, zone: &str, rule: &str) -> Series {
    let start = Start::in_zone(start.parse().unwrap(), zone).unwrap();
    Series::new(start, rule.parse().unwrap()).unwrap()
}

/// The first instances' local times, `%Y-%m-%d %H:%M`, or only the day when the time is the start's.
fn first(series: &Series, count: usize) -> Vec<String> {
    let time = series.start().local().time();
    series
        .instances()
        .take(count)
        .map(|one| {
            if one.local.time() == time {
                one.local.strftime("%Y-%m-%d").to_string()
            } else {
                one.local.strftime("%Y-%m-%d %H:%M").to_string()
            }
        })
        .collect()
}

/// RFC 5545 §3.8.5.3: start, rule, the first instances that the text names, and how many there are in all.
const EXAMPLES: &str = "\
1997-09-02 | FREQ=DAILY;COUNT=10 | 1997-09-02 1997-09-03 1997-09-04 | 10
1997-09-02 | FREQ=DAILY;UNTIL=19971224T000000Z | 1997-09-02 1997-09-03 | 113
1997-09-02 | FREQ=DAILY;INTERVAL=2 | 1997-09-02 1997-09-04 1997-09-06 | endless
1997-09-02 | FREQ=DAILY;INTERVAL=10;COUNT=5 | 1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12 | 5
1998-01-01 | FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA | 1998-01-01 1998-01-02 | 93
1998-01-01 | FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1 | 1998-01-01 1998-01-02 | 93
1997-09-02 | FREQ=WEEKLY;COUNT=10 | 1997-09-02 1997-09-09 1997-09-16 | 10
1997-09-02 | FREQ=WEEKLY;UNTIL=19971224T000000Z | 1997-09-02 1997-09-09 | 17
1997-09-02 | FREQ=WEEKLY;INTERVAL=2;WKST=SU | 1997-09-02 1997-09-16 1997-09-30 1997-10-14 | endless
1997-09-02 | FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH | 1997-09-02 1997-09-04 1997-09-09 1997-09-11 | 10
1997-09-02 | FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH | 1997-09-02 1997-09-04 1997-09-09 1997-09-11 | 10
1997-09-01 | FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR | 1997-09-01 1997-09-03 1997-09-05 1997-09-15 | 25
1997-09-02 | FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH | 1997-09-02 1997-09-04 1997-09-16 1997-09-18 | 8
1997-09-05 | FREQ=MONTHLY;COUNT=10;BYDAY=1FR | 1997-09-05 1997-10-03 1997-11-07 | 10
1997-09-05 | FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR | 1997-09-05 1997-10-03 1997-11-07 1997-12-05 | 4
1997-09-07 | FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU | 1997-09-07 1997-09-28 1997-11-02 1997-11-30 | 10
1997-09-22 | FREQ=MONTHLY;COUNT=6;BYDAY=-2MO | 1997-09-22 1997-10-20 1997-11-17 | 6
1997-09-28 | FREQ=MONTHLY;BYMONTHDAY=-3 | 1997-09-28 1997-10-29 1997-11-28 1997-12-29 | endless
1997-09-02 | FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15 | 1997-09-02 1997-09-15 1997-10-02 | 10
1997-09-30 | FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1 | 1997-09-30 1997-10-01 1997-10-31 | 10
1997-09-10 | FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15 | 1997-09-10 1997-09-11 | 10
1997-09-02 | FREQ=MONTHLY;INTERVAL=2;BYDAY=TU | 1997-09-02 1997-09-09 1997-09-16 1997-09-23 1997-09-30 1997-11-04 | endless
1997-06-10 | FREQ=YEARLY;COUNT=10;BYMONTH=6,7 | 1997-06-10 1997-07-10 1998-06-10 | 10
1997-03-10 | FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3 | 1997-03-10 1999-01-10 1999-02-10 | 10
1997-01-01 | FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200 | 1997-01-01 1997-04-10 1997-07-19 2000-01-01 | 10
1997-05-19 | FREQ=YEARLY;BYDAY=20MO | 1997-05-19 1998-05-18 1999-05-17 | endless
1997-05-12 | FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO | 1997-05-12 1998-05-11 1999-05-17 | endless
1997-03-13 | FREQ=YEARLY;BYMONTH=3;BYDAY=TH | 1997-03-13 1997-03-20 1997-03-27 1998-03-05 | endless
1997-06-05 | FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8 | 1997-06-05 1997-06-12 | endless
1998-02-13 | FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13 | 1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13 | endless
1997-09-13 | FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13 | 1997-09-13 1997-10-11 1997-11-08 | endless
1996-11-05 | FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8 | 1996-11-05 2000-11-07 2004-11-02 | endless
1997-09-04 | FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3 | 1997-09-04 1997-10-07 1997-11-06 | 3
1997-09-29 | FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2 | 1997-09-29 1997-10-30 1997-11-27 1997-12-30 | endless
1997-08-05 | FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO | 1997-08-05 1997-08-10 1997-08-19 1997-08-24 | 4
1997-08-05 | FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU | 1997-08-05 1997-08-17 1997-08-19 1997-08-31 | 4
2007-01-15 | FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5 | 2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30 | 5";

#[test]
fn the_examples_of_rfc_5545() {
    for example in EXAMPLES.lines() {
        let [start, rule, wanted, in_all] = example.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{example}");
        };
        let one = series(&format!("{start}T09:00"), "America/New_York", rule);
        let wanted: Vec<&str> = wanted.split(' ').collect();
        assert_eq!(first(&one, wanted.len()), wanted, "{rule}");
        if in_all != "endless" {
            assert_eq!(one.instances().count().to_string(), in_all, "{rule}");
        }
    }
}

#[test]
fn rules_within_a_day() {
    let hours = series(
        "1997-09-02T09:00",
        "America/New_York",
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
    );
    assert_eq!(
        first(&hours, 9),
        ["1997-09-02", "1997-09-02 12:00", "1997-09-02 15:00"]
    );
    let half = series(
        "1997-09-02T09:00",
        "America/New_York",
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
    );
    assert_eq!(
        first(&half, 9),
        [
            "1997-09-02",
            "1997-09-02 10:30",
            "1997-09-02 12:00",
            "1997-09-02 13:30"
        ]
    );
    let twenty = "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40";
    let twenty = series("1997-09-02T09:00", "America/New_York", twenty);
    assert_eq!(
        first(&twenty, 3),
        ["1997-09-02", "1997-09-02 09:20", "1997-09-02 09:40"]
    );
    assert_eq!(first(&twenty, 25).last().unwrap(), "1997-09-03");
    let again = "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16";
    let again = series("1997-09-02T09:00", "America/New_York", again);
    assert_eq!(first(&again, 60), first(&twenty, 60));
    let quarters = series(
        "1997-09-02T09:00",
        "America/New_York",
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
    );
    assert_eq!(first(&quarters, 9).last().unwrap(), "1997-09-02 10:15");
}

fn instants(series: &Series, count: usize) -> Vec<String> {
    let instances = series.instances().take(count);
    instances.map(|one| one.at.unwrap().to_string()).collect()
}

#[test]
fn the_wall_clock_stays_when_clocks_change() {
    let daily = series("2026-03-28T09:00", "Europe/Berlin", "FREQ=DAILY;COUNT=3");
    assert_eq!(
        instants(&daily, 9),
        [
            "2026-03-28T08:00:00Z",
            "2026-03-29T07:00:00Z",
            "2026-03-30T07:00:00Z"
        ]
    );
    // A time that comes twice is the first of the two.
    let twice = series("2026-10-24T02:30", "Europe/Berlin", "FREQ=DAILY;COUNT=2");
    assert_eq!(
        instants(&twice, 9),
        ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"]
    );
    // Samoa had no 30 December 2011.
    let samoa = series("2011-12-29T12:00", "Pacific/Apia", "FREQ=DAILY;COUNT=3");
    assert_eq!(first(&samoa, 9), ["2011-12-29", "2011-12-31", "2012-01-01"]);
}

#[test]
fn zones_whose_rules_changed_keep_the_wall_clock() {
    // Mexico gave summer time up in October 2022, Jordan winter time in the same month.
    let mexico = series(
        "2022-08-01T09:00",
        "America/Mexico_City",
        "FREQ=YEARLY;COUNT=2",
    );
    assert_eq!(
        instants(&mexico, 9),
        ["2022-08-01T14:00:00Z", "2023-08-01T15:00:00Z"]
    );
    let jordan = series("2021-12-01T09:00", "Asia/Amman", "FREQ=YEARLY;COUNT=2");
    assert_eq!(
        instants(&jordan, 9),
        ["2021-12-01T07:00:00Z", "2022-12-01T06:00:00Z"]
    );
}

#[test]
fn times_that_clocks_skip_are_neither_held_nor_counted() {
    let skipped = series("2026-03-28T02:30", "Europe/Berlin", "FREQ=DAILY;COUNT=3");
    assert_eq!(
        first(&skipped, 9),
        ["2026-03-28", "2026-03-30", "2026-03-31"]
    );
    let start = Start::in_zone("2026-03-29T02:30".parse().unwrap(), "Europe/Berlin").unwrap();
    let error = Series::new(start, "FREQ=DAILY".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2026-03-29T02:30:00 does not exist in Europe/Berlin: clocks are set forward then; take 2026-03-29T03:30:00"
    );
}

#[test]
fn ends_are_inclusive_and_in_the_events_zone() {
    // 23:00 in New York is the next day in UTC.
    let day = series(
        "2026-01-01T23:00",
        "America/New_York",
        "FREQ=DAILY;UNTIL=20260103",
    );
    assert_eq!(day.instances().count(), 3);
    let instant = series(
        "2026-01-01T23:00",
        "America/New_York",
        "FREQ=DAILY;UNTIL=20260104T040000Z",
    );
    assert_eq!(instant.instances().count(), 3);
    let just_before = series(
        "2026-01-01T23:00",
        "America/New_York",
        "FREQ=DAILY;UNTIL=20260104T035959Z",
    );
    assert_eq!(just_before.instances().count(), 2);
    assert_eq!(
        day.with_strict_end().to_string(),
        "FREQ=DAILY;UNTIL=20260104T045959Z"
    );
}

#[test]
fn exceptions_take_out_and_add() {
    let at = |text: &str| -> DateTime { text.parse().unwrap() };
    let one = series("2026-01-05T09:00", "Europe/Berlin", "FREQ=WEEKLY;COUNT=4")
        .without([at("2026-01-12T09:00")])
        .with([at("2026-01-14T10:00"), at("2026-01-19T09:00")]);
    assert_eq!(
        first(&one, 9),
        ["2026-01-05", "2026-01-14 10:00", "2026-01-19", "2026-01-26"]
    );
    assert_eq!(
        one.to_google().unwrap(),
        [
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "EXDATE;TZID=Europe/Berlin:20260112T090000",
            "RDATE;TZID=Europe/Berlin:20260114T100000,20260119T090000",
        ]
    );
}

#[test]
fn a_start_off_the_rule_can_be_moved_to_it() {
    let one = series(
        "2026-01-06T09:00",
        "Europe/Berlin",
        "FREQ=WEEKLY;BYDAY=MO;COUNT=2",
    );
    assert_eq!(
        one.aligned().unwrap().start().local(),
        "2026-01-12T09:00".parse().unwrap()
    );
    // What never happens ends.
    let never = series(
        "2026-01-06T09:00",
        "Europe/Berlin",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    );
    assert_eq!(never.instances().next(), None);
}

#[test]
fn whole_days_have_no_instant() {
    let start = Start::Day("2026-02-27".parse().unwrap());
    let days = Series::new(start, "FREQ=DAILY;UNTIL=20260301T120000Z".parse().unwrap()).unwrap();
    let local: Vec<String> = days
        .instances()
        .map(|one| one.local.date().to_string())
        .collect();
    assert_eq!(local, ["2026-02-27", "2026-02-28", "2026-03-01"]);
    assert!(days.instances().all(|one| one.at.is_none()));
    assert!(days.to_zoom(ZoomLimits::default()).is_err());
}

#[test]
fn words() {
    for (rule, words) in [
        ("FREQ=DAILY", "every day"),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=20",
            "every weekday, 20 times",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
            "every 2 weeks on Tuesday",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270305T090000Z",
            "every month on the last Friday, until 5 March 2027",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,15",
            "every month on the 1st and 15th",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "every month on the 13th if it is Friday",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "every month on Monday, Tuesday, Wednesday, Thursday and Friday, only the 2nd to last of these",
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            "every year in November on the 4th Thursday",
        ),
        ("FREQ=DAILY;COUNT=1", "every day, once"),
    ] {
        assert_eq!(rule.parse::<Rule>().unwrap().in_words(), words, "{rule}");
    }
}

#[test]
fn faults_in_the_text_are_named() {
    let error = |text: &str| text.parse::<Rule>().unwrap_err();
    assert_eq!(error("INTERVAL=2"), RuleError::NoFrequency);
    assert_eq!(
        error("FREQ=DAILY;COUNT=2;UNTIL=20270101"),
        RuleError::TwoEnds
    );
    assert_eq!(
        error("FREQ=DAILY;FREQ=WEEKLY"),
        RuleError::Twice("FREQ".into())
    );
    assert_eq!(
        error("FREQ=DAILY;BYFOO=1"),
        RuleError::UnknownPart("BYFOO".into())
    );
    assert_eq!(error("FREQ=MONTHLY;BYSETPOS=1"), RuleError::NothingToChoose);
    for (text, part) in [
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;COUNT=-1", "COUNT"),
        ("FREQ=DAILY;UNTIL=2027", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20271301", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=FORTNIGHTLY", "FREQ"),
        ("FREQ=WEEKLY;WKST=M", "WKST"),
    ] {
        assert!(
            matches!(error(text), RuleError::Value { part: named, .. } if named == part),
            "{text}"
        );
    }
    for text in [
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=DAILY;BYYEARDAY=3",
        "FREQ=MONTHLY;BYWEEKNO=3",
    ] {
        assert!(
            matches!(error(text), RuleError::NotTogether { .. }),
            "{text}"
        );
    }
    assert!(matches!(
        Start::in_zone("2026-01-01T09:00".parse().unwrap(), "Mars/Olympus"),
        Err(SeriesError::UnknownZone(_))
    ));
}

#[test]
fn zooms_object() {
    let zoom = |start: &str, rule: &str| {
        let one = series(start, "Europe/Berlin", rule).to_zoom(ZoomLimits::default());
        one.map(|object| serde_json::to_string(&object).unwrap())
            .map_err(|error| error.part)
    };
    let monday = "2026-01-05T09:00";
    for (rule, object) in [
        (
            "FREQ=DAILY;INTERVAL=3;COUNT=5",
            r#"{"type":1,"repeat_interval":3,"end_times":5}"#,
        ),
        (
            "FREQ=WEEKLY;COUNT=5",
            r#"{"type":2,"repeat_interval":1,"weekly_days":"2","end_times":5}"#,
        ),
        (
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=20",
            r#"{"type":2,"repeat_interval":1,"weekly_days":"2,3,4,5,6","end_times":20}"#,
        ),
        (
            "FREQ=WEEKLY;BYDAY=SU,MO;UNTIL=20260131",
            r#"{"type":2,"repeat_interval":1,"weekly_days":"1,2","end_date_time":"2026-01-26T08:00:00Z"}"#,
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3",
            r#"{"type":3,"repeat_interval":1,"monthly_week":-1,"monthly_week_day":6,"end_times":3}"#,
        ),
        (
            "FREQ=MONTHLY;COUNT=3",
            r#"{"type":3,"repeat_interval":1,"monthly_day":5,"end_times":3}"#,
        ),
    ] {
        assert_eq!(zoom(monday, rule).unwrap(), object, "{rule}");
    }
    for (rule, part) in [
        ("FREQ=YEARLY;COUNT=2", "FREQ"),
        ("FREQ=HOURLY;COUNT=2", "FREQ"),
        ("FREQ=DAILY", "COUNT"),
        ("FREQ=DAILY;COUNT=61", "COUNT"),
        ("FREQ=DAILY;UNTIL=20261231", "COUNT"),
        ("FREQ=WEEKLY;INTERVAL=51;COUNT=2", "INTERVAL"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15;COUNT=2", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYDAY=5MO;COUNT=2", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=MO;COUNT=2", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1;COUNT=2", "BYSETPOS"),
        ("FREQ=DAILY;BYMONTH=1;COUNT=2", "BYMONTH"),
    ] {
        assert_eq!(zoom(monday, rule), Err(part), "{rule}");
    }
    let said: ZoomRecurrence = serde_json::from_str(
        r#"{"type":2,"weekly_days":"2,4","repeat_interval":2,"end_times":7,"extra":1}"#,
    )
    .unwrap();
    assert_eq!(
        said.to_rule().unwrap().to_string(),
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE;COUNT=7"
    );
    let strange: ZoomRecurrence = serde_json::from_str(r#"{"type":9}"#).unwrap();
    assert_eq!(strange.to_rule(), None);
}

#[test]
fn graphs_object() {
    let one = series(
        "2026-01-05T09:00",
        "Europe/Berlin",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;UNTIL=20260630T220000Z",
    );
    let object = serde_json::to_value(one.to_graph().unwrap()).unwrap();
    assert_eq!(
        object,
        serde_json::json!({
            "pattern": {"type": "relativeMonthly", "interval": 1, "index": "first",
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"]},
            "range": {"type": "endDate", "startDate": "2026-01-05", "endDate": "2026-06-01", "recurrenceTimeZone": "Europe/Berlin"}
        })
    );
    let back: GraphRecurrence = serde_json::from_value(object).unwrap();
    assert_eq!(
        back.to_rule().unwrap().to_string(),
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;UNTIL=20260601"
    );
    for (rule, part) in [
        ("FREQ=MONTHLY;BYDAY=5MO", "BYDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=1,2", "BYMONTH"),
        ("FREQ=YEARLY;BYDAY=20MO", "BYDAY"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=MINUTELY", "FREQ"),
        ("FREQ=DAILY;BYHOUR=9,10", "BYHOUR"),
    ] {
        let refused = series("2026-01-05T09:00", "Europe/Berlin", rule)
            .to_graph()
            .unwrap_err();
        assert_eq!(refused.part, part, "{rule}: {refused}");
    }
}

/// Any rule that the grammar allows, also nonsense that no calendar would make.
fn any_rule() -> impl Strategy<Value = String> {
    let numbers = |low: i32, high: i32| {
        prop::collection::vec(
            (low..=high).prop_filter("zero", |number| *number != 0),
            0..3,
        )
    };
    (
        prop::sample::select(vec!["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
        1..40_u16,
        numbers(1, 12),
        numbers(-31, 31),
        prop::collection::vec(
            (
                -5..=5_i8,
                prop::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]),
            ),
            0..4,
        ),
        numbers(-10, 10),
        prop::option::of(1..50_u32),
    )
        .prop_map(
            |(frequency, interval, months, days, weekdays, positions, count)| {
                let list = |name: &str, items: Vec<String>| {
                    if items.is_empty() {
                        String::new()
                    } else {
                        format!(";{name}={}", items.join(","))
                    }
                };
                let texts =
                    |items: Vec<i32>| items.iter().map(ToString::to_string).collect::<Vec<_>>();
                let weekdays = weekdays
                    .into_iter()
                    .map(|(nth, day)| {
                        if nth == 0 {
                            day.to_owned()
                        } else {
                            format!("{nth}{day}")
                        }
                    })
                    .collect();
                format!(
                    "FREQ={frequency};INTERVAL={interval}{}{}{}{}{}",
                    list("BYMONTH", texts(months)),
                    list("BYMONTHDAY", texts(days)),
                    list("BYDAY", weekdays),
                    list("BYSETPOS", texts(positions)),
                    count
                        .map(|count| format!(";COUNT={count}"))
                        .unwrap_or_default()
                )
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_text_is_read_or_refused(text in "(?i)(RRULE:)?(FREQ|BYDAY|COUNT|UNTIL|[A-Z]{0,9})=[-0-9A-ZÄß,;=]{0,40}") {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
        }
    }

    #[test]
    fn instances_are_in_order_counted_and_round_trip(text in any_rule()) {
        let Ok(rule) = text.parse::<Rule>() else { return Ok(()) };
        prop_assert_eq!(&rule.to_string().parse::<Rule>(), &Ok(rule.clone()));
        let start = Start::in_zone("2026-03-02T02:30".parse().unwrap(), "Europe/Berlin").unwrap();
        let Ok(one) = Series::new(start.clone(), rule.clone()) else { return Ok(()) };
        let found: Vec<_> = one.instances().take(60).collect();
        prop_assert!(found.windows(2).all(|pair| pair[0].at < pair[1].at));
        if let parfocal_formats::recurrence::End::Count(count) = rule.end {
            prop_assert!(found.len() <= count as usize);
        }
        // What another system takes, it means in the same way.
        if let Ok(object) = one.to_graph() {
            let back = Series::new(start.clone(), object.to_rule().unwrap()).unwrap();
            prop_assert_eq!(&back.instances().take(60).collect::<Vec<_>>(), &found, "Graph {}", rule);
        }
        if let Ok(object) = one.to_zoom(ZoomLimits::default()) {
            // Zoom's weeks are taken to begin on Sunday; with an interval that may matter.
            if rule.frequency != parfocal_formats::recurrence::Frequency::Weekly || rule.interval == 1 {
                let back = Series::new(start, object.to_rule().unwrap()).unwrap();
                prop_assert_eq!(&back.instances().take(60).collect::<Vec<_>>(), &found, "Zoom {}", rule);
            }
        }
    }
}
