//! `parfocal mcp` as a client starts it: one line in, one line out, and nothing else on standard output.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Running, World};

/// A simulated account with its credentials in the environment, and the component switched on.
fn stage() -> (World, Running) {
    stage_with(&[])
}

fn stage_with(flags: &[&str]) -> (World, Running) {
    let world = World::new();
    let simulate = ["simulate", "--port", "0", "--limits", "off", "--json"];
    let simulator = world.start(&[&simulate[..], flags].concat());
    let base = simulator.hello()["base_url"].as_str().unwrap().to_owned();
    let world = world
        .env("ZOOM_OAUTH_URL", &base)
        .env("ZOOM_API_URL", format!("{base}/v2"))
        .env("ZOOM_ACCOUNT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_SECRET", "simulator")
        .env("PARFOCAL_LIMITS__PLAN", "off");
    world.run(&["component", "activate", "mcp"]).exits(0);
    (world, simulator)
}

/// The program with a client's hand on both ends.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Client {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut child = world
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            asked: 0,
        }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Asks and waits for the answer, which is the next line.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(
            (answer["jsonrpc"].as_str(), answer["id"].as_u64()),
            (Some("2.0"), Some(id)),
            "{answer}"
        );
        answer
    }

    fn hello(&mut self) -> Value {
        let hello = self.ask(
            "initialize",
            &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        hello
    }

    /// Closes our end and waits for the program's: nothing more may come.
    fn end(mut self) -> (i32, String) {
        drop(self.input.take());
        let mut rest = String::new();
        while self.output.read_line(&mut rest).unwrap() > 0 {}
        assert_eq!(rest, "", "nothing but answers goes to standard output");
        let ended = self.child.wait_with_output().unwrap();
        (
            ended.status.code().unwrap_or(-1),
            String::from_utf8(ended.stderr).unwrap(),
        )
    }
}

#[test]
fn off_says_how_to_switch_it_on() {
    let refused = World::new().run(&["mcp", "--json"]).exits(1);
    assert_eq!(refused.stdout, "");
    let problem = refused.problem();
    assert_eq!(problem["code"], "component_off");
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("component activate mcp"),
        "{problem}"
    );
}

#[test]
fn a_client_that_shakes_hands_is_answered_line_by_line() {
    let (world, _simulator) = stage();
    let mut client = Client::start(&world, &["mcp", "-vv"]);
    let hello = client.hello();
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(hello["result"]["serverInfo"]["name"], "parfocal");
    let tools = client.ask("tools/list", &json!({}))["result"]["tools"].clone();
    let names: Vec<&str> = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"meeting.create") && !names.contains(&"meeting.delete"),
        "{names:?}"
    );
    let users = client.ask(
        "tools/call",
        &json!({"name": "user.list", "arguments": {"limit": 2}}),
    );
    let host = users["result"]["structuredContent"]["items"][0]["email"]
        .as_str()
        .unwrap()
        .to_owned();
    let input = json!({"host": host, "topic": "By a model", "start": "2030-01-07T09:00:00Z", "duration_minutes": 30});
    let made = client.ask(
        "tools/call",
        &json!({"name": "meeting.create", "arguments": input}),
    );
    let number = made["result"]["structuredContent"]["number"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        made["result"]["_meta"]["dev.parfocal/requestId"]
            .as_str()
            .unwrap()
            .starts_with("mcp-")
    );
    let read = client.ask("resources/read", &json!({"uri": "parfocal://meeting/none"}));
    assert_eq!(
        read["error"]["code"], -32002,
        "what this revision calls a resource that is not there"
    );
    let (code, log) = client.end();
    assert_eq!(code, 0, "{log}");
    // What was done is done: another command sees it.
    let seen = world
        .run(&[
            "action",
            "run",
            "meeting.get",
            "--input",
            &format!(r#"{{"meeting":"{number}"}}"#),
            "--json",
        ])
        .exits(0)
        .json();
    assert_eq!(seen["output"]["topic"], "By a model");
}

#[test]
fn a_client_without_a_handshake_is_answered_and_kept_to_its_role() {
    let (world, _simulator) = stage();
    let mut client = Client::start(&world, &["mcp", "--role", "read", "--connection", "env"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    let found = client.ask("server/discover", &json!({ "_meta": meta }));
    assert!(
        found["result"]["supportedVersions"]
            .to_string()
            .contains("2026-07-28"),
        "{found}"
    );
    let tools = client.ask("tools/list", &json!({ "_meta": meta }))["result"]["tools"].to_string();
    assert!(tools.contains("\"meeting.get\"") && !tools.contains("\"meeting.create\""));
    let arguments = json!({"topic": "x", "start": "2030-01-07T09:00:00Z"});
    let refused = client.ask(
        "tools/call",
        &json!({"name": "meeting.create", "arguments": arguments, "_meta": meta}),
    );
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let (code, log) = client.end();
    assert_eq!(code, 0, "{log}");
    world.run(&["mcp", "--connection", "nowhere"]).exits(1);
}

#[test]
fn everything_asked_before_the_end_of_input_is_answered() {
    let (world, _simulator) = stage();
    let mut client = Client::start(&world, &["mcp"]);
    client.say(&json!({"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    client.say(&json!({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "user.list", "arguments": {}}}));
    drop(client.input.take());
    let answers: Vec<Value> = client
        .output
        .by_ref()
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let ids: Vec<&str> = answers
        .iter()
        .map(|answer| answer["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a", "b"], "{answers:?}");
    assert!(
        answers[1]["result"]["structuredContent"]["items"].is_array(),
        "{answers:?}"
    );
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_cancelled_is_not_answered() {
    let (world, _simulator) = stage_with(&["--fault", "slow,path=/v2/users,delay_ms=20000"]);
    let mut client = Client::start(&world, &["mcp"]);
    client.hello();
    client.say(&json!({"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {"name": "user.list", "arguments": {}}}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow", "reason": "enough"}}));
    let after = client.ask("prompts/list", &json!({}));
    assert!(after["result"]["prompts"].is_array(), "{after}");
    // Had it gone on, its answer would come before the end.
    let (code, log) = client.end();
    assert_eq!(code, 0, "{log}");
}
