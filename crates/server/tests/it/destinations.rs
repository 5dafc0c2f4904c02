//! Destinations, deliveries and people, as pages and under `/v1`: what is off, what is empty, what is refused, what comes from outside.

use std::time::Duration;

use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{DeliveryFilter, NewDelivery, PageRequest};
use serde_json::{Value, json};

use crate::support::{Answer, Site};

const SCRIPT: &str = "<script>alert(1)</script>";

async fn site() -> Site {
    let site = Site::start().await;
    site.app
        .components()
        .activate(
            "activation",
            &Activation::default(),
            &Caller::local(Surface::Cli),
        )
        .await
        .unwrap();
    site
}

async fn post(site: &Site, path: &str, body: &Value) -> Answer {
    let request = site.client.post(format!("{}{path}", site.url)).json(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn form(site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request = site.client.post(format!("{}{path}", site.url)).form(fields);
    Answer::of(request.send().await.unwrap()).await
}

/// An endpoint in the network of this machine where nobody answers.
async fn hook(site: &Site) {
    let new = json!({
        "name": "hook", "kind": "webhook",
        "config": {"url": "http://127.0.0.1:9/x", "private_networks": true, "types": ["nothing.*"]},
    });
    let added = post(site, "/v1/destinations", &new).await.is(201).json();
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
}

/// A delivery whose every text is markup, switched off so that nobody sends it.
async fn hostile(site: &Site) -> String {
    post(site, "/v1/destinations/hook/disable", &json!({}))
        .await
        .is(200);
    let app = &site.app;
    let row = app.destinations().get("hook").await.unwrap();
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let new = NewDelivery {
        record_key: format!("event/{SCRIPT}"),
        kind: "webhook".into(),
        lane: SCRIPT.into(),
        rank: 0,
        ord: 0,
        person: None,
        subject: Some(SCRIPT.into()),
        body: json!({"text": SCRIPT}),
        content_hash: "1".into(),
        rule: Some(json!({"name": SCRIPT, "line": 3})),
        again: true,
        backfill: false,
    };
    tx.queue_delivery(row.id, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    let page = app
        .store()
        .deliveries(
            app.scope(),
            &DeliveryFilter::default(),
            &PageRequest::first(1),
        )
        .await
        .unwrap();
    page.items[0].id.to_string()
}

#[tokio::test]
async fn pages_are_there_with_their_component_and_say_what_to_do_when_empty() {
    let site = Site::start().await;
    for path in ["/destinations", "/deliveries", "/people"] {
        let off = site.page(path).await.is(404);
        assert!(off.text.contains("component activate activation"), "{path}");
    }
    assert!(!site.page("/").await.text.contains(">Destinations</a>"));
    let site = self::site().await;
    for (path, says) in [
        ("/", ">Destinations</a>"),
        ("/destinations", "parfocal destination add webhook"),
        ("/deliveries", "Nothing is carried anywhere"),
        ("/people", "Nobody was asked about yet"),
        ("/people?find=x%40y.example", "x@y.example"),
    ] {
        let page = site.page(path).await.is(200);
        assert!(page.text.contains(says), "{path}: {}", page.text);
    }
    for path in [
        "/destinations/nobody",
        "/destinations/nobody/preview",
        "/deliveries/nobody",
        "/deliveries?destination=nobody",
        "/people/nobody",
    ] {
        site.page(path).await.is(404);
    }
}

#[tokio::test]
async fn a_destination_is_switched_filled_and_paused_on_its_page_and_its_deliveries_stay_text() {
    let site = site().await;
    hook(&site).await;
    let id = hostile(&site).await;
    for path in [
        "/destinations".to_owned(),
        "/destinations/hook".to_owned(),
        "/deliveries?show=all".to_owned(),
        format!("/deliveries/{id}"),
    ] {
        let page = site.page(&path).await.is(200);
        assert!(!page.text.contains(SCRIPT), "{path}");
        assert!(page.text.contains("hook"), "{path}");
        assert!(!page.text.contains("whsec_"), "{path}");
    }
    let said = form(&site, "/deliveries/drop", &[("id", &id)])
        .await
        .is(200);
    assert!(said.text.contains("1 delivery given up."), "{}", said.text);
    let said = form(&site, "/deliveries/retry", &[("id", &id), ("back", "one")]).await;
    assert!(
        said.is(200)
            .text
            .contains("1 delivery will be sent once more.")
    );
    for (path, fields, says) in [
        ("switch", &[("on", "true")][..], "Switched on"),
        (
            "backfill",
            &[("since", "2026-01-01"), ("only", "meeting.*")],
            "only meeting.*",
        ),
        ("backfill", &[("since", "soon")], "soon is no day"),
        ("test", &[], "It does not work."),
    ] {
        let page = form(&site, &format!("/destinations/hook/{path}"), fields).await;
        let page = page.is(200);
        assert!(page.text.contains(says), "{path}: {}", page.text);
    }
    let streams = site.get("/v1/destinations/hook").await.is(200).json();
    let live = streams["streams"][0]["id"].as_str().unwrap();
    let fields = [("id", live), ("paused", "true")];
    let page = form(&site, "/destinations/hook/stream", &fields)
        .await
        .is(200);
    assert!(page.text.contains("Paused") && page.text.contains("Go on"));
    // Nothing keeps its messages as a mapping would.
    site.page("/destinations/hook/preview").await.is(404);
}

#[tokio::test]
async fn the_api_refuses_with_problems_and_hands_out_schemas() {
    let site = site().await;
    hook(&site).await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (path, body, status, code) in [
        (
            "/v1/destinations/nobody/preview".to_owned(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "/v1/destinations/hook/preview".to_owned(),
            json!({}),
            400,
            "invalid_input",
        ),
        (
            "/v1/destinations/hook/preview".to_owned(),
            json!({"mapping": "version: 2"}),
            400,
            "invalid_input",
        ),
        (
            format!("/v1/people/{nobody}/split"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "/v1/streams/x/pause".to_owned(),
            json!({}),
            404,
            "not_found",
        ),
        (
            format!("/v1/deliveries/{nobody}/retry"),
            json!({}),
            404,
            "not_found",
        ),
    ] {
        post(&site, &path, &body).await.is(status).problem(code);
    }
    for path in [
        "/v1/people/nobody/why",
        "/v1/deliveries?person=nobody@example.com",
        "/v1/event-types/nothing.happened",
    ] {
        site.get(path).await.is(404).problem("not_found");
    }
    assert_eq!(
        site.get("/v1/people").await.is(200).json()["items"],
        json!([])
    );
    let kinds = site.get("/v1/event-types").await.is(200).json();
    let kinds = kinds["items"].as_array().unwrap();
    assert!(kinds.len() > 30);
    for kind in kinds {
        let one = format!("/v1/event-types/{}", kind["type"].as_str().unwrap());
        let one = site.get(&one).await.is(200).json();
        assert_eq!(&one, kind);
        assert_eq!(one["schema"]["properties"]["type"]["const"], kind["type"]);
    }
}

#[tokio::test]
async fn a_test_event_is_a_message_as_its_schema_says() {
    let site = site().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let (to, mut got) = tokio::sync::mpsc::channel::<Value>(1);
    let receiver = axum::Router::new().route(
        "/x",
        axum::routing::post(async move |axum::Json(body): axum::Json<Value>| {
            to.send(body).await.unwrap();
        }),
    );
    let task = tokio::spawn(async move { axum::serve(listener, receiver).await.unwrap() });
    let new = json!({"name": "hook", "kind": "webhook", "config": {"url": url, "private_networks": true}});
    post(&site, "/v1/destinations", &new).await.is(201);
    let checked = post(&site, "/v1/destinations/hook/test", &json!({})).await;
    assert_eq!(checked.is(200).json()["ok"], true);
    let message = tokio::time::timeout(Duration::from_mins(1), got.recv())
        .await
        .unwrap()
        .unwrap();
    let schema = site.get("/v1/event-types/parfocal.test").await.json();
    let validator = jsonschema::validator_for(&schema["schema"]).unwrap();
    assert!(validator.is_valid(&message), "{message}");
    task.abort();
}
