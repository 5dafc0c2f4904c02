//! `doctor` finds what is wrong with an installation.

use crate::support::World;

#[test]
fn an_empty_installation_needs_attention_but_works() {
    let world = World::new();
    let answer = world.run(&["doctor", "--json"]).exits(3).json();
    let checks = answer["checks"].as_array().unwrap();
    let of = |name: &str| {
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {answer}"))
    };
    assert_eq!(of("configuration")["state"], "ok");
    assert_eq!(of("database")["state"], "ok");
    assert_eq!(of("vault")["state"], "ok");
    assert_eq!(of("connections")["state"], "attention");
    assert_eq!(of("webhook secret")["state"], "attention");
    assert!(
        checks
            .iter()
            .all(|check| check["state"] == "ok" || check["hint"].is_string()),
        "{answer}"
    );
}

#[test]
fn a_corrupt_database_is_named() {
    let world = World::new();
    std::fs::create_dir_all(world.path("parfocal-data")).unwrap();
    let world = world.file(
        "parfocal-data/parfocal.db",
        &"this is no database ".repeat(600),
    );
    let answer = world.run(&["doctor", "--json"]).exits(1).json();
    let database = answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "database")
        .unwrap()
        .clone();
    assert_eq!(database["state"], "failed");
    assert!(database["hint"].is_string());
    world.run(&["status"]).exits(1);
}
