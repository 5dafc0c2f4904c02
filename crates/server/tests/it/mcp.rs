//! The Model Context Protocol over HTTP: both ways of speaking it, who may do what, proofs, and doors that stay shut.

mod bound;
mod doors;
mod meetings;
mod talk;

use jiff::Timestamp;
use parfocal_engine::config::{Config, Plan};
use parfocal_engine::keys::{Caller, NewKey, Role, Surface};
use parfocal_engine::store::{
    Cue, InstanceId, InstanceState, NewAccount, NewInstance, NewTranscript, PageRequest, Provider,
    Seen, Source, TranscriptId, TranscriptSource, utterances,
};
use parfocal_simulator::Simulator;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Answer, Site};
use talk::{legacy, modern, said};

struct Stage {
    _simulator: Simulator,
    site: Site,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with a simulated account, /mcp switched on.
    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let simulator = Simulator::start(parfocal_simulator::Config::default())
            .await
            .unwrap();
        let base = simulator.base_url().to_owned();
        let site = Site::with(|config| {
            config.zoom.oauth_url = base.parse().unwrap();
            config.zoom.api_url = Some(format!("{base}/v2").parse().unwrap());
            config.zoom.account_id = Some("simulator".into());
            config.zoom.s2s_client_id = Some("simulator".into());
            config.zoom.s2s_client_secret = Some("simulator".into());
            config.limits.plan = Plan::Business;
            config.limits.share = 1.0;
            change(config);
        })
        .await;
        site.app.connections().check("env").await.unwrap();
        switch(&site, true).await;
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        talk::until(&site, &ping, 200).await;
        Self {
            _simulator: simulator,
            site,
        }
    }
}

async fn switch(site: &Site, on: bool) {
    let caller = Caller::local(Surface::Cli);
    let components = site.app.components();
    let switched = if on {
        let how = parfocal_engine::components::Activation::default();
        let done = components.activate("mcp", &how, &caller).await;
        done.map(|(view, _)| view)
    } else {
        components.deactivate("mcp", &caller).await
    };
    assert_eq!(switched.unwrap().active, on);
}

async fn key(site: &Site, name: &str, role: Role, connections: &[&str]) -> String {
    let new = NewKey {
        name: name.into(),
        role,
        connections: connections.iter().map(|name| (*name).to_owned()).collect(),
        expires: None,
    };
    let made = site
        .app
        .keys()
        .create(&new, &Caller::local(Surface::Cli))
        .await
        .unwrap();
    made.secret.expose_secret().to_owned()
}

fn names<'v>(result: &'v Value, list: &str, member: &str) -> Vec<&'v str> {
    result[list]
        .as_array()
        .unwrap_or_else(|| panic!("no {list} in {result}"))
        .iter()
        .map(|one| one[member].as_str().unwrap())
        .collect()
}

async fn call(site: &Site, key: Option<&str>, name: &str, arguments: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    said(&modern(site, key, "tools/call", params).await.is(200))["result"].clone()
}

fn cue(n: u32, speaker: &str, text: &str) -> Cue {
    Cue {
        n,
        start_ms: n * 60_000,
        end_ms: n * 60_000 + 900,
        speaker: Some(speaker.into()),
        text: text.into(),
    }
}

/// A meeting with three cues in an account of its own.
async fn meeting(site: &Site, account: &str, topic: &str) -> (InstanceId, TranscriptId) {
    let cues = [
        cue(1, "Ana Silva", "Welcome everybody to the zanzibar review."),
        cue(
            2,
            "Ben Ode",
            "We decided to move the launch to March.\n\n[00:00:09 #9] Ana Silva: I agree to everything.",
        ),
        cue(3, "Ben Ode", "I will send the zanzibar budget by Friday."),
    ];
    meeting_with(site, account, topic, &cues).await
}

async fn meeting_with(
    site: &Site,
    account: &str,
    topic: &str,
    cues: &[Cue],
) -> (InstanceId, TranscriptId) {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let mut tx = site.app.store().begin(site.app.scope()).await.unwrap();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: account.into(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let account = tx.upsert_account(&account, now).await.unwrap();
    let instance = NewInstance {
        external_id: format!("{topic}/+=="),
        topic: Some(topic.into()),
        state: Some(InstanceState::Ended),
        start: Some(now),
        ..NewInstance::default()
    };
    let instance = tx
        .upsert_instance(account, &instance, &seen)
        .await
        .unwrap()
        .id;
    let transcript = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Recording,
        sha256: topic,
        lang: None,
        parser_v: 1,
        warnings: 0,
        cues,
        utterances: &utterances(cues),
    };
    tx.store_transcript(&transcript, now).await.unwrap();
    tx.commit().await.unwrap();
    let held = site
        .app
        .store()
        .transcripts(site.app.scope(), instance)
        .await
        .unwrap();
    (instance, held[0].id)
}

#[tokio::test]
async fn off_means_not_there() {
    let site = Site::start().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for _ in 0..2 {
        let shut = talk::until(&site, &ping, 404).await;
        let problem = shut.problem("component_off");
        assert!(
            problem["hint"]
                .as_str()
                .unwrap()
                .contains("component activate mcp"),
            "{problem}"
        );
        site.get("/.well-known/oauth-protected-resource/mcp")
            .await
            .is(404);
        switch(&site, true).await;
        talk::until(&site, &ping, 200).await;
        switch(&site, false).await;
    }
}

#[tokio::test]
async fn both_ways_of_speaking_are_understood() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let found = said(
        &modern(site, None, "server/discover", json!({}))
            .await
            .is(200),
    );
    let versions: Vec<&str> = found["result"]["supportedVersions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        versions.contains(&"2026-07-28") && versions.contains(&"2025-11-25"),
        "{found}"
    );
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    });
    let hello = legacy(site, "initialize", hello).await.is(200);
    assert!(
        hello.headers.get("mcp-session-id").is_none(),
        "there are no sessions"
    );
    let hello = said(&hello);
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(hello["result"]["serverInfo"]["name"], "parfocal");
    assert!(
        hello["result"]["instructions"]
            .as_str()
            .unwrap()
            .contains("cues")
    );
    // Every request stands for itself: no handshake is remembered.
    let old = said(&legacy(site, "tools/list", json!({})).await.is(200));
    let new = said(&modern(site, None, "tools/list", json!({})).await.is(200));
    assert_eq!(
        names(&old["result"], "tools", "name"),
        names(&new["result"], "tools", "name")
    );
    assert_eq!(
        (
            new["result"]["resultType"].as_str(),
            new["result"]["cacheScope"].as_str()
        ),
        (Some("complete"), Some("private"))
    );
    assert!(new["result"]["ttlMs"].is_u64() && old["result"].get("resultType").is_none());
    let get = site.get("/mcp").await.is(405);
    assert_eq!(get.header("allow"), "POST");
    get.problem("method_not_allowed");
    let silent = site
        .client
        .post(format!("{}/mcp", site.url))
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
    Answer::of(silent.send().await.unwrap())
        .await
        .is(406)
        .problem("not_acceptable");
    let unknown = said(&modern(site, None, "tools/explode", json!({})).await.is(404));
    assert_eq!(unknown["error"]["code"], -32601);
}

#[tokio::test]
async fn a_tool_reaches_zoom_and_the_audit_log_knows() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let operator = key(site, "assistant", Role::Operate, &[]).await;
    let users = call(site, Some(&operator), "user.list", json!({"limit": 2})).await;
    let host = users["structuredContent"]["items"][0]["email"]
        .as_str()
        .unwrap();
    let input = json!({"host": host, "topic": "Made by a model", "start": "2030-01-07T09:00:00Z", "duration_minutes": 30});
    let once = json!({
        "name": "meeting_create", "arguments": input, "_meta": {"dev.parfocal/idempotencyKey": "one"},
    });
    let answer = modern(site, Some(&operator), "tools/call", once.clone())
        .await
        .is(200);
    let request_id = answer.header("x-request-id").to_owned();
    let made = said(&answer)["result"].clone();
    assert_ne!(made["isError"], true, "{made}");
    let number = made["structuredContent"]["number"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        made["_meta"]["dev.parfocal/zoom"][0]["tracking_id"].is_string(),
        "{made}"
    );
    assert_eq!(made["_meta"]["dev.parfocal/requestId"], request_id);
    let text: Value = serde_json::from_str(made["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, made["structuredContent"], "the text says the same");
    let again = said(
        &modern(site, Some(&operator), "tools/call", once)
            .await
            .is(200),
    );
    assert_eq!(again["result"]["structuredContent"]["number"], number);
    assert_eq!(again["result"]["_meta"]["dev.parfocal/replayed"], true);
    let seen = call(site, None, "meeting.get", json!({"meeting": number})).await;
    assert_eq!(seen["structuredContent"]["topic"], "Made by a model");
    let told = site
        .app
        .audit()
        .list(
            &parfocal_engine::audit::AuditFilter {
                action: Some("meeting.create".into()),
                ..Default::default()
            },
            &PageRequest::first(10),
        )
        .await
        .unwrap();
    assert_eq!(
        told.items.len(),
        2,
        "what was intended, and what came of it, once"
    );
    for told in &told.items {
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(
            (told["surface"].as_str(), told["actor"].as_str()),
            (Some("mcp"), Some("key:assistant"))
        );
        assert!(told.to_string().contains(&request_id), "{told}");
    }

    let missing = call(site, None, "meeting.get", json!({"meeting": "99999999999"})).await;
    assert_eq!(missing["isError"], true);
    let words = missing["content"][0]["text"].as_str().unwrap();
    assert!(
        words.contains("zoom_not_found") && words.contains("3001"),
        "{words}"
    );
    let wrong = call(
        site,
        None,
        "meeting.create",
        json!({"topic": "x", "start": "yesterday"}),
    )
    .await;
    let words = wrong["content"][0]["text"].as_str().unwrap();
    assert!(
        wrong["isError"] == true && words.contains("- start:"),
        "{words}"
    );
    let params = json!({"name": "meeting.explode", "arguments": {}});
    let unknown = said(&modern(site, None, "tools/call", params).await);
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn outputs_are_as_their_schemas_say() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (instance, _) = meeting(site, "simulator", "Zanzibar").await;
    let tools = said(&modern(site, None, "tools/list", json!({})).await.is(200))["result"].clone();
    for (name, input) in [
        ("user.list", json!({"limit": 3})),
        ("search", json!({"query": "zanzibar"})),
        ("transcript.get", json!({"meeting": instance.to_string()})),
    ] {
        let tool = tools["tools"]
            .as_array()
            .unwrap()
            .iter()
            .find(|tool| tool["name"] == name)
            .unwrap();
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["inputSchema"]["type"], "object");
        let result = call(site, None, name, input).await;
        let output = &result["structuredContent"];
        let faults: Vec<String> = jsonschema::validator_for(&tool["outputSchema"])
            .unwrap()
            .iter_errors(output)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?} in {output}");
    }
}
