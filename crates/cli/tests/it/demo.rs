//! The demo proves itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::World;

#[test]
fn once_agrees_with_everything_that_can_be_known() {
    let started = Instant::now();
    let outcome = World::new().run(&["demo", "--once", "--json"]).exits(0);
    let answer = outcome.json();
    assert_eq!(answer["agrees"], true, "{answer}");
    assert_eq!(answer["differences"].as_array().unwrap().len(), 0);
    assert!(answer["compared"].as_u64().unwrap() > 500, "{answer}");
    assert_eq!(answer["violations"], 0);
    assert!(answer["live"]["seconds"].as_f64().unwrap() < 30.0);
    assert!(
        started.elapsed() < Duration::from_mins(1),
        "the demo took {:?}",
        started.elapsed()
    );
}

/// The demo that goes on until somebody ends it: what it says, and the addresses that it says one can open.
#[test]
fn its_output_reads_well_without_colours_and_its_addresses_open() {
    let world = World::new();
    let mut child = world
        .command(&["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    // It either says that it waits, or ends.
    while lines.read_line(&mut said).unwrap() > 0 && !said.contains("Ctrl-C ends the demo") {}
    let opened: Vec<(u16, String)> = ["panel in a meeting", "search", "API"]
        .into_iter()
        .map(|label| opened(address(&said, label)))
        .collect();
    // Whatever comes of it, nothing is left running.
    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        status.success() && output.status.success(),
        "{output:?}\n{said}"
    );
    assert!(!said.contains('\u{1b}'));
    for part in ["transcripts", "searchable", "violations"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(
        opened.iter().all(|(status, _)| *status == 200),
        "{opened:?}"
    );
    // The simulated client's window: somebody may start a meeting there, and open the app in it.
    let (_, panel) = &opened[0];
    assert!(
        panel.contains("Start a meeting") && panel.contains("<option value="),
        "{panel}"
    );
}

/// The address that stands before a label.
fn address<'s>(said: &'s str, label: &str) -> &'s str {
    said.lines()
        .find_map(|line| line.trim().strip_suffix(label))
        .unwrap_or_else(|| panic!("{label} is missing in\n{said}"))
        .trim()
}

/// Status and page of an address on this machine.
fn opened(address: &str) -> (u16, String) {
    let (host, path) = address
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap_or_else(|| panic!("{address} is no address"));
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_default(), answer)
}

#[test]
fn it_agrees_on_postgresql_too() {
    let Some(url) = crate::postgres::database("demo") else {
        return;
    };
    let answer = World::new()
        .run(&["demo", "--once", "--json", "--database", &url])
        .exits(0)
        .json();
    assert_eq!(answer["agrees"], true, "{answer}");
}

#[test]
fn every_real_transcript_and_chat_line_arrives() {
    let Some(folder) = crate::support::shared("data/zoom-transcripts") else {
        return;
    };
    // Counted by other means than the parsers': arrows of time lines, and lines that begin with a time and a tab.
    let (mut files, mut cues, mut lines) = (0, 0, 0);
    for series in std::fs::read_dir(&folder).unwrap() {
        for meeting in std::fs::read_dir(series.unwrap().path()).unwrap() {
            let meeting = meeting.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(meeting.join("transcript.vtt")) {
                files += 1;
                cues += text.matches(" --> ").count();
            }
            let chat = std::fs::read_to_string(meeting.join("chat.txt")).unwrap_or_default();
            lines += chat.lines().filter(|line| is_message(line)).count();
        }
    }
    let folder = folder.display().to_string();
    let answer = World::new()
        .run(&["demo", "--once", "--json", "--transcripts", &folder])
        .exits(0)
        .json();
    assert_eq!(answer["agrees"], true, "{answer}");
    let (stored, live) = (&answer["stored"], &answer["live"]);
    let before = |what: &str, of_live: &str| {
        stored[what].as_u64().unwrap() - live[of_live].as_u64().unwrap()
    };
    assert_eq!(
        stored["transcripts"],
        files + 1,
        "one is the live meeting's"
    );
    assert_eq!(before("cues", "cues"), cues as u64);
    assert_eq!(before("chat_messages", "chat_messages"), lines as u64);
}

fn is_message(line: &str) -> bool {
    line.as_bytes().get(8) == Some(&b'\t')
        && line[..8].bytes().enumerate().all(|(at, byte)| match at {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
}
