//! A database of one's own on the PostgreSQL server that the test command starts.

use std::process::Command;

/// The URL of a new, empty database, or nothing where there is no server; says so then.
pub(crate) fn database(name: &str) -> Option<String> {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        eprintln!("skipped: {name} on PostgreSQL, since TEST_DATABASE_URL is not set");
        return None;
    };
    let name = format!("cli_{name}_{}", std::process::id());
    let made = Command::new("psql")
        .args([&server, "-q", "-c", &format!("CREATE DATABASE {name}")])
        .output()
        .expect("psql comes with PostgreSQL");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}
