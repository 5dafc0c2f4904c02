//! Actions over HTTP, and who may ask: a simulated account behind, keys and sessions in front.

use futures_util::StreamExt as _;
use parfocal_engine::config::{Auth, Plan};
use parfocal_engine::keys::{Caller, NewKey, Role, Surface};
use parfocal_engine::store::NewDomainEvent;
use parfocal_simulator::Simulator;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Answer, Site};

struct Stage {
    simulator: Simulator,
    site: Site,
    host: String,
}

impl Stage {
    async fn new() -> Self {
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
        })
        .await;
        site.app.connections().check("env").await.unwrap();
        let users = run(&site, "user.list", json!({"limit": 3}), &[])
            .await
            .is(200)
            .json();
        let host = users["output"]["items"][0]["email"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            simulator,
            site,
            host,
        }
    }

    fn meeting(&self, topic: &str) -> Value {
        json!({"host": self.host, "topic": topic, "start": "2030-01-07T09:00:00Z", "duration_minutes": 30})
    }
}

async fn run(site: &Site, name: &str, input: Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = site
        .client
        .post(format!("{}/v1/actions/{name}", site.url))
        .json(&input);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn get_with(site: &Site, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = site.client.get(format!("{}{path}", site.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn key(site: &Site, name: &str, role: Role) -> String {
    let new = NewKey {
        name: name.into(),
        role,
        connections: Vec::new(),
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

#[tokio::test]
async fn an_action_is_run_planned_repeated_and_refused() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let input = stage.meeting("Over HTTP");
    let planned = run(site, "meeting.create?dry_run=true", input.clone(), &[])
        .await
        .is(200)
        .json();
    assert_eq!(
        (
            planned["dry_run"].as_bool(),
            planned["requests"][0]["method"].as_str()
        ),
        (Some(true), Some("POST"))
    );
    assert_eq!(planned["requests"][0]["raw"]["topic"], "Over HTTP");

    let first = run(
        site,
        "meeting.create",
        input.clone(),
        &[("idempotency-key", "one")],
    )
    .await
    .is(200);
    let made = first.json();
    assert!(
        made["output"]["number"].is_string() && made["zoom"][0]["tracking_id"].is_string(),
        "{made}"
    );
    let again = run(site, "meeting.create", input, &[("idempotency-key", "one")])
        .await
        .is(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json()["output"], made["output"]);
    let other = run(
        site,
        "meeting.create",
        stage.meeting("Else"),
        &[("idempotency-key", "one")],
    )
    .await
    .is(422);
    other.problem("idempotency_key_reused");

    let wrong = run(
        site,
        "meeting.create",
        json!({"topic": "x", "start": "yesterday", "duration_minutes": 0}),
        &[],
    )
    .await
    .is(400);
    let problem = wrong.problem("invalid_input");
    let fault = &problem["errors"][0];
    assert_eq!(
        (fault["field"].as_str(), fault["value"].as_str()),
        (Some("duration_minutes"), Some("0"))
    );
    assert!(fault["mend"].as_str().unwrap().contains('1'), "{problem}");
    let unknown = run(site, "meeting.get", json!({"meeting": "99999999999"}), &[])
        .await
        .is(404)
        .problem("zoom_not_found");
    assert_eq!(
        (
            unknown["zoom"]["status"].as_u64(),
            unknown["zoom"]["code"].as_i64()
        ),
        (Some(404), Some(3001))
    );
    assert!(unknown["zoom"]["tracking_id"].is_string() && unknown["hint"].is_string());
    run(site, "meeting.explode", json!({}), &[])
        .await
        .is(404)
        .problem("not_found");
    run(site, "search", json!([]), &[])
        .await
        .is(400)
        .problem("invalid_input");
    let raw = site
        .client
        .post(format!("{}/v1/actions/search", site.url))
        .body("{nonsense");
    Answer::of(raw.send().await.unwrap())
        .await
        .is(400)
        .problem("invalid_input");
    drop(stage.simulator);
}

#[tokio::test]
async fn the_description_lists_what_there_is() {
    let site = Site::start().await;
    let actions = site.get("/v1/actions").await.is(200).json();
    let names: Vec<&str> = actions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"meeting.create") && names.is_sorted(),
        "{names:?}"
    );
    let one = site.get("/v1/actions/meeting.create").await.is(200).json();
    assert_eq!(one["input_schema"]["required"], json!(["topic", "start"]));
    assert_eq!(
        (one["destructive"].as_bool(), one["role"].as_str()),
        (Some(false), Some("operate"))
    );
    let manifest = site.get("/v1/manifest").await.is(200).json();
    assert_eq!(manifest["actions"].as_array().unwrap().len(), names.len());
    let document = site.get("/v1/openapi.json").await.is(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    for name in names {
        assert!(
            document["paths"][format!("/v1/actions/{name}")]["post"].is_object(),
            "{name}"
        );
    }
    let page = site.page("/v1/docs").await.is(200);
    assert!(
        page.text.contains("/v1/docs/explorer.js") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    site.get("/v1/docs/explorer.js").await.is(200);
}

#[tokio::test]
async fn keys_open_what_their_role_allows() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (reader, operator) = (
        key(site, "reader", Role::Read).await,
        key(site, "operator", Role::Operate).await,
    );
    let bearer = |key: &str| format!("Bearer {key}");
    let (reader, operator) = (bearer(&reader), bearer(&operator));
    let outside = ("host", "parfocal.example.org");
    get_with(site, "/v1/meetings", &[outside])
        .await
        .is(421)
        .problem("not_local");
    get_with(site, "/v1/meetings", &[outside, ("authorization", &reader)])
        .await
        .is(200);
    let wrong = get_with(
        site,
        "/v1/meetings",
        &[("authorization", "Bearer pf_000000000000_no")],
    )
    .await
    .is(401);
    assert!(wrong.header("www-authenticate").starts_with("Bearer"));
    wrong.problem("unauthenticated");
    get_with(site, "/v1/meetings", &[("authorization", "Basic eDp5")])
        .await
        .is(401);
    run(
        site,
        "meeting.create",
        stage.meeting("No"),
        &[("authorization", &reader)],
    )
    .await
    .is(403)
    .problem("forbidden");
    run(
        site,
        "meeting.create",
        stage.meeting("Yes"),
        &[("authorization", &operator)],
    )
    .await
    .is(200);
    get_with(site, "/v1/keys", &[("authorization", &operator)])
        .await
        .is(403);
    let new = NewKey {
        name: "bounded".into(),
        role: Role::Read,
        connections: vec!["env".into()],
        expires: None,
    };
    let made = site
        .app
        .keys()
        .create(&new, &Caller::local(Surface::Cli))
        .await
        .unwrap();
    let bounded = bearer(made.secret.expose_secret());
    get_with(site, "/v1/meetings", &[("authorization", &bounded)])
        .await
        .is(200);
    get_with(site, "/v1/jobs", &[("authorization", &bounded)])
        .await
        .is(403)
        .problem("forbidden");
    get_with(site, "/jobs", &[("authorization", &bounded)])
        .await
        .is(403);
    run(
        site,
        "user.list",
        json!({"limit": 2}),
        &[("authorization", &bounded)],
    )
    .await
    .is(200);
    // One caller's idempotency keys are not another's.
    let input = stage.meeting("Each");
    let mine = run(
        site,
        "meeting.create",
        input.clone(),
        &[("authorization", &operator), ("idempotency-key", "k")],
    )
    .await
    .is(200)
    .json();
    let theirs = run(site, "meeting.create", input, &[("idempotency-key", "k")])
        .await
        .is(200)
        .json();
    assert_ne!(mine["output"]["number"], theirs["output"]["number"]);

    let made = site
        .client
        .post(format!("{}/v1/keys", site.url))
        .json(&json!({"name": "new", "role": "read"}));
    let made = Answer::of(made.send().await.unwrap()).await.is(201).json();
    let fresh = bearer(made["key"].as_str().unwrap());
    get_with(site, "/v1/status", &[("authorization", &fresh)])
        .await
        .is(200);
    let ended = site.client.delete(format!("{}/v1/keys/new", site.url));
    Answer::of(ended.send().await.unwrap()).await.is(200);
    get_with(site, "/v1/status", &[("authorization", &fresh)])
        .await
        .is(401);
    let listed = site.get("/v1/keys").await.is(200).json();
    assert!(!listed.to_string().contains(made["key"].as_str().unwrap()));
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn with_keys_demanded_nobody_comes_in_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = parfocal_engine::config::Config::default();
    config.data.dir = directory.path().to_owned();
    config.server.listen = "0.0.0.0:0".parse().unwrap();
    config.server.auth = Auth::Keys;
    let app = parfocal_engine::App::open(config).await.unwrap();
    let error = parfocal_server::Server::bind(app.clone(), None)
        .await
        .unwrap_err();
    assert!(error.hint().contains("keys create"), "{error}");
    let new = NewKey {
        name: "boss".into(),
        role: Role::Admin,
        connections: Vec::new(),
        expires: None,
    };
    let made = app
        .keys()
        .create(&new, &Caller::local(Surface::Cli))
        .await
        .unwrap();
    let secret = made.secret.expose_secret().to_owned();
    let server = parfocal_server::Server::bind(app.clone(), None)
        .await
        .unwrap();
    let url = format!("http://127.0.0.1:{}", server.address().port());
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { server.run(stop).await.unwrap() }
    });
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let get = |path: &str| client.get(format!("{url}{path}"));
    let status = |request: reqwest::RequestBuilder| async move {
        request.send().await.unwrap().status().as_u16()
    };
    for path in ["/", "/v1/meetings", "/metrics", "/jobs", "/nowhere"] {
        assert_eq!(status(get(path)).await, 401, "{path}");
    }
    for path in ["/healthz", "/readyz", "/login"] {
        assert_eq!(status(get(path)).await, 200, "{path}");
    }
    let page = get("/jobs")
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            page.status().as_u16(),
            page.headers()["location"].to_str().unwrap()
        ),
        (303, "/login?to=%2Fjobs")
    );
    assert_eq!(status(get("/v1/meetings").bearer_auth(&secret)).await, 200);
    let wrong = client
        .post(format!("{url}/login"))
        .form(&[("key", "pf_000000000000_no")]);
    assert_eq!(status(wrong).await, 401);
    // Nobody fills the log by trying: one entry a minute tells of them.
    let wrong = client.post(format!("{url}/login")).form(&[("key", "no")]);
    assert_eq!(status(wrong).await, 401);
    let entered = client
        .post(format!("{url}/login"))
        .form(&[("key", secret.as_str())])
        .send()
        .await
        .unwrap();
    assert_eq!(entered.status().as_u16(), 303);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.contains(&secret));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(status(get("/jobs").header("cookie", &cookie)).await, 200);
    let left = client
        .post(format!("{url}/logout"))
        .header("cookie", &cookie);
    assert_eq!(status(left).await, 303);
    assert_eq!(status(get("/jobs").header("cookie", &cookie)).await, 401);
    // Who came in, who went and that somebody was refused stands in the chain of the log, without any key.
    let log: Value = get("/v1/audit")
        .bearer_auth(&secret)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let sessions: Vec<_> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"].as_str().unwrap().starts_with("session."))
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            (
                text("action"),
                text("actor"),
                text("surface"),
                text("target"),
            )
        })
        .collect();
    assert_eq!(
        sessions,
        [
            ("session.end", "key:boss", "console", "key/boss"),
            ("session.begin", "key:boss", "console", "key/boss"),
            ("session.refused", "nobody", "console", "key"),
        ]
    );
    assert!(!log.to_string().contains(&secret));
    let verified = get("/v1/audit/verify").bearer_auth(&secret).send();
    let verified: Value = verified.await.unwrap().json().await.unwrap();
    assert!(
        verified["broken"].is_null() && verified["entries"].as_u64() > Some(3),
        "{verified}"
    );
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn domain_events_are_told_in_order_and_as_they_happen() {
    let site = Site::start().await;
    site.app.start();
    let tell = |n: u32| {
        let app = site.app.clone();
        async move {
            let mut tx = app.store().begin(app.scope()).await.unwrap();
            let event = NewDomainEvent {
                event_type: "meeting.ended".into(),
                v: 1,
                subject_id: format!("subject-{n}"),
                data: json!({"n": n}),
            };
            tx.append_event(&event, app.clock().now()).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    tell(1).await;
    let stream = site
        .client
        .get(format!(
            "{}/v1/domain-events/stream?after=0&limit=3",
            site.url
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    tell(2).await;
    tell(3).await;
    let mut text = String::new();
    let mut bytes = stream.bytes_stream();
    let read = async {
        while let Some(piece) = bytes.next().await {
            text.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), read)
        .await
        .expect("three events, then the end");
    let at = |n: u32| {
        text.find(&format!("subject-{n}"))
            .unwrap_or_else(|| panic!("{n} in {text}"))
    };
    assert!(
        at(1) < at(2) && at(2) < at(3) && text.contains("event: meeting.ended"),
        "{text}"
    );
    let listed = site.get("/v1/domain-events?limit=2").await.is(200).json();
    assert_eq!(listed["items"][1]["raw"]["n"], 2);
    let rest = site
        .get(&format!(
            "/v1/domain-events?after={}",
            listed["next"].as_str().unwrap()
        ))
        .await
        .is(200)
        .json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    site.get("/v1/domain-events?after=x").await.is(400);
    for (types, many) in [
        ("meeting.*", 3),
        ("meeting.ended", 3),
        ("transcript.*", 0),
        ("user.x,meeting.ended", 3),
    ] {
        let some = site
            .get(&format!("/v1/domain-events?type={types}"))
            .await
            .is(200)
            .json();
        assert_eq!(some["items"].as_array().unwrap().len(), many, "{types}");
    }
    let wrong = site.get("/v1/domain-events?type=Meeting").await.is(400);
    assert_eq!(wrong.problem("query")["errors"][0]["field"], "type");
    // A stream of some types passes the others over.
    let mut tx = site.app.store().begin(site.app.scope()).await.unwrap();
    let other = NewDomainEvent {
        event_type: "recording.stored".into(),
        v: 1,
        subject_id: "rec".into(),
        data: json!({}),
    };
    tx.append_event(&other, site.app.clock().now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let path = "/v1/domain-events/stream?after=0&limit=1&type=recording.*";
    let told = tokio::time::timeout(std::time::Duration::from_secs(20), site.get(path)).await;
    let told = told.expect("one event, then the end").is(200).text;
    assert!(
        told.contains("recording.stored") && !told.contains("meeting.ended"),
        "{told}"
    );
}
