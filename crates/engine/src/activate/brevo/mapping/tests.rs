//! The mapping as a whole: what it plans, what it refuses, what never leaves.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parfocal_store::PersonId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::activate::model::{
    Consent, LastMeeting, MeetingFacts, Moment, Person, PersonFile, Plan,
};

const START: &str = "2026-11-20T09:00:00Z";

fn person(email: &str) -> Person {
    let start = START.parse().unwrap();
    Person {
        id: PersonId::from(uuid::Uuid::from_u128(7)),
        email: email.to_owned(),
        emails: vec![email.to_owned()],
        name: Some("Ada Lovelace".to_owned()),
        first_name: Some("Ada".to_owned()),
        last_name: None,
        internal: false,
        consent: None,
        registrations: 2,
        attended: 1,
        missed: 1,
        minutes: 42,
        last: Some(LastMeeting {
            topic: Some("Budget <2027>".to_owned()),
            start,
            minutes: 42,
        }),
        last_attended_at: Some(start),
        last_registration_status: Some("approved".to_owned()),
        next_meeting_at: None,
        open_actions: 1,
    }
}

fn moment(kind: MomentKind, key: &str) -> Moment {
    let start: jiff::Timestamp = START.parse().unwrap();
    let details = json!({
        "minutes": 42, "join_time": START, "text": "Send the <budget>", "due": "2026-11-27",
    });
    Moment {
        key: key.to_owned(),
        kind,
        at: start + SignedDuration::from_mins(45),
        meeting: MeetingFacts {
            number: Some("81234567890".to_owned()),
            uuid: Some("abc==".to_owned()),
            webinar: true,
            topic: Some("Budget <2027>".to_owned()),
            host_email: Some("ingrid@brightwater.example".to_owned()),
            start: Some(start),
            minutes: Some(60),
            tracking: BTreeMap::from([("Campaign".to_owned(), "Spring".to_owned())]),
            join_url: Some("https://zoom.us/j/1?tk=secret".to_owned()),
            ..MeetingFacts::default()
        },
        details: details.as_object().cloned().unwrap_or_default(),
    }
}

fn file(moments: Vec<Moment>) -> PersonFile {
    PersonFile {
        person: person("ada@example.com"),
        moments,
    }
}

fn of_kind(plan: &Plan, kind: &str) -> Vec<Value> {
    plan.send
        .iter()
        .filter(|one| one.kind == kind)
        .map(|one| one.body.clone())
        .collect()
}

fn mistakes(text: &str) -> Vec<String> {
    match Mapping::read(text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_default_plans_a_contact_its_lists_and_its_events() {
    let mapping = Mapping::standard().unwrap();
    let plan = mapping.plan(&file(vec![
        moment(MomentKind::Registered, "registered/1"),
        moment(MomentKind::Attended, "attended/1"),
    ]));
    assert_eq!(plan.left_out, []);
    let contact = &of_kind(&plan, "contact")[0];
    assert_eq!(contact["email"], "ada@example.com");
    assert_eq!(
        contact["attributes"],
        json!({
            "FIRSTNAME": "Ada", "ZOOM_LAST_MEETING_TOPIC": "Budget <2027>",
            "ZOOM_LAST_MEETING_DATE": "2026-11-20", "ZOOM_LAST_ATTENDED_DATE": "2026-11-20",
            "ZOOM_LAST_DURATION_MIN": 42, "ZOOM_MEETINGS_ATTENDED": 1, "ZOOM_MEETINGS_MISSED": 1,
            "ZOOM_REGISTRATIONS": 2, "ZOOM_TOTAL_MINUTES": 42, "ZOOM_OPEN_ACTIONS": 1,
            "ZOOM_LAST_REGISTRATION_STATUS": "approved", "ZOOM_NEXT_MEETING_DATE": "",
            "ZOOM_USER_TYPE": "external", "ZOOM_CONSENT": "unknown", "ZOOM_SOURCE": "Zoom by Parfocal",
        })
    );
    let lists: Vec<Value> = of_kind(&plan, "membership")
        .iter()
        .map(|body| body["list"].clone())
        .collect();
    assert_eq!(
        json!(lists),
        json!(["Zoom | Attended", "Zoom | Registrants", "Zoom | Webinars"])
    );
    let events = of_kind(&plan, "event");
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["event_name"], "zoom_meeting_attended");
    assert_eq!(events[1]["event_properties"]["minutes"], 42);
    assert_eq!(events[1]["event_properties"]["start_time"], START);
    assert!(
        !json!(events).to_string().contains("secret"),
        "a join address leaves only when asked for"
    );
    let explained = mapping.explain(&file(Vec::new()));
    let topic = explained
        .iter()
        .find(|one| one.field == "ZOOM_LAST_MEETING_TOPIC")
        .unwrap();
    assert_eq!(topic.value, Some(json!("Budget <2027>")));
    let line = DEFAULT
        .lines()
        .position(|line| line.contains("  ZOOM_LAST_MEETING_TOPIC:"))
        .unwrap();
    assert_eq!(topic.line, Some(u32::try_from(line + 1).unwrap()));
}

#[test]
fn who_said_no_is_on_no_list_and_never_subscribed_again() {
    let mapping = Mapping::standard().unwrap();
    let mut file = file(vec![moment(MomentKind::Attended, "attended/1")]);
    let said = |granted| {
        Some(Consent {
            granted,
            source: "a person".to_owned(),
            at: START.parse().unwrap(),
        })
    };
    file.person.consent = said(false);
    let plan = mapping.plan(&file);
    assert_eq!(of_kind(&plan, "contact")[0]["emailBlacklisted"], true);
    assert_eq!(of_kind(&plan, "membership").len(), 0);
    assert_eq!(plan.left_out.len(), 2);
    assert!(
        plan.left_out
            .iter()
            .all(|left| left.why.contains("said no") && left.rule.is_some())
    );
    file.person.consent = said(true);
    let plan = mapping.plan(&file);
    assert_eq!(of_kind(&plan, "contact")[0].get("emailBlacklisted"), None);
    assert_eq!(of_kind(&plan, "membership").len(), 2);
}

#[test]
fn mistakes_are_refused_with_line_and_reason() {
    for (text, line, words) in [
        ("version: 2\n", 1, "version 1"),
        (
            "version: 1\nlists:\n  - nam: One\n",
            3,
            "unknown field `nam`",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: float, value: '{person.name}' }\n",
            3,
            "float cannot take a text",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: date, value: '{person.attended}' }\n",
            3,
            "date cannot take a number",
        ),
        (
            "version: 1\nattributes:\n  zoom_x: { type: text, value: a }\n",
            3,
            "capitals",
        ),
        (
            "version: 1\nattributes:\n  OTHER: { type: text, value: a }\n",
            3,
            "begin with ZOOM_",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: category, options: [a], value: '{person.internal | choose:true=a,false=b}' }\n",
            3,
            "b is not among the options",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: text, value: '{meeting.topic}' }\n",
            3,
            "about a person as a whole",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: text, value: '{person.shoe}' }\n",
            3,
            "no field; there are id, email",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: text, value: '{person.name | shell:ls}' }\n",
            3,
            "there is no transform shell",
        ),
        (
            "version: 1\nattributes:\n  ZOOM_X: { type: text, value: '{person.name' }\n",
            3,
            "does not close",
        ),
        (
            "version: 1\nattributes:\n  EMAIL: { type: text, value: a, create: false }\n",
            3,
            "set by itself",
        ),
        (
            "version: 1\nevents:\n  - on: attended\n    name: other\n",
            4,
            "begin with zoom_",
        ),
        (
            "version: 1\nevents:\n  - on: fell_asleep\n    name: zoom_x\n",
            3,
            "unknown variant `fell_asleep`",
        ),
        (
            "version: 1\nevents:\n  - { on: attended, name: zoom_x }\n  - { on: attended, name: zoom_x }\n",
            4,
            "twice",
        ),
        (
            "version: 1\nlists:\n  - name: One\n    when:\n      - { field: person.name }\n",
            5,
            "nothing is asked",
        ),
        (
            "version: 1\nlists:\n  - name: One\n    when:\n      - { field: meeting.topic, equals: a }\n",
            5,
            "about a person as a whole",
        ),
        ("version: 1\nnames: { most_lists: 900 }\n", 2, "1 to 300"),
    ] {
        let all = mistakes(text);
        assert!(
            all.iter()
                .any(|said| said.starts_with(&format!("line {line} ")) && said.contains(words)),
            "{text}: {all:?}"
        );
    }
    let both =
        "version: 1\nattributes:\n  bad: { type: text, value: a }\nlists:\n  - name: '{x}'\n";
    assert!(mistakes(both).len() >= 2, "all mistakes are told at once");
}

#[test]
fn transforms_and_conditions_do_what_they_say() {
    let text = r#"
version: 1
attributes:
  ZOOM_HOURS: { type: float, value: "{person.minutes | hours | round:1}" }
  ZOOM_HOST: { type: text, value: "{person.email | domain | upper}" }
  ZOOM_LINE: { type: text, value: "{{{person.first_name} at {person.last_start | time:Europe/Oslo}}}" }
  ZOOM_NEXT: { type: text, value: "{person.last_name | default:nobody}" }
  ZOOM_SLUG: { type: text, value: "{person.last_topic | slug | truncate:8}" }
  ZOOM_COUNT: { type: float, value: "{person.last_minutes | default:0}" }
lists:
  - name: "Zoom | {meeting.topic} ({meeting.number})"
    on: [attended]
    when:
      - { field: meeting.topic, matches: "bud*2027?" }
      - any:
          - { field: meeting.tracking.campaign, one_of: [spring, summer] }
          - { field: details.minutes, at_least: 100 }
      - not: { field: person.internal, equals: true }
notes:
  - { id: came, on: attended, text: "Was in {meeting.topic}\nfor {details.minutes} minutes" }
tasks:
  - { id: promise, on: attended, name: "{details.text}", due: "{details.due}" }
"#;
    let mapping = Mapping::read(text).unwrap();
    let mut one = file(vec![moment(MomentKind::Attended, "attended/1")]);
    let plan = mapping.plan(&one);
    assert_eq!(
        of_kind(&plan, "contact")[0]["attributes"],
        json!({
            "ZOOM_HOURS": 0.7, "ZOOM_HOST": "EXAMPLE.COM", "ZOOM_LINE": "{Ada at 10:00}",
            "ZOOM_NEXT": "nobody", "ZOOM_SLUG": "budget-2", "ZOOM_COUNT": 42,
        })
    );
    assert_eq!(
        of_kind(&plan, "membership")[0]["list"],
        "Zoom | Budget <2027> (81234567890)"
    );
    assert_eq!(
        of_kind(&plan, "note")[0]["text"],
        "<p>Was in Budget &lt;2027&gt;<br>for 42 minutes</p>"
    );
    let task = &of_kind(&plan, "task")[0];
    assert_eq!(
        (&task["name"], &task["date"]),
        (&json!("Send the <budget>"), &json!("2026-11-27T17:00:00Z"))
    );
    one.moments[0].meeting.tracking.clear();
    let plan = mapping.plan(&one);
    assert_eq!(of_kind(&plan, "membership").len(), 0);
    let left = &plan.left_out[0];
    assert!(left.why.contains("one of spring, summer or"), "{left:?}");
    assert_eq!(left.rule.as_ref().unwrap().line, Some(15));
    one.person.last = None;
    assert_eq!(
        of_kind(&mapping.plan(&one), "contact")[0]["attributes"]["ZOOM_COUNT"],
        0
    );
}

#[test]
fn nobody_without_an_address_and_nobody_who_is_not_wanted_is_sent() {
    let guests =
        Mapping::read("version: 1\npeople:\n  - { field: person.internal, equals: false }\n")
            .unwrap();
    let mut one = file(Vec::new());
    assert_eq!(guests.plan(&one).send.len(), 1);
    one.person.internal = true;
    let plan = guests.plan(&one);
    assert_eq!((plan.send.len(), plan.left_out.len()), (0, 1));
    assert_eq!(plan.left_out[0].rule.as_ref().unwrap().line, Some(3));
    one.person.email = String::new();
    assert!(guests.plan(&one).left_out[0].why.contains("no address"));
}

/// The schema that is handed out; `PARFOCAL_BLESS=1` writes it anew.
#[test]
fn the_schema_in_the_repository_is_that_of_the_program() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config/brevo-mapping.schema.json");
    let made = format!("{:#}\n", schema());
    if std::env::var_os("PARFOCAL_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        made,
        "run it with PARFOCAL_BLESS=1"
    );
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(validator.is_valid(&yaml::Document::parse(DEFAULT).unwrap().value));
    assert!(!validator.is_valid(&json!({ "version": 1, "list": [] })));
}

fn any_kind() -> impl Strategy<Value = MomentKind> {
    proptest::sample::select(MomentKind::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happened in whatever order: the same keys, each once, no false blocking, and every value of its type.
    #[test]
    fn a_plan_is_the_same_whatever_the_order(
        kinds in proptest::collection::vec(any_kind(), 0..12),
        topic in "\\PC{0,30}",
        minutes in -5_i64..100_000,
        granted in proptest::option::of(any::<bool>()),
    ) {
        let mapping = Mapping::standard().unwrap();
        let moments: Vec<Moment> = kinds.iter().enumerate().map(|(n, kind)| {
            let mut one = moment(*kind, &format!("{}/{n}", kind.as_str()));
            one.meeting.topic = Some(topic.clone());
            one
        }).collect();
        let mut one = file(moments.clone());
        one.person.minutes = minutes;
        one.person.consent = granted.map(|granted| Consent { granted, source: topic.clone(), at: START.parse().unwrap() });
        let mut back = one.clone();
        back.moments.reverse();
        let sorted = |plan: Plan| {
            let all: BTreeMap<String, Value> = plan.send.iter().map(|one| (one.key.clone(), one.body.clone())).collect();
            assert_eq!(all.len(), plan.send.len(), "a key stands twice");
            all
        };
        let plan = sorted(mapping.plan(&one));
        prop_assert_eq!(&plan, &sorted(mapping.plan(&back)));
        for body in plan.values() {
            prop_assert!(body.get("emailBlacklisted").is_none_or(|said| said == true));
        }
        let contact = plan.values().find(|body| body.get("attributes").is_some()).unwrap();
        let attributes: &Map<String, Value> = contact["attributes"].as_object().unwrap();
        for attribute in mapping.attributes() {
            let Some(value) = attributes.get(&attribute.name) else { continue };
            let fits = match attribute.kind {
                _ if value == "" => true,
                AttributeType::Text => value.is_string(),
                AttributeType::Float => value.is_number(),
                AttributeType::Boolean => value.is_boolean(),
                AttributeType::Date => value.as_str().is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok()),
                AttributeType::Category => value.as_str().is_some_and(|text| attribute.options.iter().any(|held| held == text)),
            };
            prop_assert!(fits, "{}: {value}", attribute.name);
        }
    }

    /// Whatever is written into a mapping is read or refused, never worse.
    #[test]
    fn no_expression_makes_it_fall(inside in "[a-z.{}| :,=*0-9]{0,40}") {
        let _ = Expression::read(&inside, true);
        let _ = Mapping::read(&format!("version: 1\nattributes:\n  ZOOM_X: {{ type: text, value: '{inside}' }}\n"));
    }
}
