//! Brevo's double, as Brevo's reference has it.

use parfocal_simulator::{Config, Limits};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{self, Got, Sim, read, start, start_with};

struct Brevo {
    sim: Sim,
}

impl Brevo {
    async fn start() -> Self {
        Self { sim: start().await }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Got {
        let url = self.sim.url(&format!("/brevo/v3{path}"));
        let mut request = self.sim.http.request(method, url);
        request = request.header("api-key", "xkeysib-simulator");
        if !body.is_null() {
            request = request.json(body);
        }
        read(request).await
    }

    async fn get(&self, path: &str) -> Got {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Got {
        self.call(Method::POST, path, &body).await
    }

    async fn order(&self, order: Value) -> Value {
        let got = read(self.sim.http.post(self.sim.url("/_sim/brevo")).json(&order)).await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    async fn look(&self) -> Value {
        read(self.sim.http.get(self.sim.url("/_sim/brevo")))
            .await
            .json()
    }

    async fn ahead(&self, seconds: u64) {
        let body = json!({ "advance_ms": seconds * 1000 });
        let url = self.sim.url("/_sim/clock");
        let got = read(self.sim.http.post(url).json(&body)).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
}

fn refusal(got: &Got) -> (u16, String) {
    let code = got.json()["code"].as_str().unwrap_or("").to_owned();
    (got.status.as_u16(), code)
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_contact_is_made_once_and_updated_only_when_allowed() {
    let brevo = Brevo::start().await;
    let body =
        json!({ "email": "Ada@Example.com", "attributes": { "FIRSTNAME": "Ada" }, "ext_id": "p1" });
    let made = brevo.post("/contacts", body.clone()).await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_u64().unwrap();
    let again = brevo.post("/contacts", body.clone()).await;
    assert_eq!(refusal(&again), refused(400, "duplicate_parameter"));
    assert_eq!(
        again.json()["metadata"]["duplicate_identifiers"],
        json!(["email"])
    );
    let mut allowed = body;
    allowed["updateEnabled"] = json!(true);
    assert_eq!(brevo.post("/contacts", allowed).await.status, 204);
    let shown = brevo
        .get("/contacts/ada%40example.com?identifierType=email_id")
        .await
        .json();
    assert_eq!(shown["id"], id);
    assert_eq!(shown["email"], "ada@example.com");
    assert_eq!(shown["attributes"]["EXT_ID"], "p1");
    let foreign = json!({ "email": "other@example.com", "ext_id": "p1", "updateEnabled": true });
    let foreign = brevo.post("/contacts", foreign).await;
    assert_eq!(
        foreign.json()["metadata"]["duplicate_identifiers"],
        json!(["ext_id"])
    );
    let moved = json!({ "attributes": { "EMAIL": "ada@elsewhere.example" } });
    let moved = brevo
        .call(Method::PUT, "/contacts/p1?identifierType=ext_id", &moved)
        .await;
    assert_eq!(moved.status, 204);
    assert_eq!(
        refusal(&brevo.get("/contacts/ada%40example.com").await),
        refused(404, "document_not_found")
    );
    let gone = brevo
        .call(Method::DELETE, &format!("/contacts/{id}"), &Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(brevo.look().await["counts"]["contacts"], 0);
}

#[tokio::test]
async fn values_of_a_wrong_type_vanish_and_unknown_attributes_are_refused() {
    let brevo = Brevo::start().await;
    for (name, kind) in [("SEEN", "date"), ("COUNT", "float"), ("IN", "boolean")] {
        let path = format!("/contacts/attributes/normal/{name}");
        assert_eq!(brevo.post(&path, json!({ "type": kind })).await.status, 201);
        let again = brevo.post(&path, json!({ "type": kind })).await;
        assert_eq!(refusal(&again), refused(400, "invalid_parameter"));
    }
    let choice = json!({ "enumeration": [{ "value": 1, "label": "internal" }] });
    let made = brevo.post("/contacts/attributes/category/USER_TYPE", choice);
    assert_eq!(made.await.status, 201);
    let body = json!({ "email": "ada@example.com", "attributes": {
        "SEEN": "2026-11-20T12:00:00Z", "COUNT": "many", "IN": true, "USER_TYPE": "internal" } });
    assert_eq!(brevo.post("/contacts", body).await.status, 201);
    let seen = brevo.look().await;
    assert_eq!(
        seen["contacts"][0]["attributes"],
        json!({ "IN": true, "USER_TYPE": 1 })
    );
    assert_eq!(seen["dropped"].as_array().unwrap().len(), 2);
    let unknown = json!({ "email": "b@example.com", "attributes": { "NO_SUCH": 1 } });
    assert_eq!(
        refusal(&brevo.post("/contacts", unknown).await),
        refused(400, "invalid_parameter")
    );
}

#[tokio::test]
async fn an_import_is_carried_out_later_and_makes_each_contact_and_membership_once() {
    let brevo = Brevo::start().await;
    let folder = brevo
        .post("/contacts/folders", json!({ "name": "Zoom" }))
        .await;
    let folder = folder.json()["id"].as_u64().unwrap();
    let list = json!({ "name": "Came", "folderId": folder });
    let list = brevo.post("/contacts/lists", list).await.json()["id"].clone();
    let rows: Vec<Value> = (0..200)
        .map(|n| json!({ "email": format!("p{n}@example.com"), "attributes": { "EXT_ID": format!("p{n}") } }))
        .chain([json!({ "email": "nobody" })])
        .collect();
    let body = json!({ "jsonBody": rows, "listIds": [list] });
    let mut processes = Vec::new();
    for _ in 0..2 {
        let started = brevo.post("/contacts/import", body.clone()).await;
        assert_eq!(started.status, 202);
        processes.push(started.json()["processId"].clone());
    }
    let shown = brevo.get(&format!("/processes/{}", processes[0])).await;
    assert_eq!(shown.json()["status"], "in_process");
    assert_eq!(brevo.look().await["counts"]["contacts"], 0);
    brevo.ahead(5).await;
    let shown = brevo
        .get(&format!("/processes/{}", processes[0]))
        .await
        .json();
    assert_eq!(shown["status"], "completed");
    assert!(shown["info"]["import"]["invalid_emails"].is_string());
    let counts = brevo.look().await["counts"].clone();
    assert_eq!(
        (&counts["contacts"], &counts["joined"]),
        (&json!(200), &json!(200))
    );
    let again = json!({ "emails": ["p1@example.com"] });
    let path = format!("/contacts/lists/{list}/contacts/add");
    assert_eq!(
        refusal(&brevo.post(&path, again).await),
        refused(400, "invalid_parameter")
    );
}

#[tokio::test]
async fn events_are_counted_as_often_as_they_come_and_a_batch_may_be_taken_in_part() {
    let brevo = Brevo::start().await;
    let event = json!({ "event_name": "zoom_attended", "identifiers": { "email_id": "ada@example.com" },
        "event_properties": { "event_id": "1" } });
    for _ in 0..2 {
        assert_eq!(brevo.post("/events", event.clone()).await.status, 204);
    }
    let seen = brevo.look().await;
    assert_eq!(seen["counts"]["events"], 2);
    assert_eq!(seen["contacts"][0]["made_by"], "event");
    let bad =
        json!({ "event_name": "with blank", "identifiers": { "email_id": "ada@example.com" } });
    let part = brevo
        .post("/events/batch", json!({ "events": [event, bad] }))
        .await;
    assert_eq!(part.status, 207);
    assert_eq!(part.json()["errors"][0]["eventIndex"], json!([1]));
    let found = brevo.get("/events?event_name=zoom_attended&limit=10").await;
    assert_eq!(found.json()["count"], 3);
}

#[tokio::test]
async fn mail_is_sent_once_for_a_key_and_not_without_credits() {
    let brevo = Brevo::start().await;
    let mail = |key: &str| {
        json!({ "templateId": 1, "to": [{ "email": "ada@example.com" }],
            "params": { "topic": "Budget" }, "headers": { "idempotencyKey": key } })
    };
    assert_eq!(brevo.post("/smtp/email", mail("a")).await.status, 201);
    assert_eq!(
        refusal(&brevo.post("/smtp/email", mail("a")).await),
        refused(400, "duplicate_request")
    );
    brevo.ahead(31 * 60).await;
    assert_eq!(brevo.post("/smtp/email", mail("a")).await.status, 201);
    brevo.order(json!({ "credits": 0 })).await;
    assert_eq!(
        refusal(&brevo.post("/smtp/email", mail("b")).await),
        refused(402, "not_enough_credits")
    );
    assert_eq!(brevo.look().await["counts"]["mails"], 2);
}

#[tokio::test]
async fn limits_say_how_long_to_wait_and_never_by_retry_after() {
    let sim = start_with(Config {
        limits: Limits::OfPlan,
        ..kit::config()
    })
    .await;
    let brevo = Brevo { sim };
    for left in (0..10).rev() {
        let got = brevo.get("/contacts?limit=1").await;
        assert_eq!(got.status, 200);
        assert_eq!(
            got.header("x-sib-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
    }
    let got = brevo.get("/contacts?limit=1").await;
    assert_eq!(got.status, 429);
    assert_eq!(got.header("x-sib-ratelimit-reset"), Some("1"));
    assert_eq!(got.header("retry-after"), None);
    // Another class has a budget of its own, and the first one comes back.
    assert_eq!(brevo.get("/events").await.status, 200);
    brevo.ahead(1).await;
    assert_eq!(brevo.get("/contacts?limit=1").await.status, 200);
    for _ in 0..100 {
        assert_eq!(brevo.get("/account").await.status, 200);
    }
    let got = brevo.get("/account").await;
    assert_eq!(got.status, 429);
    assert_eq!(got.header("x-sib-ratelimit-reset"), Some("3600"));
    assert_eq!(brevo.look().await["calls"]["contacts"]["refused"], 1);
}

#[tokio::test]
async fn unsubscribing_stays_until_a_call_says_otherwise_and_that_is_kept() {
    let brevo = Brevo::start().await;
    let body = json!({ "email": "ada@example.com" });
    brevo.post("/contacts", body).await;
    brevo
        .order(json!({ "unsubscribe": "ada@example.com" }))
        .await;
    let update = json!({ "email": "ada@example.com", "updateEnabled": true, "attributes": { "FIRSTNAME": "Ada" } });
    assert_eq!(brevo.post("/contacts", update).await.status, 204);
    assert_eq!(brevo.look().await["contacts"][0]["unsubscribed"], true);
    let back = json!({ "emailBlacklisted": false });
    brevo
        .call(Method::PUT, "/contacts/ada%40example.com", &back)
        .await;
    assert_eq!(
        brevo.look().await["resubscribed"],
        json!(["ada@example.com"])
    );
}

#[tokio::test]
async fn a_wrong_key_opens_nothing_and_faults_speak_as_brevo_does() {
    let brevo = Brevo::start().await;
    brevo.order(json!({ "key": "xkeysib-another" })).await;
    assert_eq!(
        refusal(&brevo.get("/account").await),
        refused(401, "unauthorized")
    );
    brevo.order(json!({ "key": "xkeysib-simulator" })).await;
    let fault = json!({ "kind": "rate_limit", "path": "/brevo/", "times": 1 });
    read(
        brevo
            .sim
            .http
            .post(brevo.sim.url("/_sim/faults"))
            .json(&fault),
    )
    .await;
    let got = brevo.get("/account").await;
    assert_eq!(refusal(&got), refused(429, "too_many_requests"));
    assert_eq!(got.header("x-sib-ratelimit-reset"), Some("1"));
}
