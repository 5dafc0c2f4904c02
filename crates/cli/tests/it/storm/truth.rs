//! After the storm: what the server shows, beside what is so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::clients::{self, Known, Order};
use super::{Stage, eventually};
use crate::kill;

/// What became of a key in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Made(String),
    Unknown,
    Refused(String),
}

pub(super) async fn hold(stage: &Stage, orders: &[Order], acknowledged: &BTreeSet<i64>) {
    stage.zoom.calm().await;
    // Zoom's last retry of a webhook comes 85 minutes after the first try.
    for _ in 0..9 {
        stage.zoom.advance(10).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    connections(stage).await;
    meetings(stage, orders).await;
    records(stage).await;
    failures(stage).await;
    webhooks(stage, acknowledged);
    removal(stage).await;
    let seen = stage.seen.lock().await;
    println!("  clients hung up {} times and were told:", seen.hung_up);
    for (word, times) in &seen.answers {
        println!("    {times:>5} {word}");
    }
}

/// Whether a connection works, found out by using it.
async fn works(stage: &Stage, connection: &str) -> bool {
    let mut input = json!({ "connection": connection, "limit": 1 });
    if connection == "env" {
        input["host"] = json!(stage.hosts[0]);
    }
    let deadline = Instant::now() + Duration::from_mins(3);
    loop {
        match stage.act("meeting.list", &input, None, None).await {
            Some(answer) if answer.ok() => return true,
            Some(answer) if !answer.passing() => return false,
            answer => assert!(
                Instant::now() < deadline,
                "{connection} neither works nor fails: {answer:?}"
            ),
        }
        stage.zoom.advance(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A connection is shown as working exactly when it works; what does not is put right by a person.
async fn connections(stage: &Stage) {
    let people = stage.people.iter().map(|person| person.connection.as_str());
    for connection in people.chain(["env"]) {
        let works = works(stage, connection).await;
        let state = stage.state(connection).await;
        let healthy = matches!(state.as_str(), "healthy" | "degraded");
        assert_eq!(works, healthy, "{connection} is shown as {state}");
        println!("  connection {connection}: {state}");
    }
    for person in &stage.people {
        eventually("a person's consent", async || {
            let broken = stage.state(&person.connection).await == "needs_reconnect";
            if broken {
                stage
                    .consent(person, Some(&person.connection))
                    .await
                    .unwrap();
            }
            !broken
        })
        .await;
        assert!(works(stage, &person.connection).await, "{}", person.email);
    }
    assert!(
        works(stage, "env").await,
        "env does not work in calm weather"
    );
    let living = stage.zoom.control("grants", None).await;
    let living: BTreeSet<&str> = living
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|grant| grant["user_id"].as_str())
        .collect();
    let shown = stage.shown("/v1/connections").await;
    for row in shown["items"].as_array().unwrap() {
        if row["kind"] == "user" {
            let lives = living.contains(row["subject"].as_str().unwrap());
            assert_eq!(
                lives,
                row["state"] == "healthy" || row["state"] == "degraded",
                "{row}"
            );
        }
    }
}

/// Asks under the same key until an answer stands.
async fn settle(stage: &Stage, order: &Order) -> End {
    let deadline = Instant::now() + Duration::from_mins(3);
    loop {
        let answer = stage
            .act("meeting.create", &order.input, Some(&order.key), None)
            .await;
        match answer {
            Some(answer) if answer.ok() => {
                return End::Made(answer.number().expect("a meeting has a number"));
            }
            Some(answer) if answer.code() == "outcome_unknown" => return End::Unknown,
            Some(answer) if !answer.passing() => return End::Refused(answer.code().to_owned()),
            answer => assert!(
                Instant::now() < deadline,
                "{} is not answered: {answer:?}",
                order.key
            ),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// No create was lost or doubled, and each key's stored answer tells what is so.
async fn meetings(stage: &Stage, orders: &[Order]) {
    // Some at once: looking for a meeting that was never made takes its time.
    let settling = orders.iter().cloned().map(|mut order| async move {
        let end = settle(stage, &order).await;
        if let End::Made(number) = &end {
            order.numbers.insert(number.clone());
        }
        if order.gone == Known::Perhaps {
            clients::cancel(stage, &mut order, 20).await;
        }
        (order, end)
    });
    let settled: Vec<(Order, End)> = futures_util::stream::iter(settling)
        .buffered(8)
        .collect()
        .await;
    let made = stage.zoom.made().await;
    let none = Vec::new();
    let mut faults = Vec::new();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (order, end) in &settled {
        let there = made.get(&order.topic).unwrap_or(&none);
        let word = match end {
            End::Made(_) => "made",
            End::Unknown => "unknown",
            End::Refused(_) => "refused",
        };
        *kinds.entry(word).or_default() += 1;
        let so = match end {
            End::Made(number) => {
                there.len() == 1 && there[0] == *number && order.numbers.len() == 1
            }
            // In calm weather a meeting that exists is found again by its key.
            End::Unknown | End::Refused(_) => there.is_empty() && order.numbers.is_empty(),
        };
        if !so {
            faults.push(format!(
                "Zoom made {there:?}, and {end:?} is told: {order:?}"
            ));
            continue;
        }
        let Some(number) = order.number() else {
            continue;
        };
        let now = stage.zoom.get(&format!("/meetings/{number}")).await;
        let exists = now.is_some();
        match order.gone {
            Known::Not if !exists => faults.push(format!("it is gone: {order:?}")),
            Known::Told(()) if exists => faults.push(format!("it is still there: {order:?}")),
            Known::Perhaps => faults.push(format!("its end stays in doubt: {order:?}")),
            _ => {}
        }
        if let (Known::Told(minutes), Some(now)) = (&order.minutes, now)
            && now["duration"].as_u64() != Some(*minutes)
        {
            faults.push(format!(
                "a change was lost: {} and {order:?}",
                now["duration"]
            ));
        }
    }
    println!("  keys: {kinds:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        kinds.get("made").is_some_and(|made| *made > 5),
        "too little was made: {kinds:?}"
    );
}

/// What is stored is what can be known of the account: no row less, none more.
async fn records(stage: &Stage) {
    let deadline = Instant::now() + Duration::from_mins(3);
    let shown = loop {
        let knowable = stage
            .zoom
            .control("knowable?events=all&plan=business", None)
            .await;
        let status = stage.shown("/v1/status").await;
        let shown = kill::figures(&status, &knowable);
        let same = shown
            .iter()
            .all(|(_, ours, theirs)| ours.is_some() && ours == theirs);
        if same || Instant::now() > deadline {
            break shown;
        }
        // What failed for good under faults is tried again by a person; what waits is waited for.
        let dead = stage.shown("/v1/jobs?state=dead&limit=100").await;
        for job in dead["items"].as_array().unwrap() {
            let id = job["id"].as_str().unwrap();
            let url = format!("{}/v1/jobs/{id}/retry", stage.server);
            stage.http.post(url).send().await.unwrap();
        }
        stage.zoom.advance(1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    for (name, ours, theirs) in &shown {
        println!("  {name}: stored {ours:?}, knowable {theirs:?}");
    }
    let same = shown.iter().all(|(_, ours, theirs)| ours == theirs);
    let why = if same {
        String::new()
    } else {
        left(stage).await
    };
    assert!(same, "stored and knowable differ: {shown:?}\n{why}");
}

/// What a person would look at when something is missing: what the account is said not to give, and what is not done.
async fn left(stage: &Stage) -> String {
    let backfills = stage.shown("/v1/backfills").await;
    let mut out = format!("{backfills:#}\n");
    for state in ["dead", "waiting", "ready", "running"] {
        let jobs = stage
            .shown(&format!("/v1/jobs?state={state}&limit=20"))
            .await;
        for job in jobs["items"].as_array().unwrap() {
            let line = format!(
                "{state}: {} {} {}\n",
                job["kind"], job["run_at"], job["note"]
            );
            out.push_str(&line);
        }
    }
    out
}

/// The figures, the list and each job tell the same.
async fn failures(stage: &Stage) {
    eventually("one account of the jobs", async || {
        let status = stage.shown("/v1/status").await;
        let list = stage.shown("/v1/jobs?state=dead&limit=100").await;
        let dead = list["items"].as_array().unwrap();
        let told = status["failures"].as_array().unwrap();
        told.len() == dead.len().min(10)
            && told
                .iter()
                .all(|failure| failure["last"]["error"].is_string())
    })
    .await;
    let list = stage.shown("/v1/jobs?limit=200").await;
    for job in list["items"].as_array().unwrap() {
        let id = job["id"].as_str().unwrap();
        let one = stage.shown(&format!("/v1/jobs/{id}")).await;
        assert!(
            one["state"].is_string() || one["job"]["state"].is_string(),
            "{one}"
        );
    }
}

/// Every acknowledged event is stored once, and none twice.
fn webhooks(stage: &Stage, acknowledged: &BTreeSet<i64>) {
    let stored = kill::stored(&stage.world);
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|name| !stored.contains_key(*name))
        .collect();
    let twice: Vec<_> = stored.iter().filter(|(_, rows)| **rows != 1).collect();
    assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
    assert!(twice.is_empty(), "stored twice: {twice:?}");
}

/// Somebody removes the app at Zoom, which says so: it is shown, and nothing goes through that connection any more.
async fn removal(stage: &Stage) {
    let person = &stage.people[0];
    let order = json!({ "client_id": "simulator-user", "user": person.email });
    let removed: Value = stage.zoom.control("deauthorize", Some(order)).await;
    assert_eq!(removed["removed"], 1, "{removed}");
    eventually("the removal", async || {
        stage.state(&person.connection).await == "disconnected"
    })
    .await;
    assert!(!works(stage, &person.connection).await);
    assert_eq!(stage.state(&person.connection).await, "disconnected");
}
