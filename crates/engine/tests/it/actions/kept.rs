//! Answers that are kept: for their time, asked for once by many, ended by the webhooks that tell of a change.

use std::time::Duration;

use parfocal_engine::App;
use parfocal_simulator::Simulator;
use serde_json::{Value, json};

use super::plain;
use crate::core_support::{
    config_for, control, deliver, event, manual, on_both_stores, open, with_env,
};

on_both_stores! {
    an_answer_ends_with_its_time;
    many_who_ask_at_once_cost_one_call;
    the_webhooks_that_change_something_end_what_is_kept;
}

struct Stage {
    app: App,
    clock: parfocal_zoom::clock::ManualClock,
    simulator: Simulator,
    host: String,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// An application whose clock stands until it is moved.
    async fn new() -> Self {
        let (clock, shared) = manual();
        let sim = parfocal_simulator::Config {
            base_time: Some(parfocal_zoom::clock::Clock::now(&clock)),
            ..parfocal_simulator::Config::default()
        };
        let simulator = Simulator::start(sim).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut config = with_env(config_for(dir.path(), simulator.base_url()));
        config.zoom.webhook_secret_token = vec!["door".into()];
        config.limits.plan = parfocal_engine::config::Plan::Off;
        let app = open(config, &shared).await;
        app.connections().check("env").await.unwrap();
        let stage = Self {
            app,
            clock,
            simulator,
            host: String::new(),
            _dir: dir,
        };
        let users = stage.ask("user.list", json!({"limit": 5})).await;
        let host = users["items"][0]["email"].as_str().unwrap().to_owned();
        Self { host, ..stage }
    }

    async fn ask(&self, name: &str, input: Value) -> Value {
        let outcome = self.app.actions().run(name, input, &plain()).await.unwrap();
        outcome.output().unwrap().clone()
    }

    async fn calls(&self, key: &str) -> u64 {
        let calls = control(self.simulator.base_url(), "/calls").await;
        calls["by_endpoint"][key].as_u64().unwrap_or(0)
    }
}

const MEETINGS: &str = "GET /users/{userId}/meetings";

async fn an_answer_ends_with_its_time() {
    let stage = Stage::new().await;
    let list = json!({"host": stage.host});
    for _ in 0..3 {
        stage.ask("meeting.list", list.clone()).await;
    }
    assert_eq!(stage.calls(MEETINGS).await, 1);
    stage.clock.advance(Duration::from_secs(29));
    stage.ask("meeting.list", list.clone()).await;
    assert_eq!(stage.calls(MEETINGS).await, 1);
    stage.clock.advance(Duration::from_secs(2));
    stage.ask("meeting.list", list.clone()).await;
    assert_eq!(stage.calls(MEETINGS).await, 2);
    // Another question is another answer.
    stage
        .ask("meeting.list", json!({"host": stage.host, "limit": 1}))
        .await;
    assert_eq!(stage.calls(MEETINGS).await, 3);
}

async fn many_who_ask_at_once_cost_one_call() {
    let stage = Stage::new().await;
    let asked = (0..50).map(|_| stage.ask("meeting.list", json!({"host": stage.host})));
    let all = futures_util::future::join_all(asked).await;
    assert!(all.iter().all(|one| *one == all[0]));
    assert_eq!(stage.calls(MEETINGS).await, 1);
}

async fn the_webhooks_that_change_something_end_what_is_kept() {
    let stage = Stage::new().await;
    let recordings = json!({"host": stage.host, "from": "2026-11-01", "to": "2026-11-22"});
    let asks = [
        ("meeting.list", json!({"host": stage.host}), MEETINGS),
        (
            "user.get",
            json!({"user": stage.host}),
            "GET /users/{userId}",
        ),
        (
            "recording.list",
            recordings,
            "GET /users/{userId}/recordings",
        ),
    ];
    // Which of them an event ends, in their order.
    let told = [
        ("meeting.updated", [true, false, false]),
        ("meeting.registration_created", [true, false, false]),
        ("user.updated", [false, true, false]),
        ("recording.completed", [false, false, true]),
        ("user.signed_in", [false, true, false]),
        ("phone.call_ended", [false, false, false]),
    ];
    for (name, input, _) in &asks {
        stage.ask(name, input.clone()).await;
    }
    for (n, (event_name, ends)) in told.into_iter().enumerate() {
        let mut before = Vec::new();
        for (_, _, key) in &asks {
            before.push(stage.calls(key).await);
        }
        let body = event(event_name, "simulator", 84_410_027_731, n as u64);
        deliver(&stage.app, None, "door", &body).await.unwrap();
        for (at, (name, input, key)) in asks.iter().enumerate() {
            stage.ask(name, input.clone()).await;
            let more = stage.calls(key).await - before[at];
            assert_eq!(more, u64::from(ends[at]), "{name} after {event_name}");
        }
    }
}
