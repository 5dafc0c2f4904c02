//! One account from connecting to searching, as a script would do it: every command's JSON, and how servers start and stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{World, eventually};

/// A world whose environment points at a simulator.
fn world_at(base: &str) -> World {
    World::new()
        .env("ZOOM_API_URL", format!("{base}/v2"))
        .env("ZOOM_OAUTH_URL", base)
        .env("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1")
        .env("PARFOCAL_LIMITS__PLAN", "off")
        .file("secret", "simulator\n")
}

fn items(answer: &Value) -> &Vec<Value> {
    assert!(answer.get("next").is_some(), "{answer}");
    answer["items"].as_array().unwrap()
}

#[test]
fn an_account_from_connecting_to_searching() {
    let elsewhere = World::new();
    let simulator = elsewhere.start(&["simulate", "--port", "0", "--limits", "off", "--json"]);
    let hello = simulator.hello();
    assert_eq!(hello["account_id"], "simulator");
    let world = world_at(hello["base_url"].as_str().unwrap());
    let json = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        world.run(&arguments).exits(0).json()
    };

    let connect = [
        "connect",
        "s2s",
        "--name",
        "acme",
        "--account-id",
        "simulator",
        "--client-id",
        "simulator",
        "--client-secret-file",
        "secret",
    ];
    let connection = json(&connect);
    assert_eq!(
        (&connection["name"], &connection["state"]),
        (&"acme".into(), &"healthy".into())
    );
    assert!(!connection.to_string().contains("client_secret"));
    assert_eq!(items(&json(&["connections", "list"])).len(), 1);
    assert_eq!(json(&["connections", "show", "acme"])["name"], "acme");
    assert_eq!(json(&["connections", "check", "acme"])["state"], "healthy");

    let plan = json(&["backfill", "plan"]);
    assert!(plan["calls"].as_u64().unwrap() > 0);
    let backfill = json(&["backfill", "start"]);
    assert_eq!(backfill["state"], "done", "{backfill}");
    assert_eq!(backfill["done"], backfill["total"]);
    let id = backfill["id"].as_str().unwrap();
    assert_eq!(json(&["backfill", "status", id])["id"], id);
    assert_eq!(items(&json(&["backfill", "status"])).len(), 1);
    world
        .run(&["backfill", "pause", "--json"])
        .exits(1)
        .problem();

    let first = json(&["meetings", "list", "--transcript", "--limit", "3"]);
    assert_eq!(items(&first).len(), 3);
    let meeting = &items(&first)[0];
    let next = json(&[
        "meetings",
        "list",
        "--transcript",
        "--limit",
        "3",
        "--after",
        first["next"].as_str().unwrap(),
    ]);
    assert_ne!(items(&next)[0]["id"], meeting["id"]);
    let id = meeting["id"].as_str().unwrap();
    for which in [id, meeting["uuid"].as_str().unwrap()] {
        let detail = json(&["meetings", "get", which]);
        assert_eq!(detail["id"], id);
        assert!(!detail["people"].as_array().unwrap().is_empty());
        assert!(
            detail["artefacts"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one["kind"] == "transcript" && one["state"] == "present")
        );
    }
    let by_number = json(&[
        "meetings",
        "get",
        meeting["meeting_number"].as_str().unwrap(),
    ]);
    assert_eq!(by_number["meeting_number"], meeting["meeting_number"]);

    let transcript = json(&["transcript", "show", id, "--chat"]);
    let cues = transcript["transcripts"][0]["cues"].as_array().unwrap();
    assert_eq!(
        Some(cues.len()),
        meeting["cues"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
    );
    assert!(transcript["chat"].is_array());
    let text = cues
        .iter()
        .map(|cue| cue["text"].as_str().unwrap())
        .max_by_key(|text| text.len())
        .unwrap();
    let word = text
        .split(|c: char| !c.is_alphanumeric())
        .max_by_key(|word| word.len())
        .unwrap();
    let found = json(&["search", word]);
    assert!(items(&found).iter().any(|hit| {
        hit["snippet"]
            .as_array()
            .unwrap()
            .iter()
            .any(|part| part["marked"] == true)
    }));

    assert!(!items(&json(&["recordings", "list"])).is_empty());
    let saved = json(&[
        "recordings",
        "download",
        id,
        "--type",
        "transcript",
        "--output",
        "out",
    ]);
    let path = saved["saved"][0]["fetched"]["path"].as_str().unwrap();
    let parsed = json(&["transcript", "parse", path]);
    assert_eq!(parsed["cues"].as_array().unwrap().len(), cues.len());

    assert!(items(&json(&["events", "list"])).is_empty());
    let jobs = json(&["jobs", "list", "--state", "done", "--limit", "5"]);
    let job = items(&jobs)[0]["id"].as_str().unwrap();
    assert_eq!(json(&["jobs", "show", job])["job"]["id"], job);
    world
        .run(&["jobs", "retry", job, "--json"])
        .exits(1)
        .problem();
    assert_eq!(json(&["jobs", "retry", "--all-dead"])["retried"], 0);
    let status = json(&["status"]);
    assert!(status["store"]["transcripts"].as_u64().unwrap() > 10);
    let rotation = json(&["vault", "rotate"]);
    assert_eq!(rotation["unreadable"], 0);

    // The text for people says the same without colours, and stays on its streams.
    let outcome = world.run(&["meetings", "list", "--limit", "2"]).exits(0);
    assert!(
        outcome.stdout.starts_with("ID") && !outcome.stdout.contains('\u{1b}'),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stderr.contains("--after"), "{}", outcome.stderr);
    for command in [
        vec!["status"],
        vec!["meetings", "get", id],
        vec!["transcript", "show", id],
        vec!["search", word],
    ] {
        assert!(!world.run(&command).exits(0).stdout.is_empty());
    }

    assert_eq!(json(&["connections", "remove", "acme"])["name"], "acme");
    world.run(&["connections", "show", "acme"]).exits(1);
    assert!(simulator.terminate().success());
}

#[test]
fn wrong_credentials_need_a_person() {
    let elsewhere = World::new();
    let simulator = elsewhere.start(&["simulate", "--port", "0", "--json"]);
    let world =
        world_at(simulator.hello()["base_url"].as_str().unwrap()).file("wrong", "not the secret");
    let connect = [
        "connect",
        "s2s",
        "--account-id",
        "simulator",
        "--client-id",
        "simulator",
        "--client-secret-file",
        "wrong",
        "--json",
    ];
    let problem = world.run(&connect).exits(3).problem();
    assert_eq!(problem["code"], "zoom_credentials_refused", "{problem}");
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("marketplace.zoom.us")
    );
    assert!(!problem.to_string().contains("not the secret"));
    world.run(&["connect", "s2s", "--json"]).exits(2).problem();
}

#[test]
fn refused_credentials_of_the_environment_are_not_called_connected() {
    let elsewhere = World::new();
    let simulator = elsewhere.start(&["simulate", "--port", "0", "--json"]);
    let world = world_at(simulator.hello()["base_url"].as_str().unwrap())
        .env("ZOOM_ACCOUNT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_SECRET", "not the secret");
    let outcome = world.run(&["connect", "s2s"]).exits(3);
    assert!(outcome.stdout.contains("✗ not connected"), "{outcome:?}");
    assert!(outcome.stdout.contains("refused"), "{outcome:?}");
    for word in ["ZOOM_S2S_CLIENT_SECRET", "marketplace.zoom.us"] {
        assert!(outcome.stderr.contains(word), "{outcome:?}");
    }
    for word in ["WARN", "Next:"] {
        assert!(!outcome.stderr.contains(word), "{outcome:?}");
    }
    let state = world.run(&["connect", "s2s", "--json"]).exits(3).json()["state"].clone();
    assert_eq!(state, "needs_reconnect");
    let list = world.run(&["connections", "list"]).exits(0);
    assert!(list.stdout.contains(" ID "), "{}", list.stdout);
}

#[test]
fn a_wrong_vault_key_ends_commands_at_once() {
    let elsewhere = World::new();
    let simulator = elsewhere.start(&["simulate", "--port", "0", "--json"]);
    let world = world_at(simulator.hello()["base_url"].as_str().unwrap())
        .env("ZOOM_ACCOUNT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_SECRET", "simulator");
    world.run(&["connect", "s2s"]).exits(0);
    let world = world.env("TOKEN_ENCRYPTION_KEY", "ab".repeat(32));
    for command in [["backfill", "start"], ["connect", "s2s"]] {
        let problem = world
            .run(&[command[0], command[1], "--json"])
            .exits(3)
            .problem();
        assert_eq!(problem["code"], "vault_key_wrong", "{problem}");
        let hint = problem["hint"].as_str().unwrap();
        assert!(hint.contains("TOKEN_ENCRYPTION_KEY_PREVIOUS"), "{problem}");
    }
    let status = world.run(&["status"]).exits(3);
    assert!(
        status.stdout.contains("under a key that is not here"),
        "{}",
        status.stdout
    );
}

#[test]
fn a_server_says_where_it_listens_and_ends_when_asked() {
    let world = World::new().env("PARFOCAL_SERVER__LISTEN", "127.0.0.1:0");
    let server = world.start(&["serve", "--json"]);
    let address = server.hello()["listening"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let answer = eventually("an answer from /readyz", || get(&address, "/readyz"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let page = get(&address, "/").unwrap();
    assert!(page.contains("Parfocal") && page.contains("parfocal connect s2s"));
    assert!(server.terminate().success());
    assert!(world.path("parfocal-data/parfocal.db").is_file());

    let port = TcpStream::connect(&address);
    assert!(port.is_err(), "nobody listens any more");
}

#[test]
fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let problem = World::new()
        .run(&["serve", "--listen", &address, "--json"])
        .exits(1)
        .problem();
    assert!(problem["detail"].as_str().unwrap().contains(&address));
    assert!(problem["hint"].as_str().unwrap().contains("server.listen"));
    let port = address.rsplit(':').next().unwrap();
    let problem = World::new()
        .run(&["simulate", "--port", port, "--json"])
        .exits(1)
        .problem();
    assert!(problem["hint"].as_str().unwrap().contains("--port 0"));
}

#[test]
fn the_simulator_has_an_authority_of_its_own() {
    let world = World::new();
    let answer = world.run(&["simulate", "ca", "--json"]).exits(0).json();
    let file = answer["certificate_file"].as_str().unwrap();
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let again = world.run(&["simulate", "ca", "--pem"]).exits(0);
    assert_eq!(again.stdout, answer["pem"].as_str().unwrap());
    world.run(&["simulate", "ca", "--out", "copy.pem"]).exits(0);
    assert!(world.path("copy.pem").is_file());
}

/// A GET over a plain socket.
fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
