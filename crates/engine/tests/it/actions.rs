//! Actions against a simulated account: checked before Zoom is asked, done once, told truly.

use std::collections::BTreeSet;

use parfocal_engine::actions::{self, Done, Outcome, Run};
use parfocal_engine::clock::Clock;
use parfocal_engine::keys::{Caller, Role, Surface};
use parfocal_engine::{App, Code, EngineError};
use parfocal_simulator::Simulator;
use serde_json::{Value, json};

use crate::core_support::{command, config_for, control, on_both_stores, open, with_env};

mod doubt;
mod kept;
mod keys;
mod log;
mod webinars;

on_both_stores! {
    a_meeting_is_scheduled_changed_listed_and_deleted;
    a_dry_run_shows_the_very_request_and_sends_nothing;
    a_key_makes_repetitions_safe;
    a_lost_answer_is_adopted_and_never_repeated;
    refusals_and_roles_are_told_before_zoom_is_asked;
    answers_are_kept_until_something_changes;
}

struct Stage {
    simulator: Simulator,
    app: App,
    host: String,
    dir: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let simulator = Simulator::start(parfocal_simulator::Config::default())
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = with_env(config_for(dir.path(), simulator.base_url()));
        let app = open(config, &Clock::system()).await;
        app.connections().check("env").await.unwrap();
        let stage = Self {
            simulator,
            app,
            host: String::new(),
            dir,
        };
        let users = stage.done("user.list", json!({"limit": 5})).await;
        let host = users.output["items"][0]["email"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { host, ..stage }
    }

    async fn run(&self, name: &str, input: Value, how: &Run) -> Result<Outcome, EngineError> {
        self.app.actions().run(name, input, how).await
    }

    async fn done(&self, name: &str, input: Value) -> Done {
        match self.run(name, input, &plain()).await.unwrap() {
            Outcome::Done(done) => done,
            Outcome::Planned(_) => panic!("{name} was only planned"),
        }
    }

    async fn calls(&self, key: &str) -> u64 {
        let calls = control(self.simulator.base_url(), "/calls").await;
        calls["by_endpoint"][key].as_u64().unwrap_or(0)
    }

    fn meeting(&self, topic: &str) -> Value {
        json!({"host": self.host, "topic": topic, "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin",
            "duration_minutes": 30})
    }
}

fn plain() -> Run {
    Run::new(Caller::local(Surface::Api))
}

fn keyed(key: &str) -> Run {
    plain().with_key(Some(key.to_owned()))
}

#[track_caller]
fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done(done) => done.output,
        Outcome::Planned(planned) => panic!("{planned:?}"),
    }
}

const CREATES: &str = "POST /users/{userId}/meetings";

#[test]
fn every_action_is_whole() {
    assert!(actions::all().len() >= 20);
    for action in actions::all() {
        let (name, input) = (action.name(), action.input_schema());
        assert_eq!(input["type"], "object", "{name}");
        assert_eq!(input["additionalProperties"], false, "{name}");
        assert!(!action.examples().is_empty(), "{name}");
        for example in action.examples() {
            action
                .check(example)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (side, schema) in [("input", input), ("output", action.output_schema())] {
            let mut untyped = Vec::new();
            untyped_members(schema, "", &mut untyped);
            assert!(untyped.is_empty(), "{name} {side}: {untyped:?}");
            assert!(!schema.to_string().contains("$ref"), "{name}: {schema}");
        }
        for (member, schema) in input["properties"].as_object().unwrap() {
            assert!(
                schema["description"].is_string(),
                "{name}.{member} is not described"
            );
        }
        assert!(
            action.endpoints().is_empty() || !action.scopes().is_empty(),
            "{name}"
        );
    }
    let manifest = serde_json::to_value(actions::manifest(actions::all().iter())).unwrap();
    assert_eq!(
        manifest["actions"].as_array().unwrap().len(),
        actions::all().len()
    );
}

/// Members that could be anything: only `raw` may.
fn untyped_members(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        for (name, member) in members {
            if name != "raw" {
                untyped_members(member, &format!("{path}.{name}"), found);
            }
        }
        return;
    }
    if let Some(items) = schema.get("items") {
        return untyped_members(items, &format!("{path}[]"), found);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        if let Some(parts) = schema.get(word).and_then(Value::as_array) {
            for part in parts {
                untyped_members(part, path, found);
            }
            return;
        }
    }
    let typed = schema.get("const").is_some()
        || schema.get("enum").is_some()
        || schema
            .get("type")
            .is_some_and(|kind| kind != "object" && kind != "array");
    if !typed {
        found.push(path.to_owned());
    }
}

async fn a_meeting_is_scheduled_changed_listed_and_deleted() {
    let stage = Stage::new().await;
    let made = stage
        .done("meeting.create", stage.meeting("Planning"))
        .await;
    let number = made.output["number"].as_str().unwrap().to_owned();
    assert_eq!(made.output["start"], "2030-01-07T08:00:00Z");
    assert_eq!(made.output["kind"], "scheduled");
    assert!(
        made.output["join_url"]
            .as_str()
            .unwrap()
            .starts_with("http")
    );
    assert!(
        made.output["raw"].get("start_url").is_none(),
        "{}",
        made.output
    );
    assert!(made.zoom[0].tracking_id.is_some());
    assert_eq!(
        (made.zoom[0].operation.as_str(), made.zoom[0].status),
        (CREATES, 201)
    );

    let spaced = format!("{} {} {}", &number[..3], &number[3..7], &number[7..]);
    let changed = stage
        .done("meeting.update", json!({"meeting": spaced, "topic": "Planning, part two", "settings": {"waiting_room": true}}))
        .await;
    assert_eq!(changed.output["id"], number);
    let seen = stage
        .done("meeting.get", json!({"meeting": number}))
        .await
        .output;
    assert_eq!(
        (seen["topic"].as_str(), seen["duration_minutes"].as_i64()),
        (Some("Planning, part two"), Some(30))
    );

    let series = json!({"host": stage.host, "topic": "Standup", "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin",
        "duration_minutes": 15, "recurrence": {"every": "week", "weekdays": ["monday", "thursday"], "count": 6}});
    let series = stage.done("meeting.create", series).await.output;
    assert_eq!(series["kind"], "recurring");
    assert_eq!(
        series["occurrences"].as_array().unwrap().len(),
        6,
        "{series}"
    );

    let listed = stage
        .done("meeting.list", json!({"host": stage.host, "limit": 300}))
        .await
        .output;
    let topics: BTreeSet<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["topic"].as_str())
        .collect();
    assert!(
        topics.contains("Planning, part two") && topics.contains("Standup"),
        "{topics:?}"
    );

    stage
        .done("meeting.delete", json!({"meeting": number}))
        .await;
    let gone = stage
        .run("meeting.get", json!({"meeting": number}), &plain())
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::ZoomNotFound);
    let zoom = gone.zoom().unwrap();
    assert_eq!((zoom.status, zoom.code), (Some(404), Some(3001)));
    assert!(zoom.tracking_id.is_some() && !gone.hint().is_empty());
}

async fn a_dry_run_shows_the_very_request_and_sends_nothing() {
    let stage = Stage::new().await;
    let before = stage.calls(CREATES).await;
    let planned = match stage
        .run("meeting.create", stage.meeting("Dry"), &plain().dry(true))
        .await
        .unwrap()
    {
        Outcome::Planned(planned) => planned,
        Outcome::Done(done) => panic!("{done:?}"),
    };
    let [request] = planned.requests.as_slice() else {
        panic!("{planned:?}")
    };
    assert_eq!(request.method, "POST");
    assert!(
        request.url.starts_with(stage.simulator.base_url()) && request.url.ends_with("/meetings"),
        "{}",
        request.url
    );
    assert_eq!(
        request.raw,
        Some(
            json!({"topic": "Dry", "type": 2, "start_time": "2030-01-07T09:00:00", "duration": 30, "timezone": "Europe/Berlin"})
        )
    );
    assert_eq!(
        (request.rate_label, request.connection.as_str()),
        ("light", "env")
    );
    let many: Vec<Value> = (0..31).map(|n| json!({"id": format!("r{n}")})).collect();
    let input = json!({"meeting": "84410027731", "registrants": many});
    match stage
        .run("registrant.approve", input, &plain().dry(true))
        .await
        .unwrap()
    {
        Outcome::Planned(planned) => assert_eq!(planned.requests.len(), 2, "30 at once"),
        Outcome::Done(done) => panic!("{done:?}"),
    }
    match stage
        .run("search", json!({"query": "x"}), &plain().dry(true))
        .await
        .unwrap()
    {
        Outcome::Planned(planned) => assert!(planned.requests.is_empty()),
        Outcome::Done(done) => panic!("{done:?}"),
    }
    assert_eq!(stage.calls(CREATES).await, before);
}

async fn a_key_makes_repetitions_safe() {
    let stage = Stage::new().await;
    let input = stage.meeting("Once");
    let how = keyed("k1");
    let all = futures_util::future::join_all(
        (0..3).map(|_| stage.run("meeting.create", input.clone(), &how)),
    )
    .await;
    let made: Vec<_> = all
        .into_iter()
        .filter_map(|outcome| match outcome {
            Ok(outcome) => Some(output(outcome)),
            Err(error) => {
                assert_eq!(error.code(), Code::InProgress, "{error}");
                assert!(error.retry_at().is_some());
                None
            }
        })
        .collect();
    assert!(!made.is_empty() && made.iter().all(|output| output == &made[0]));
    assert!(
        made[0]["agenda"].as_str().unwrap().starts_with("[ref "),
        "{}",
        made[0]["agenda"]
    );
    assert_eq!(stage.calls(CREATES).await, 1);

    // The same members in another order are the same request; its answer comes from the store, also of another process.
    let mut turned: Vec<(String, Value)> = input.as_object().unwrap().clone().into_iter().collect();
    turned.reverse();
    match stage
        .run(
            "meeting.create",
            Value::Object(turned.into_iter().collect()),
            &keyed("k1"),
        )
        .await
        .unwrap()
    {
        Outcome::Done(done) => {
            assert!(done.replayed && done.output == made[0] && done.zoom[0].tracking_id.is_some());
        }
        Outcome::Planned(planned) => panic!("{planned:?}"),
    }
    assert_eq!(stage.calls(CREATES).await, 1);
    let other = stage
        .run("meeting.create", stage.meeting("Another"), &keyed("k1"))
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::KeyReused);
    // What was refused had no effect: the key is free again.
    let refused = json!({"meeting": "99999999999", "topic": "x"});
    assert_eq!(
        stage
            .run("meeting.update", refused.clone(), &keyed("k2"))
            .await
            .unwrap_err()
            .code(),
        Code::ZoomNotFound
    );
    assert_eq!(
        stage
            .run("meeting.update", refused, &keyed("k2"))
            .await
            .unwrap_err()
            .code(),
        Code::ZoomNotFound
    );
    assert_eq!(
        stage
            .run("meeting.update", json!({}), &keyed(" "))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidInput
    );
}

async fn a_lost_answer_is_adopted_and_never_repeated() {
    let stage = Stage::new().await;
    let lose = |times: u32| {
        let base = stage.simulator.base_url().to_owned();
        async move {
            let fault =
                json!({"kind": "lost", "path": "/v2/users/", "method": "POST", "times": times});
            command(&base, "/faults", fault).await;
        }
    };
    lose(1).await;
    let twin = stage.meeting("Twin");
    let adopted = output(
        stage
            .run("meeting.create", twin.clone(), &keyed("a"))
            .await
            .unwrap(),
    );
    assert_eq!(adopted["adopted"], true);
    assert_eq!(stage.calls(CREATES).await, 1);
    // A second one of the same topic and start is told from the first by its reference.
    lose(1).await;
    let second = output(
        stage
            .run("meeting.create", twin.clone(), &keyed("b"))
            .await
            .unwrap(),
    );
    assert_eq!(second["adopted"], true);
    assert_ne!(second["number"], adopted["number"]);
    assert_eq!(stage.calls(CREATES).await, 2);
    // Without a reference two meetings fit: a person has to decide.
    lose(1).await;
    let unknown = stage
        .run("meeting.create", twin, &plain())
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::OutcomeUnknown, "{unknown}");
    assert_eq!(stage.calls(CREATES).await, 3);
}

async fn refusals_and_roles_are_told_before_zoom_is_asked() {
    let stage = Stage::new().await;
    let before = stage.calls(CREATES).await;
    for (change, field, words) in [
        (
            json!({"start": "2020-01-01T09:00:00Z"}),
            "start",
            "in the past",
        ),
        (
            json!({"timezone": "Europe/Bärlin"}),
            "timezone",
            "no such time zone",
        ),
        (
            json!({"duration_minutes": 1441}),
            "duration_minutes",
            "too large",
        ),
        (
            json!({"end": "2030-01-07T08:00:00", "duration_minutes": null}),
            "end",
            "before it begins",
        ),
        (
            json!({"recurrence": {"every": "month", "interval": 11}}),
            "recurrence.interval",
            "at most",
        ),
        (
            json!({"recurrence": {"every": "day", "until": "2031-01-07T08:00:00"}}),
            "recurrence.until",
            "occurrences",
        ),
        (json!({"host": "me"}), "host", "belongs to no user"),
        (json!({"topic": "x".repeat(201)}), "topic", "too long"),
        (json!({"tpoic": "x"}), "tpoic", "no such field"),
    ] {
        let mut input = stage.meeting("Checked");
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let error = stage
            .run("meeting.create", input, &plain())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput, "{change}: {error}");
        let fault = &error.faults()[0];
        assert_eq!(fault.field, field, "{change}: {fault:?}");
        assert!(
            fault.problem.contains(words) && !fault.mend.is_empty(),
            "{change}: {fault:?}"
        );
    }
    let mut reader = plain();
    reader.caller.role = Role::Read;
    let denied = stage
        .run("meeting.create", stage.meeting("No"), &reader)
        .await
        .unwrap_err();
    assert_eq!(denied.code(), Code::Forbidden);
    let mut bounded = plain();
    bounded.caller.connections = Some(Vec::new());
    let none = stage
        .run("meeting.list", json!({"host": stage.host}), &bounded)
        .await
        .unwrap_err();
    assert_eq!(none.code(), Code::ConnectionNeedsAttention);
    let named = json!({"host": stage.host, "connection": "env"});
    assert_eq!(
        stage
            .run("meeting.list", named, &bounded)
            .await
            .unwrap_err()
            .code(),
        Code::Forbidden
    );
    let found = stage.run("search", json!({"query": "x"}), &bounded).await;
    let Ok(Outcome::Done(found)) = found else {
        panic!("a key of no connection may search, and finds nothing: {found:?}");
    };
    assert_eq!(found.output["items"], json!([]));
    assert_eq!(
        stage
            .run("meetings.get", json!({}), &plain())
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert_eq!(stage.calls(CREATES).await, before);
}

async fn answers_are_kept_until_something_changes() {
    let stage = Stage::new().await;
    let list = json!({"host": stage.host, "limit": 300});
    let key = "GET /users/{userId}/meetings";
    let ask = || async {
        stage
            .run("meeting.list", list.clone(), &plain())
            .await
            .unwrap()
    };
    // Ten at once ask Zoom once.
    let all = futures_util::future::join_all((0..10).map(|_| ask())).await;
    assert!(
        all.iter()
            .all(|outcome| outcome.output() == all[0].output())
    );
    assert_eq!(stage.calls(key).await, 1);
    stage.done("meeting.create", stage.meeting("Fresh")).await;
    let after = output(ask().await);
    assert!(
        after["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|meeting| meeting["topic"] == "Fresh")
    );
    assert_eq!(stage.calls(key).await, 2);
    ask().await;
    assert_eq!(stage.calls(key).await, 2);
    let mut fresh = plain();
    fresh.fresh = true;
    stage
        .run("meeting.list", list.clone(), &fresh)
        .await
        .unwrap();
    assert_eq!(stage.calls(key).await, 3);
    // An answer that was asked for anew is kept like any other.
    let other = json!({"host": stage.host, "limit": 299});
    stage
        .run("meeting.list", other.clone(), &fresh)
        .await
        .unwrap();
    assert_eq!(stage.calls(key).await, 4);
    stage.run("meeting.list", other, &plain()).await.unwrap();
    assert_eq!(stage.calls(key).await, 4);
}
