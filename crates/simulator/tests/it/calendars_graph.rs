//! Microsoft Graph's calendar double, as Graph's reference has it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::kit::{Got, Sim, read, start};

const INGRID: &str = "ingrid@brightwater.example";
const TOBIAS: &str = "tobias@brightwater.example";

struct Graph {
    sim: Sim,
    token: String,
}

impl Graph {
    async fn start() -> Self {
        let sim = start().await;
        let token = app_token(&sim, "brightwater.example").await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { sim, token }
    }

    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/graph/v1.0/users/{INGRID}{path}");
        self.sim
            .http
            .request(method, self.sim.url(&path))
            .bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Got {
        read(self.at(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Got {
        read(self.at(method, path).json(body)).await
    }
}

async fn app_token(sim: &Sim, tenant: &str) -> Got {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "simulator"),
        ("client_secret", "simulator"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let url = sim.url(&format!("/graph/{tenant}/oauth2/v2.0/token"));
    read(sim.http.post(url).form(&form)).await
}

fn code(got: &Got) -> (u16, String) {
    let code = got.json()["error"]["code"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    (got.status.as_u16(), code)
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn meeting(transaction: &str) -> Value {
    json!({
        "subject": "Budget", "transactionId": transaction,
        "start": { "dateTime": "2026-12-01T09:00:00", "timeZone": "W. Europe Standard Time" },
        "end": { "dateTime": "2026-12-01T09:30:00", "timeZone": "Europe/Berlin" },
        "attendees": [{ "type": "required", "emailAddress": { "address": TOBIAS } }],
    })
}

#[tokio::test]
async fn a_transaction_makes_one_event() {
    let graph = Graph::start().await;
    let made = graph.send(Method::POST, "/events", &meeting("t1")).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(
        made["start"],
        json!({ "dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC" })
    );
    let again = graph
        .send(Method::POST, "/events", &meeting("t1"))
        .await
        .json();
    assert_eq!(again["id"], made["id"]);
    let other = graph
        .send(Method::POST, "/events", &meeting("t2"))
        .await
        .json();
    assert_ne!(other["id"], made["id"]);
    let mail = graph.sim.sim("/calendars").await["mail"].clone();
    assert_eq!(
        mail.as_array().unwrap().len(),
        2,
        "guests are mailed by Graph, once each"
    );
    let path = format!("/events/{}", made["id"].as_str().unwrap());
    let stale = read(
        graph
            .at(Method::PATCH, &path)
            .header("if-match", "W/\"K0\"")
            .json(&json!({ "subject": "x" })),
    )
    .await;
    assert_eq!(code(&stale), refused(412, "ErrorIrresolvableConflict"));
    assert_eq!(read(graph.at(Method::DELETE, &path)).await.status, 204);
    assert_eq!(
        code(&read(graph.at(Method::DELETE, &path)).await),
        refused(404, "ErrorItemNotFound")
    );
}

#[tokio::test]
async fn delta_tells_changes_and_removals_until_its_link_is_too_old() {
    let graph = Graph::start().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let made = graph
            .send(Method::POST, "/events", &meeting(&format!("t{n}")))
            .await
            .json();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let first =
        "/calendarView/delta?startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z";
    let page = read(
        graph
            .at(Method::GET, first)
            .header("prefer", "odata.maxpagesize=2"),
    )
    .await
    .json();
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    let follow = |link: &Value| {
        graph
            .sim
            .http
            .get(link.as_str().unwrap())
            .bearer_auth(&graph.token)
    };
    let last = read(follow(&page["@odata.nextLink"]).header("prefer", "odata.maxpagesize=2"))
        .await
        .json();
    assert_eq!(last["value"].as_array().unwrap().len(), 1);
    let link = last["@odata.deltaLink"].clone();
    assert_eq!(read(follow(&link)).await.json()["value"], json!([]));
    read(graph.at(Method::DELETE, &format!("/events/{}", ids[1]))).await;
    let changed = read(follow(&link)).await.json();
    assert_eq!(
        changed["value"],
        json!([{ "id": ids[1], "@removed": { "reason": "deleted" } }])
    );
    graph.sim.sim_post("/calendars", json!("expire_sync")).await;
    assert_eq!(
        code(&read(follow(&link)).await),
        refused(410, "SyncStateNotFound")
    );
}

#[tokio::test]
async fn a_series_has_occurrences_that_can_differ() {
    let graph = Graph::start().await;
    let mut body = meeting("series");
    body["recurrence"] = json!({
        "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday" },
        "range": { "type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 3 },
    });
    let made = graph.send(Method::POST, "/events", &body).await.json();
    let path = format!(
        "/events/{}/instances?startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-02-01T00:00:00Z",
        made["id"].as_str().unwrap()
    );
    let list = graph.get(&path).await.json()["value"].clone();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let own = |n: usize| format!("/events/{}", list[n]["id"].as_str().unwrap());
    let moved = json!({
        "start": { "dateTime": "2026-12-08T11:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2026-12-08T12:00:00", "timeZone": "UTC" },
    });
    assert_eq!(
        graph.send(Method::PATCH, &own(1), &moved).await.json()["type"],
        "exception"
    );
    assert_eq!(read(graph.at(Method::DELETE, &own(2))).await.status, 204);
    let left = graph.get(&path).await.json()["value"].clone();
    let starts: Vec<&str> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["start"]["dateTime"].as_str().unwrap())
        .collect();
    assert_eq!(
        starts,
        ["2026-12-01T08:00:00.0000000", "2026-12-08T11:00:00.0000000"]
    );
    body["transactionId"] = json!("wrong");
    body["recurrence"]["range"]["startDate"] = json!("2026-12-02");
    assert_eq!(graph.send(Method::POST, "/events", &body).await.status, 400);
}

#[tokio::test]
async fn schedules_tell_errors_apart_from_free_time() {
    let graph = Graph::start().await;
    graph.send(Method::POST, "/events", &meeting("t1")).await;
    let body = json!({
        "schedules": [INGRID, TOBIAS, "stranger@example.com"], "availabilityViewInterval": 30,
        "startTime": { "dateTime": "2026-12-01T00:00:00", "timeZone": "UTC" },
        "endTime": { "dateTime": "2026-12-02T00:00:00", "timeZone": "UTC" },
    });
    let told = graph
        .send(Method::POST, "/calendar/getSchedule", &body)
        .await
        .json()["value"]
        .clone();
    assert_eq!(told[0]["scheduleItems"][0]["status"], "busy");
    assert_eq!(told[1]["scheduleItems"][0]["status"], "tentative");
    assert_eq!(
        told[2]["error"]["responseCode"],
        "ErrorMailRecipientNotFound"
    );
}

#[tokio::test]
async fn tokens_and_limits() {
    let graph = Graph::start().await;
    assert_eq!(app_token(&graph.sim, "common").await.status, 400);
    graph
        .sim
        .sim_post("/calendars", json!({ "per_minute": 1 }))
        .await;
    assert_eq!(graph.get("/events").await.status, 200);
    let much = graph.get("/events").await;
    assert_eq!(code(&much), refused(429, "TooManyRequests"));
    assert_eq!(much.header("retry-after"), Some("60"));
    graph
        .sim
        .sim_post("/calendars", json!("expire_tokens"))
        .await;
    assert_eq!(
        code(&graph.get("/events").await),
        refused(401, "InvalidAuthenticationToken")
    );
}
