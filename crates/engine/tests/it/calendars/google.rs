//! Google Calendar.

use parfocal_engine::Code;
use parfocal_engine::calendar::{Answer, Busy, When};
use serde_json::{Value, json};

use super::{INGRID, Stage, TOBIAS, december, guest, meeting, series};

const EVENTS: &str = "/google/calendar/v3/calendars";

async fn there(stage: &Stage) -> Vec<Value> {
    let all = stage.sim("/calendars").await;
    let list = all["google"]["calendars"][INGRID].as_array().cloned();
    list.unwrap_or_default()
}

#[tokio::test]
async fn a_lost_answer_and_a_retry_make_one_event() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let event = meeting("k1");
    stage.fault("lost", "POST", EVENTS).await;
    let lost = google.put(&event, None).await.unwrap_err();
    assert_eq!(lost.code(), Code::CalendarUnavailable);
    let found = google
        .find("k1")
        .await
        .unwrap()
        .expect("it arrived all the same");
    let made = google.put(&event, None).await.unwrap();
    assert_eq!(made.id, found.id);
    assert_eq!(there(&stage).await.len(), 1);
    let mail = stage.sim("/calendars").await["mail"].clone();
    assert_eq!(
        mail.as_array().unwrap().len(),
        1,
        "the guest is mailed once: {mail}"
    );
    // What comes back is what was written.
    let back = google.get(&made).await.unwrap().unwrap();
    assert_eq!(back.fingerprint(), event.fingerprint());
    assert_eq!(
        (back.key, back.body, back.join_url),
        (event.key, event.body, event.join_url)
    );
    google.remove(&made).await.unwrap();
    google.remove(&made).await.unwrap();
    assert!(google.get(&made).await.unwrap().is_none());
    assert!(google.find("k1").await.unwrap().is_none());
}

#[tokio::test]
async fn answers_and_guests_of_others_stay_and_a_race_is_merged() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let mut event = meeting("k1");
    let made = google.put(&event, None).await.unwrap();
    let respond = |email: &str, response: &str| json!({ "respond": { "system": "google", "calendar": INGRID, "event": made.id, "email": email, "response": response }});
    stage.order("/calendars", respond(TOBIAS, "accepted")).await;
    // The first write meets a stale etag.
    let stale =
        json!({ "kind": "answer", "method": "PATCH", "path": EVENTS, "times": 1, "status": 412 });
    stage.order("/faults", stale).await;
    event.title = "Budget".to_owned();
    event.attendees.push(guest("new@example.com"));
    google.put(&event, Some(&made)).await.unwrap();
    let back = google.get(&made).await.unwrap().unwrap();
    let answers: Vec<(&str, Answer)> = back
        .attendees
        .iter()
        .map(|one| (one.email.as_str(), one.answer))
        .collect();
    assert_eq!(
        answers,
        [
            (TOBIAS, Answer::Accepted),
            ("new@example.com", Answer::Pending)
        ]
    );
    // Whom we take off goes, with nobody else.
    event.attendees.pop();
    google.put(&event, Some(&made)).await.unwrap();
    let back = google.get(&made).await.unwrap().unwrap();
    assert_eq!(back.attendees.len(), 1);
    let before = stage.sim("/calendars").await["google"]["change"].clone();
    google.put(&event, Some(&made)).await.unwrap();
    let after = stage.sim("/calendars").await["google"]["change"].clone();
    assert_eq!(
        before, after,
        "what stands there already is not written again"
    );
}

#[tokio::test]
async fn a_series_keeps_its_exceptions_both_ways() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let event = series("k1");
    let made = google.put(&event, None).await.unwrap();
    let back = google.get(&made).await.unwrap().unwrap();
    assert_eq!(back.fingerprint(), event.fingerprint(), "{back:#?}");
    google.put(&event, Some(&made)).await.unwrap();
    let again = google.get(&made).await.unwrap().unwrap();
    assert_eq!(again.overrides, back.overrides);
}

#[tokio::test]
async fn changes_are_found_and_an_old_token_means_everything() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let first = google.put(&meeting("k1"), None).await.unwrap();
    let second = google.put(&meeting("k2"), None).await.unwrap();
    let all = google.changes(None).await.unwrap();
    assert_eq!((all.events.len(), all.full_resync), (2, false));
    let token = all.next.unwrap();
    assert!(
        google
            .changes(Some(&token))
            .await
            .unwrap()
            .events
            .is_empty()
    );
    let mut moved = meeting("k2");
    moved.when = When::Timed {
        start: "2026-12-01T15:00".parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
        minutes: 60,
    };
    google.put(&moved, Some(&second)).await.unwrap();
    google.remove(&first).await.unwrap();
    let changed = google.changes(Some(&token)).await.unwrap();
    assert_eq!(changed.events.len(), 2);
    for one in &changed.events {
        match &one.now {
            None => assert_eq!(one.event.id, first.id),
            // Our own echo is known by its hash.
            Some(now) => assert_eq!(now.fingerprint(), moved.fingerprint()),
        }
    }
    stage.order("/calendars", json!("expire_sync")).await;
    let everything = google.changes(Some(&token)).await.unwrap();
    assert_eq!((everything.events.len(), everything.full_resync), (1, true));
    assert!(everything.next.is_some());
}

#[tokio::test]
async fn who_cannot_be_read_is_unknown_never_free() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    google.put(&meeting("k1"), None).await.unwrap();
    stage
        .order(
            "/calendars",
            json!({ "unreadable": ["lea@brightwater.example"] }),
        )
        .await;
    let people: Vec<String> = [INGRID, TOBIAS, "lea@brightwater.example", "x@example.com"]
        .map(str::to_owned)
        .into();
    let busy = google.busy(december(), &people).await.unwrap();
    assert_eq!(busy.len(), 4);
    let Busy::Known(spans) = &busy[INGRID] else {
        panic!("{busy:?}")
    };
    assert_eq!(spans[0].from.to_string(), "2026-12-01T08:00:00Z");
    assert_eq!(busy[TOBIAS], busy[INGRID]);
    assert!(matches!(
        busy["lea@brightwater.example"],
        Busy::Unknown { .. }
    ));
    assert!(matches!(busy["x@example.com"], Busy::Unknown { .. }));
}

#[tokio::test]
async fn a_busy_server_is_asked_later_and_a_dead_token_is_replaced() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    stage.fault("rate_limit", "POST", EVENTS).await;
    let busy = google.put(&meeting("k1"), None).await.unwrap_err();
    assert_eq!(busy.code(), Code::CalendarUnavailable);
    assert_eq!(busy.retry_at().unwrap().to_string(), "2026-11-20T12:00:07Z");
    stage.order("/calendars", json!("expire_tokens")).await;
    google.put(&meeting("k1"), None).await.unwrap();
    assert_eq!(there(&stage).await.len(), 1);
    let refused = google.check(&{
        let mut hourly = meeting("k2");
        hourly.recurrence = Some(parfocal_engine::calendar::Recurrence::of(
            "FREQ=HOURLY;COUNT=3".parse().unwrap(),
        ));
        hourly
    });
    assert_eq!(refused.unwrap_err().code(), Code::InvalidInput);
}

#[tokio::test]
async fn an_account_is_kept_checked_and_removed() {
    let stage = Stage::new().await;
    let _google = stage.google().await;
    let accounts = stage.app.calendar_accounts();
    let told = serde_json::to_string(&accounts.list().await.unwrap()).unwrap();
    assert!(
        told.contains("\"working\"") && !told.contains("PRIVATE KEY"),
        "{told}"
    );
    stage
        .order(
            "/faults",
            json!({ "kind": "answer", "path": "/google/", "status": 403 }),
        )
        .await;
    let view = accounts.check("work").await.unwrap();
    assert_eq!(view.state, "failing");
    assert!(view.reason.unwrap().contains("HTTP 403"));
    accounts.remove("work").await.unwrap();
    assert_eq!(
        accounts.remove("work").await.unwrap_err().code(),
        Code::NotFound
    );
    let gone = stage
        .app
        .calendars()
        .open(&stage.app, "google", None)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn days_are_days_and_not_times() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let mut event = meeting("days");
    event.when = When::AllDay {
        first: jiff::civil::date(2026, 12, 24),
        last: jiff::civil::date(2026, 12, 26),
    };
    let made = google.put(&event, None).await.unwrap();
    let one = &there(&stage).await[0];
    assert_eq!(
        (&one["start"]["date"], &one["end"]["date"]),
        (&json!("2026-12-24"), &json!("2026-12-27")),
        "the end is the day after: {one}"
    );
    let back = google.get(&made).await.unwrap().unwrap();
    assert_eq!(back.when, event.when);
    assert_eq!(back.fingerprint(), event.fingerprint());
}
