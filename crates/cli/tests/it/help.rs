//! Every command explains itself.

use crate::support::World;

/// All commands, as people type them.
const COMMANDS: &[&str] = &[
    "",
    "demo",
    "serve",
    "simulate",
    "connect",
    "connect s2s",
    "connect user",
    "connect app",
    "connect link",
    "connect link create",
    "connect link list",
    "connect link revoke",
    "connections",
    "connections list",
    "connections show",
    "connections check",
    "connections reconnect",
    "connections rename",
    "connections remove",
    "scopes",
    "api",
    "sync",
    "sync status",
    "sync run",
    "sync retry",
    "sync why",
    "sync mapping",
    "sync preview",
    "calendars",
    "calendars add",
    "calendars list",
    "calendars check",
    "calendars sync",
    "calendars conflicts",
    "calendars remove",
    "calendars feed",
    "backfill",
    "backfill plan",
    "backfill start",
    "backfill status",
    "backfill pause",
    "backfill resume",
    "backfill cancel",
    "mcp",
    "meetings",
    "meetings list",
    "meetings get",
    "recordings",
    "recordings list",
    "recordings download",
    "transcript",
    "transcript show",
    "transcript parse",
    "transcript export",
    "transcript import",
    "transcript speakers",
    "analyze",
    "insights",
    "insights actions",
    "insights done",
    "insights reopen",
    "search",
    "events",
    "events list",
    "events show",
    "events replay",
    "jobs",
    "jobs list",
    "jobs show",
    "jobs retry",
    "jobs drop",
    "destination",
    "destination add",
    "destination backfill",
    "deliveries",
    "deliveries retry",
    "people",
    "people consent",
    "status",
    "doctor",
    "vault",
    "vault rotate",
    "completions",
    "config",
    "config check",
    "config show",
    "config errors",
    "simulate ca",
    "config reference",
    "config default",
];

#[test]
fn every_command_has_help() {
    let world = World::new();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let outcome = world.run(&arguments).exits(0);
        assert!(outcome.stdout.contains("Usage:"), "{command}");
        assert!(outcome.stdout.contains("--json"), "{command}");
        assert!(
            !outcome.stdout.contains('\u{1b}'),
            "colours in a pipe: {command}"
        );
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let world = World::new();
    world.run(&[]).exits(2);
    world.run(&["serch", "x"]).exits(2);
    world.run(&["search"]).exits(2);
    world.run(&["meetings", "list", "--limit", "0"]).exits(2);
    let outcome = world.run(&["--json", "serch"]).exits(2);
    assert_eq!(outcome.problem()["code"], "usage");
    assert!(
        outcome.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("serch")
    );
}

#[test]
fn version_and_completions_are_data() {
    let world = World::new();
    let outcome = world.run(&["--version"]).exits(0);
    assert!(outcome.stdout.starts_with("parfocal "));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = world.run(&["completions", shell]).exits(0);
        assert!(outcome.stdout.contains("backfill"), "{shell}");
    }
}

#[test]
fn colours_can_be_forced_and_switched_off() {
    let world = World::new();
    assert!(
        world
            .run(&["config", "check", "--color", "always"])
            .exits(0)
            .stdout
            .contains('\u{1b}')
    );
    assert!(
        !world
            .run(&["config", "check"])
            .exits(0)
            .stdout
            .contains('\u{1b}')
    );
    assert!(
        !world
            .run(&["config", "check", "--color", "never"])
            .exits(0)
            .stdout
            .contains('\u{1b}')
    );
}
