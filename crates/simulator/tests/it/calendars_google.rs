//! Google Calendar's double, as Google's reference has it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::kit::{Got, Sim, read, start};

const INGRID: &str = "ingrid@brightwater.example";
const TOBIAS: &str = "tobias@brightwater.example";

struct Google {
    sim: Sim,
    token: String,
}

impl Google {
    async fn start() -> Self {
        let sim = start().await;
        let token = consent(&sim, INGRID).await["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { sim, token }
    }

    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.sim
            .http
            .request(method, self.sim.url(&format!("/google/calendar/v3{path}")))
            .bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Got {
        read(self.at(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Got {
        read(self.at(method, path).json(body)).await
    }

    async fn insert(&self, body: &Value) -> Got {
        self.send(Method::POST, "/calendars/primary/events", body)
            .await
    }
}

/// Code and tokens of a person who agrees.
async fn consent(sim: &Sim, email: &str) -> Value {
    let redirect = "http://127.0.0.1/back";
    let got = read(sim.http.get(sim.url("/google/o/oauth2/v2/auth")).query(&[
        ("client_id", "simulator"),
        ("redirect_uri", redirect),
        ("response_type", "code"),
        ("scope", "https://www.googleapis.com/auth/calendar"),
        ("state", "s"),
        ("sim_consent", "allow"),
        ("sim_user", email),
    ]))
    .await;
    let back = reqwest::Url::parse(got.header("location").unwrap()).unwrap();
    let code = back
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    token(
        sim,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
        ],
    )
    .await
    .json()
}

async fn token(sim: &Sim, form: &[(&str, &str)]) -> Got {
    let mut form = form.to_vec();
    form.extend([("client_id", "simulator"), ("client_secret", "simulator")]);
    read(sim.http.post(sim.url("/google/token")).form(&form)).await
}

fn reason(got: &Got) -> (u16, String) {
    let reason = got.json()["error"]["errors"][0]["reason"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    (got.status.as_u16(), reason)
}

fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

fn meeting(id: &str) -> Value {
    json!({
        "id": id, "summary": "Budget, \"final\"",
        "start": { "dateTime": "2026-12-01T09:00:00", "timeZone": "Europe/Berlin" },
        "end": { "dateTime": "2026-12-01T09:30:00", "timeZone": "Europe/Berlin" },
        "attendees": [{ "email": TOBIAS }],
    })
}

#[tokio::test]
async fn an_id_of_the_clients_is_taken_once() {
    let google = Google::start().await;
    let made = google.insert(&meeting("meet12345")).await.json();
    assert_eq!(made["start"]["dateTime"], "2026-12-01T09:00:00+01:00");
    assert_eq!(made["attendees"][0]["responseStatus"], "needsAction");
    assert_eq!(made["iCalUID"], "meet12345@google.com");
    assert_eq!(
        reason(&google.insert(&meeting("meet12345")).await),
        refused(409, "duplicate")
    );
    assert_eq!(
        reason(&google.insert(&meeting("UPPER")).await),
        refused(400, "invalid")
    );
    // A deleted event keeps its id.
    let path = "/calendars/primary/events/meet12345";
    assert_eq!(read(google.at(Method::DELETE, path)).await.status, 204);
    assert_eq!(
        reason(&read(google.at(Method::DELETE, path)).await),
        refused(410, "deleted")
    );
    assert_eq!(
        reason(&google.insert(&meeting("meet12345")).await),
        refused(409, "duplicate")
    );
    assert_eq!(google.get(path).await.json()["status"], "cancelled");
    let back = google
        .send(Method::PATCH, path, &json!({ "status": "confirmed" }))
        .await
        .json();
    assert_eq!(
        (&back["status"], &back["sequence"]),
        (&json!("confirmed"), &json!(2))
    );
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_arrays_are_replaced() {
    let google = Google::start().await;
    let made = google.insert(&meeting("meet12345")).await.json();
    let path = "/calendars/primary/events/meet12345";
    let respond = json!({ "respond": {
        "system": "google", "calendar": INGRID, "event": "meet12345", "email": TOBIAS, "response": "accepted",
    }});
    google.sim.sim_post("/calendars", respond).await;
    let stale = read(
        google
            .at(Method::PATCH, path)
            .header("if-match", made["etag"].as_str().unwrap())
            .json(&json!({ "summary": "x" })),
    )
    .await;
    assert_eq!(reason(&stale), refused(412, "conditionNotMet"));
    let now = google.get(path).await.json();
    assert_eq!(now["attendees"][0]["responseStatus"], "accepted");
    let other = json!({ "attendees": [{ "email": "a@b.example" }] });
    let changed = google.send(Method::PATCH, path, &other).await.json();
    assert_eq!(
        changed["attendees"].as_array().unwrap().len(),
        1,
        "the list is replaced"
    );
    assert_eq!(changed["summary"], "Budget, \"final\"");
}

#[tokio::test]
async fn a_series_has_instances_that_can_differ() {
    let google = Google::start().await;
    let mut body = meeting("standup1");
    body["start"]["dateTime"] = json!("2026-03-23T09:00:00");
    body["end"]["dateTime"] = json!("2026-03-23T09:30:00");
    body["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=3"]);
    assert_eq!(google.insert(&body).await.status, 200);
    let list = google
        .get("/calendars/primary/events/standup1/instances")
        .await
        .json();
    let ids: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "standup1_20260323T080000Z",
            "standup1_20260330T070000Z",
            "standup1_20260406T070000Z"
        ],
        "nine o'clock in Berlin on both sides of the change to summer time"
    );
    let one = "/calendars/primary/events/standup1_20260330T070000Z";
    let moved = json!({ "start": { "dateTime": "2026-03-30T11:00:00+02:00" }, "end": { "dateTime": "2026-03-30T12:00:00+02:00" } });
    let moved = google.send(Method::PATCH, one, &moved).await.json();
    assert_eq!(
        moved["originalStartTime"]["dateTime"],
        "2026-03-30T09:00:00+02:00"
    );
    read(google.at(
        Method::DELETE,
        "/calendars/primary/events/standup1_20260406T070000Z",
    ))
    .await;
    let view = google
        .get("/calendars/primary/events?singleEvents=true&orderBy=startTime&timeMin=2026-03-25T00:00:00Z")
        .await
        .json();
    let starts: Vec<&Value> = view["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["start"]["dateTime"])
        .collect();
    assert_eq!(starts, ["2026-03-30T11:00:00+02:00"]);
}

#[tokio::test]
async fn a_sync_token_gives_what_changed_until_it_is_too_old() {
    let google = Google::start().await;
    for n in 0..3 {
        assert_eq!(
            google.insert(&meeting(&format!("event{n}"))).await.status,
            200
        );
    }
    let first = google
        .get("/calendars/primary/events?maxResults=2")
        .await
        .json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert!(
        first.get("nextSyncToken").is_none(),
        "only the last page has one"
    );
    let page = first["nextPageToken"].as_str().unwrap();
    let last = google
        .get(&format!(
            "/calendars/primary/events?maxResults=2&pageToken={page}"
        ))
        .await
        .json();
    let sync = last["nextSyncToken"].as_str().unwrap().to_owned();
    read(google.at(Method::DELETE, "/calendars/primary/events/event1")).await;
    let path = format!("/calendars/primary/events?syncToken={sync}");
    let changed = google.get(&path).await.json();
    assert_eq!(changed["items"].as_array().unwrap().len(), 1);
    assert_eq!(changed["items"][0]["status"], "cancelled");
    assert_eq!(
        google
            .get(&format!("{path}&timeMin=2026-01-01T00:00:00Z"))
            .await
            .status,
        400
    );
    google
        .sim
        .sim_post("/calendars", json!("expire_sync"))
        .await;
    assert_eq!(
        reason(&google.get(&path).await),
        refused(410, "fullSyncRequired")
    );
}

#[tokio::test]
async fn free_busy_tells_errors_apart_from_free_time() {
    let google = Google::start().await;
    google.insert(&meeting("taken1")).await;
    google
        .sim
        .sim_post(
            "/calendars",
            json!({ "unreadable": ["lea@brightwater.example"] }),
        )
        .await;
    let body = json!({
        "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z",
        "items": [{ "id": INGRID }, { "id": TOBIAS }, { "id": "stranger@example.com" }, { "id": "lea@brightwater.example" }],
    });
    let told = google.send(Method::POST, "/freeBusy", &body).await.json();
    let hour = json!([{ "start": "2026-12-01T08:00:00Z", "end": "2026-12-01T08:30:00Z" }]);
    assert_eq!(told["calendars"][INGRID]["busy"], hour);
    assert_eq!(
        told["calendars"][TOBIAS]["busy"], hour,
        "guests are busy too"
    );
    assert_eq!(
        told["calendars"]["stranger@example.com"]["errors"][0]["reason"],
        "notFound"
    );
    assert_eq!(
        told["calendars"]["lea@brightwater.example"]["errors"][0]["reason"],
        "notFound"
    );
}

#[tokio::test]
async fn tokens_end_and_quotas_are_spent() {
    let google = Google::start().await;
    let tokens = consent(&google.sim, TOBIAS).await;
    google
        .sim
        .sim_post("/calendars", json!("expire_tokens"))
        .await;
    let path = "/calendars/primary/events";
    assert_eq!(reason(&google.get(path).await), refused(401, "authError"));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let fresh = token(&google.sim, &form).await.json();
    assert!(fresh.get("refresh_token").is_none(), "the old one stays");
    let google = Google {
        token: fresh["access_token"].as_str().unwrap().to_owned(),
        ..google
    };
    google
        .sim
        .sim_post("/calendars", json!({ "per_minute": 1 }))
        .await;
    assert_eq!(google.get(path).await.status, 200);
    assert_eq!(
        reason(&google.get(path).await),
        refused(403, "userRateLimitExceeded")
    );
    google.sim.advance(61).await;
    assert_eq!(google.get(path).await.status, 200);
    google.sim.sim_post("/calendars", json!("revoke")).await;
    let dead = token(&google.sim, &form).await;
    assert_eq!(
        (dead.status.as_u16(), &dead.json()["error"]),
        (400, &json!("invalid_grant"))
    );
}

#[tokio::test]
async fn a_key_file_is_one_that_signs() {
    let sim = start().await;
    let key = sim.sim("/calendars/service-account").await;
    assert!(
        key["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY")
    );
    assert_eq!(sim.sim("/calendars/service-account").await, key);
    let forged = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", "e30.e30.e30"),
    ];
    assert_eq!(token(&sim, &forged).await.json()["error"], "invalid_grant");
}
