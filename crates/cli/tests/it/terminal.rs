//! What a person at a terminal is asked: a pseudo-terminal stands in for theirs, driven by Python's `pty`.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::World;

const SECRET: &str = "canary-typed-at-a-terminal";

/// Plays a talk: each thing to wait for, and what is typed then (`hidden:` waits until it would not be shown).
fn talk(world: &World, arguments: &[&str], talk: &[(&str, &str)]) -> Option<Value> {
    let probe = "import fcntl, pty, termios; pty.openpty(), termios.TIOCSCTTY";
    let able = Command::new("python3").args(["-c", probe]).status();
    if !able.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 with pseudo-terminals here");
        return None;
    }
    let mut program = vec![env!("CARGO_BIN_EXE_parfocal")];
    program.extend(arguments);
    let play = world.path("play.json");
    std::fs::write(
        &play,
        json!({ "program": program, "talk": talk }).to_string(),
    )
    .unwrap();
    // The world's own environment and directory, with another program in it.
    let plain = world.command(&[]);
    let mut command = Command::new("python3");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/terminal/talk.py"
        ))
        .arg(&play)
        .env_clear()
        .env("TERM", "xterm")
        .current_dir(plain.get_current_dir().unwrap());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_secret_is_asked_for_and_not_shown() {
    let world = World::new();
    let asked = [("secret token", &*format!("hidden:{SECRET}\n"))];
    let Some(said) = talk(&world, &["component", "activate", "webhooks"], &asked) else {
        return;
    };
    let shown = said["shown"].as_str().unwrap();
    assert_eq!(said["code"], 0, "{shown}");
    assert!(shown.contains("webhooks is on"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert_eq!(said["hidden"], json!([true]));
    assert_eq!(said["echo"], true, "the terminal was left mute");
    // Set once, it is not asked for again; the answer is in force without a terminal too.
    let again = world.run(&["component", "activate", "webhooks"]).exits(0);
    assert!(
        !again.stderr.contains("secret token of"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_bad_answer_is_asked_for_again() {
    let world = World::new();
    let asked = [
        ("allowed or refused) [allowed]:", "perhaps\n"),
        ("It is allowed or refused.", ""),
        ("allowed or refused) [allowed]:", "refused\n"),
    ];
    let arguments = ["component", "activate", "actions", "--anyway"];
    let Some(said) = talk(&world, &arguments, &asked) else {
        return;
    };
    assert_eq!(said["code"], 0, "{said}");
    let list = world.run(&["component", "list", "--json"]).exits(0).json();
    let actions = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "actions")
        .unwrap();
    assert_eq!(actions["settings"][0]["value"], "refused", "{actions}");
}

#[test]
fn a_question_that_is_broken_off_switches_nothing_and_gives_the_terminal_back() {
    let world = World::new();
    // It is on at first; switched off, it has to stay so.
    world.run(&["component", "deactivate", "webhooks"]).exits(0);
    // Half a secret, then Ctrl-C.
    let asked = [("secret token", &*format!("hidden:{SECRET}\u{3}"))];
    let Some(said) = talk(&world, &["component", "activate", "webhooks"], &asked) else {
        return;
    };
    let shown = said["shown"].as_str().unwrap();
    assert_eq!(said["code"], 1, "{shown}");
    assert!(shown.contains("nothing was switched"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert_eq!(said["echo"], true, "the terminal was left mute");
    let list = world.run(&["component", "list", "--json"]).exits(0).json();
    let webhooks = &list.as_array().unwrap()[0];
    assert_eq!(
        (&webhooks["name"], &webhooks["active"]),
        (&json!("webhooks"), &json!(false))
    );
}
