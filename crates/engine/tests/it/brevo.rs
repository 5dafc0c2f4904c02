//! The built-in organisation in Brevo: what was taken in from Zoom arrives there by the default mapping, once, and as the book shows.

mod answers;
mod crowd;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::SignedDuration;
use parfocal_engine::activate::brevo::PreviewOrder;
use parfocal_engine::activate::{AddDestination, BackfillOrder, StreamView};
use parfocal_engine::audit::By;
use parfocal_engine::components::Activation;
use parfocal_engine::config::Secret;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{Interaction, InteractionKind, StreamKind, StreamState};
use parfocal_simulator::{Config as SimConfig, Limits};
use serde_json::{Value, json};

use crate::work_stage::{Engine, Stage};

/// Brings everything kept to Brevo, imports to their end.
async fn send(stage: &Stage) {
    let destinations = stage.app.destinations();
    let order = BackfillOrder::default();
    destinations
        .backfill("brevo", &order, &By::system())
        .await
        .unwrap();
    stage
        .until("everything is at Brevo", async || {
            // The server's own work does the same; whoever holds the lease does it.
            destinations.run().await.unwrap();
            let view = destinations.get("brevo").await.unwrap();
            assert_eq!((view.reason, view.deliveries.dead), (None, 0));
            let read = |stream: &StreamView| {
                stream.kind == StreamKind::Live || stream.state == StreamState::Done
            };
            if view.streams.iter().all(read)
                && view.deliveries.pending + view.deliveries.waiting == 0
            {
                return true;
            }
            stage.advance(SignedDuration::from_secs(20)).await;
            false
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_organisation_is_in_brevo_once() {
    let sim = SimConfig {
        base_time: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        limits: Limits::Off,
        ..SimConfig::default()
    };
    let stage = Stage::new(Engine::Sqlite, sim, |_| {}).await;
    stage.work();
    stage.backfill().await;
    stage.quiet().await;
    let caller = Caller::local(Surface::Cli);
    for component in ["activation", "brevo"] {
        stage
            .app
            .components()
            .activate(component, &Activation::default(), &caller)
            .await
            .unwrap();
    }
    let new = AddDestination {
        name: "brevo".into(),
        kind: "brevo".into(),
        config: json!({ "base_url": format!("{}/brevo/v3", stage.sim.base_url()) }),
    };
    let key = Secret::new("xkeysib-simulator").to_secret_string();
    let by = By::system();
    let added = stage.app.destinations().add(&new, Some(&key), &by);
    added.await.unwrap();
    assert!(stage.app.destinations().test("brevo").await.unwrap().ok);
    send(&stage).await;
    let seen = stage.get("/brevo").await;
    assert!(seen["counts"]["contacts"].as_u64().unwrap() > 0);
    assert_eq!(
        seen["dropped"],
        json!([]),
        "Brevo dropped values without a word"
    );
    assert_eq!(seen["counts"]["joined"], seen["counts"]["memberships"]);
    assert_eq!(seen["unblocking"], json!([]));
    let ids: Vec<&str> = seen["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["properties"]["event_id"].as_str().unwrap())
        .collect();
    let distinct: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "an event is there twice");
    // Whoever answered in a poll and is known by an address is told of, answer by answer.
    let polled = answers(&stage).await;
    let told = seen["events"].as_array().unwrap().iter();
    let told = told.filter(|event| event["name"] == "zoom_poll_answered_backfill");
    assert!(polled > 0 && told.count() == polled, "{polled} answers");
    // The second run finds nothing to do, and asks Brevo for nothing.
    let before = seen["calls"].clone();
    send(&stage).await;
    let after = stage.get("/brevo").await;
    for class in ["contacts", "events", "rest"] {
        assert_eq!(
            after["calls"][class]["calls"], before[class]["calls"],
            "{class}"
        );
    }
    let order = PreviewOrder {
        limit: 3,
        ..PreviewOrder::default()
    };
    let previews = stage.app.destinations().preview(&order).await.unwrap();
    assert!(
        previews
            .iter()
            .all(|one| !one.fields.is_empty() && !one.send.is_empty())
    );
    if std::env::var_os("PARFOCAL_BOOK").is_some() {
        held_against_the_book(&seen);
    } else {
        // What somebody registered for comes nearer while this runs: the page is compared when nothing else does.
        eprintln!("skipped: PARFOCAL_BOOK is not set, so the page of the book is not compared");
    }
    stage.app.stop().await;
}

/// How many answers in polls are kept of people whose address is known.
async fn answers(stage: &Stage) -> usize {
    let (store, scope) = (stage.app.store(), stage.app.scope());
    let mut known = 0;
    for run in store.walk_instances(scope, "", None, 10_000).await.unwrap() {
        let all = store
            .interactions(scope, run.parse().unwrap(), 10_000)
            .await
            .unwrap();
        let of_somebody =
            |one: &&Interaction| one.kind == InteractionKind::Poll && one.email.is_some();
        known += all.iter().filter(of_somebody).count();
    }
    known
}

/// The page of the book with what landed; `PARFOCAL_BLESS=1` writes it anew.
fn held_against_the_book(seen: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/src/reference/brevo-example.md");
    let made = page(seen);
    if std::env::var_os("PARFOCAL_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap();
    assert_eq!(held, made, "run it with PARFOCAL_BLESS=1");
}

fn page(seen: &Value) -> String {
    let mut out = String::from(
        "# The built-in organisation in Brevo\n\nWhat the default mapping makes of the simulator's built-in organisation by a \
         backfill, as it lies in the double of Brevo. A test makes this page.\n\n## Contacts\n\n",
    );
    let columns = [
        "ZOOM_USER_TYPE",
        "ZOOM_MEETINGS_ATTENDED",
        "ZOOM_MEETINGS_MISSED",
        "ZOOM_REGISTRATIONS",
        "ZOOM_TOTAL_MINUTES",
        "ZOOM_LAST_MEETING_TOPIC",
        "ZOOM_LAST_ATTENDED_DATE",
    ];
    let _ = writeln!(out, "| contact | {} | lists |", columns.join(" | "));
    let _ = writeln!(out, "| --- |{} --- |", " --- |".repeat(columns.len()));
    let mut rows = Vec::new();
    for contact in seen["contacts"].as_array().unwrap() {
        let cells: Vec<String> = columns
            .iter()
            .map(|name| match &contact["attributes"][name] {
                Value::Null => "–".to_owned(),
                Value::String(text) => text.replace('|', "\\|"),
                other => other.to_string(),
            })
            .collect();
        let mut lists: Vec<String> = contact["lists"]
            .as_array()
            .unwrap()
            .iter()
            .map(|list| list.as_str().unwrap().replace("Zoom | ", ""))
            .collect();
        lists.sort_unstable();
        let email = contact["email"].as_str().unwrap();
        rows.push(format!(
            "| {email} | {} | {} |\n",
            cells.join(" | "),
            lists.join(", ")
        ));
    }
    rows.sort();
    out.extend(rows);
    out.push_str("\n## Events\n\n| event | how many |\n| --- | --- |\n");
    let mut events: BTreeMap<&str, u32> = BTreeMap::new();
    for event in seen["events"].as_array().unwrap() {
        *events.entry(event["name"].as_str().unwrap()).or_default() += 1;
    }
    for (name, count) in events {
        let _ = writeln!(out, "| `{name}` | {count} |");
    }
    out
}
