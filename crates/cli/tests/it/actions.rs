//! Actions on the command line, and the pipelines of the book against a running server.

use std::process::Command;

use serde_json::Value;

use crate::support::{Running, World, eventually};

/// A simulated account, its credentials in the environment.
fn stage() -> (World, Running, String) {
    let world = World::new();
    let simulator = world.start(&["simulate", "--port", "0", "--json"]);
    let base = simulator.hello()["base_url"].as_str().unwrap().to_owned();
    let world = world
        .env("ZOOM_OAUTH_URL", &base)
        .env("ZOOM_API_URL", format!("{base}/v2"))
        .env("ZOOM_ACCOUNT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_SECRET", "simulator")
        .env("PARFOCAL_LIMITS__PLAN", "business");
    world.run(&["connections", "check", "env"]).exits(0);
    let users = world
        .run(&[
            "action",
            "run",
            "user.list",
            "--input",
            r#"{"limit":3}"#,
            "--json",
        ])
        .exits(0)
        .json();
    let host = users["output"]["items"][0]["email"]
        .as_str()
        .unwrap()
        .to_owned();
    (world, simulator, host)
}

#[test]
fn meetings_are_scheduled_in_the_words_of_people() {
    let (world, _simulator, host) = stage();
    let create = [
        "meetings",
        "create",
        "--topic",
        "Planning",
        "--host",
        &host,
        "--start",
        "tomorrow 9:00",
        "--duration",
        "30m",
        "--timezone",
        "Europe/Berlin",
    ];
    let planned = world.run(&[&create[..], &["--dry-run"]].concat()).exits(0);
    assert!(
        planned.stdout.contains("POST ")
            && planned.stdout.contains("\"timezone\": \"Europe/Berlin\""),
        "{}",
        planned.stdout
    );
    assert!(planned.stdout.contains("T09:00:00"), "{}", planned.stdout);
    let made = world
        .run(&[&create[..], &["--idempotency-key", "k", "--json"]].concat())
        .exits(0)
        .json();
    let again = world
        .run(&[&create[..], &["--idempotency-key", "k", "--json"]].concat())
        .exits(0)
        .json();
    assert_eq!(made["output"]["number"], again["output"]["number"]);
    let number = made["output"]["number"].as_str().unwrap();
    let coming = world
        .run(&["meetings", "list", "--upcoming", "--host", &host])
        .exits(0);
    let line = coming.stdout.lines().find(|line| line.contains(number));
    assert!(
        line.is_some_and(|line| line.contains("Planning") && line.contains(&host)),
        "{}",
        coming.stdout
    );
    // As Zoom writes it, blanks and all.
    let (first, rest) = number.split_at(3);
    let (second, third) = rest.split_at(rest.len() - 4);
    let got = world
        .run(&["meetings", "get", first, second, third])
        .exits(0);
    assert!(
        got.stdout.contains("Planning") && got.stdout.contains("not held yet"),
        "{}",
        got.stdout
    );
    world.run(&["meetings", "get", "81234567899"]).exits(1);
    let shown = world
        .run(&[
            "meetings",
            "update",
            number,
            "--topic",
            "Planning 2",
            "--duration",
            "1h",
        ])
        .exits(0);
    assert!(shown.stdout.contains("Changed"), "{}", shown.stdout);
    let refused = world.run(&["meetings", "delete", number]).exits(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    world.run(&["meetings", "delete", number, "--yes"]).exits(0);
    let gone = world
        .run(&[
            "action",
            "run",
            "meeting.get",
            "--input",
            &format!(r#"{{"meeting":"{number}"}}"#),
            "--json",
        ])
        .exits(1);
    let problem = gone.problem();
    assert_eq!(problem["code"], "zoom_not_found");
    assert!(problem["zoom"]["tracking_id"].is_string(), "{problem}");
    let past = world
        .run(&[
            "meetings",
            "create",
            "--topic",
            "x",
            "--host",
            &host,
            "--start",
            "2020-01-01 09:00",
            "--json",
        ])
        .exits(1)
        .problem();
    assert_eq!(
        (past["code"].as_str(), past["errors"][0]["field"].as_str()),
        (Some("invalid_input"), Some("start"))
    );
    world
        .run(&[
            "meetings",
            "create",
            "--topic",
            "x",
            "--start",
            "when pigs fly",
        ])
        .exits(2);
}

#[test]
fn a_simulator_says_how_it_is_reached_and_what_it_cannot_use() {
    let world = World::new();
    let said = world.start(&["simulate", "--port", "0", "--tls", "--json"]);
    let said = said.hello();
    let secure = said["https_url"].as_str().unwrap();
    assert!(secure.starts_with("https://127.0.0.1:"), "{said}");
    assert_eq!(said["proxy"], said["base_url"]);
    let file = said["certificate_file"].as_str().unwrap();
    let pem = std::fs::read_to_string(file).unwrap();
    assert!(pem.contains("BEGIN CERTIFICATE"), "{pem}");
    let printed = world.run(&["simulate", "ca"]).exits(0);
    assert_eq!(printed.stdout.trim(), file);
    let none = world.run(&["simulate", "--transcripts", "no-such-folder"]);
    let none = none.exits(2);
    assert!(
        none.stderr.contains("no-such-folder") && none.stderr.contains(".vtt"),
        "{}",
        none.stderr
    );
    assert!(!none.stderr.contains("--port"), "{}", none.stderr);
}

#[test]
fn shells_complete_the_names_of_actions_and_components() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]).exits(0).stdout;
        for name in [
            "meeting.create",
            "recording.download",
            "calendar-feed",
            "understanding",
        ] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    // Any other name is still answered by what knows the next step.
    let unknown = world.run(&["action", "describe", "meeting.creat"]).exits(1);
    assert!(unknown.stderr.contains("action list"), "{}", unknown.stderr);
}

#[test]
fn actions_are_listed_and_described() {
    let world = World::new();
    let list = world.run(&["action", "list"]).exits(0);
    assert!(
        list.stdout.contains("meeting.create") && list.stdout.contains("cannot be undone"),
        "{}",
        list.stdout
    );
    let one = world
        .run(&["action", "describe", "registrant.approve"])
        .exits(0);
    assert!(
        one.stdout
            .contains("PUT /meetings/{meetingId}/registrants/status"),
        "{}",
        one.stdout
    );
    let view = world
        .run(&["action", "describe", "search", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        view["input_schema"]["properties"]["query"]["type"],
        "string"
    );
    world
        .run(&["action", "describe", "meeting.explode"])
        .exits(1);
    let manifest = world.run(&["action", "manifest"]).exits(0).json();
    assert_eq!(manifest["manifest_version"], 1);
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let world = World::new();
    let made = world
        .run(&["keys", "create", "reports", "--role", "operate", "--json"])
        .exits(0)
        .json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("pf_"));
    world.run(&["keys", "create", "reports"]).exits(1);
    let list = world.run(&["keys", "list"]).exits(0);
    assert!(
        list.stdout.contains("reports")
            && list.stdout.contains("operate")
            && !list.stdout.contains(key),
        "{}",
        list.stdout
    );
    world.run(&["keys", "revoke", "reports"]).exits(0);
    assert_eq!(
        world.run(&["keys", "list", "--json"]).exits(0).json()[0]["state"],
        "revoked"
    );
    world
        .run(&["keys", "create", "x", "--role", "root"])
        .exits(2);
}

#[test]
fn the_pipelines_of_the_book_work() {
    let (world, simulator, _) = stage();
    let key = world
        .run(&["keys", "create", "pipeline", "--role", "operate", "--json"])
        .exits(0)
        .json();
    let server = world.start(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let base = server.hello()["listening"].as_str().unwrap().to_owned();
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/guide");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .env("PARFOCAL_KEY", key["key"].as_str().unwrap())
            .current_dir(world.path(""))
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let script = format!("{guide}/pipeline.sh");
    let lines = std::fs::read_to_string(&script).unwrap().lines().count();
    assert!(lines <= 20, "{lines} lines");
    let first = run("sh", &[&script, &base]);
    assert_eq!(first.lines().count(), 3, "{first}");
    assert!(
        first.lines().all(|line| line
            .split(' ')
            .nth(1)
            .is_some_and(|number| number.len() >= 9)),
        "{first}"
    );
    // Once a day whatever happens: the second run finds what the first made.
    assert_eq!(run("sh", &[&script, &base]), first);
    let script = format!("{guide}/pipeline.py");
    let lines = std::fs::read_to_string(&script).unwrap().lines().count();
    assert!(lines <= 20, "{lines} lines");
    world.run(&["backfill", "start", "--json"]).exits(0);
    let (words, notes) = ("the", world.path("notes.md"));
    eventually("the talk of the account is found", || {
        run("python3", &[&script, &base, words, notes.to_str().unwrap()]);
        let text = std::fs::read_to_string(&notes).unwrap();
        text.contains("- **").then_some(())
    });
    drop((server, simulator));
}

#[test]
fn an_unknown_value_is_told_with_its_field() {
    let world = World::new();
    let problem = world
        .run(&[
            "action",
            "run",
            "meeting.get",
            "--input",
            r#"{"meting":"1"}"#,
            "--json",
        ])
        .exits(1)
        .problem();
    let errors: Vec<Value> = problem["errors"].as_array().unwrap().clone();
    assert!(
        errors.iter().any(|error| error["field"] == "meting"
            && error["mend"].as_str().unwrap().contains("meeting")),
        "{errors:?}"
    );
    world
        .run(&["action", "run", "meeting.get", "--input", "{nonsense"])
        .exits(2);
}

#[test]
fn components_are_switched_checked_and_answer_nothing_while_off() {
    let world = World::new();
    let check = world.run(&["component", "check", "ingest"]).exits(3);
    assert!(
        check.stdout.contains("no Zoom account is connected")
            && check.stdout.contains("parfocal connect"),
        "{}",
        check.stdout
    );
    let blocked = world
        .run(&["component", "activate", "webhooks", "--json"])
        .exits(3)
        .problem();
    assert_eq!(blocked["code"], "component_blocked");
    assert!(
        blocked["hint"]
            .as_str()
            .unwrap()
            .contains("ZOOM_WEBHOOK_SECRET_TOKEN"),
        "{blocked}"
    );
    let needed = world.run(&["component", "deactivate", "ingest"]).exits(3);
    assert!(
        needed
            .stderr
            .contains("search and understanding need ingest"),
        "{}",
        needed.stderr
    );
    world.run(&["component", "deactivate", "nothing"]).exits(1);

    let data = world.path("parfocal-data");
    let server = world.start(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let base = server.hello()["listening"].as_str().unwrap().to_owned();
    let ask = |path: &str| {
        let output = Command::new("curl")
            .args(["-sS", &format!("{base}{path}")])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(ask("/v1/search?q=x").contains("\"items\""));
    world.run(&["component", "deactivate", "ask"]).exits(0);
    world.run(&["component", "deactivate", "search"]).exits(0);
    // The server sees the switch of another process within a second or so.
    let answers = |words: &str| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let answer = ask("/v1/search?q=x");
            if answer.contains(words) {
                return answer;
            }
            assert!(std::time::Instant::now() < deadline, "no {words}: {answer}");
        }
    };
    let off = answers("component_off");
    assert!(off.contains("parfocal component activate search"), "{off}");
    let search = world.run(&["search", "budget"]).exits(1);
    assert!(
        search.stderr.contains("the component search is off"),
        "{}",
        search.stderr
    );
    let status = std::fs::read_to_string(data.join("component-activation-status.json")).unwrap();
    let status: Value = serde_json::from_str(&status).unwrap();
    let entry = status["components"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "search")
        .unwrap();
    assert_eq!(
        (entry["active"].as_bool(), entry["changed_by"].as_str()),
        (Some(false), Some("local"))
    );
    world.run(&["component", "activate", "search"]).exits(0);
    answers("\"items\"");
    // Settings by flag and by environment; what is wrong is named.
    let wrong = world
        .run(&["component", "activate", "webhooks", "--set", "colour=red"])
        .exits(1);
    assert!(wrong.stderr.contains("secret_token"), "{}", wrong.stderr);
    let given = World::new().env(
        "PARFOCAL_COMPONENTS__WEBHOOKS__SECRET_TOKEN",
        "canary-token",
    );
    let on = given
        .run(&["component", "activate", "webhooks", "--json"])
        .exits(0);
    assert_eq!(on.json()["settings"][0]["is_set"], true, "{}", on.stdout);
    let told = given.run(&["component", "list"]).exits(0);
    assert!(
        told.stdout.contains("secret_token is set"),
        "{}",
        told.stdout
    );
    let log = given.run(&["audit", "list"]).exits(0);
    assert!(
        log.stdout.contains("component.activate") && !log.stdout.contains("canary-token"),
        "{}",
        log.stdout
    );
    given.run(&["audit", "verify"]).exits(0);
    // A new database begins as the file says.
    world.run(&["component", "deactivate", "search"]).exits(0);
    drop(server);
    let fresh = World::new();
    std::fs::create_dir(fresh.path("parfocal-data")).unwrap();
    std::fs::copy(
        data.join("component-activation-status.json"),
        fresh.path("parfocal-data/component-activation-status.json"),
    )
    .unwrap();
    let list = fresh.run(&["component", "list", "--json"]).exits(0).json();
    let search = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "search")
        .unwrap();
    assert_eq!(search["active"], false, "{list}");
    let schema = fresh.run(&["component", "schema"]).exits(0).json();
    assert!(schema["properties"]["components"].is_object());
}
