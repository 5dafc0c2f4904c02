//! Configuration as a person meets it: what is wrong is named with its source and the mend.

use crate::support::World;

#[test]
fn a_foreign_listen_address_is_refused() {
    let world = World::new().file("parfocal.yaml", "server:\n  listen: 0.0.0.0:8080\n");
    let outcome = world.run(&["serve"]).exits(2);
    for part in [
        "server.listen",
        "0.0.0.0:8080",
        "authentication",
        "parfocal.yaml, line 2",
        "127.0.0.1",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is missing in {}",
            outcome.stderr
        );
    }
    let outcome = World::new()
        .run(&["serve", "--listen", "[::]:8080"])
        .exits(2);
    assert!(outcome.stderr.contains("--listen"), "{}", outcome.stderr);
}

#[test]
fn every_complaint_is_in_the_problem() {
    let world = World::new()
        .file(
            "parfocal.yaml",
            "backfil:\n  days: 3\nlimits:\n  share: 7\n",
        )
        .env("PARFOCAL_LOG__JSON", "maybe");
    let problem = world.run(&["status", "--json"]).exits(2).problem();
    assert_eq!(problem["code"], "config");
    let keys: Vec<&str> = problem["invalid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["backfil.days", "log.json"],
        "types are told before ranges"
    );
    assert_eq!(problem["invalid"][0]["hint"], "Did you mean backfill.days?");

    let world = World::new().file("parfocal.yaml", "limits:\n  share: 7\n");
    let problem = world.run(&["config", "check", "--json"]).exits(2).problem();
    assert_eq!(problem["invalid"][0]["key"], "limits.share");
    assert!(
        problem["invalid"][0]["source"]
            .as_str()
            .unwrap()
            .ends_with("parfocal.yaml, line 2")
    );
}

#[test]
fn check_shows_where_values_come_from_and_no_secret() {
    let world = World::new()
        .file("parfocal.yaml", "backfill: {days: 3}\n")
        .file(".env", "ZOOM_CLIENT_SECRET=canary-value\n")
        .env("ZOOM_WEBHOOK_VERIFICATION_TOKEN", "old");
    let outcome = world.run(&["config", "check", "--json"]).exits(0);
    let answer = outcome.json();
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["config"]["backfill"]["days"], 3);
    assert!(
        answer["given"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["key"] == "zoom.client_secret")
    );
    assert!(!outcome.stdout.contains("canary") && !outcome.stderr.contains("canary"));
    assert!(
        outcome.stderr.contains("ZOOM_WEBHOOK_SECRET_TOKEN"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_named_file_has_to_exist() {
    let outcome = World::new()
        .run(&["status", "--config", "nowhere.yaml"])
        .exits(2);
    assert!(outcome.stderr.contains("nowhere.yaml"));
}

#[test]
fn the_reference_is_markdown_and_the_default_file_is_yaml() {
    let world = World::new();
    let page = world.run(&["config", "reference"]).exits(0).stdout;
    assert!(page.starts_with("# Configuration reference") && page.contains("`ZOOM_ACCOUNT_ID`"));
    let yaml = world.run(&["config", "default"]).exits(0).stdout;
    let world = World::new().file("parfocal.yaml", &yaml);
    world.run(&["config", "check"]).exits(0);
}
