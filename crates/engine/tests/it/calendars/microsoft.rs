//! Microsoft 365.

use parfocal_engine::Code;
use parfocal_engine::calendar::{Answer, Busy, Recurrence, When};
use serde_json::{Value, json};

use super::{INGRID, Stage, TOBIAS, december, guest, meeting, series};

const GRAPH: &str = "/graph/v1.0/";

async fn there(stage: &Stage) -> Vec<Value> {
    let all = stage.sim("/calendars").await;
    let list = all["graph"]["mailboxes"][INGRID].as_array().cloned();
    list.unwrap_or_default()
}

#[tokio::test]
async fn a_lost_answer_and_a_retry_make_one_event() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    let event = meeting("k1");
    stage.fault("lost", "POST", GRAPH).await;
    let lost = office.put(&event, None).await.unwrap_err();
    assert_eq!(lost.code(), Code::CalendarUnavailable);
    let found = office
        .find("k1")
        .await
        .unwrap()
        .expect("it arrived all the same");
    let made = office.put(&event, None).await.unwrap();
    assert_eq!(made.id, found.id);
    assert_eq!(there(&stage).await.len(), 1);
    let mail = stage.sim("/calendars").await["mail"].clone();
    assert_eq!(
        mail.as_array().unwrap().len(),
        1,
        "the guest is mailed once: {mail}"
    );
    // Servers that refuse a transaction a second time mean the same.
    let seen =
        json!({ "kind": "answer", "method": "POST", "path": GRAPH, "times": 1, "status": 409 });
    stage.order("/faults", seen).await;
    assert_eq!(office.put(&event, None).await.unwrap().id, found.id);
    let back = office.get(&made).await.unwrap().unwrap();
    assert_eq!(back.fingerprint(), event.fingerprint());
    assert_eq!(
        (back.key, back.body, back.join_url),
        (event.key, event.body, event.join_url)
    );
    office.remove(&made).await.unwrap();
    office.remove(&made).await.unwrap();
    assert!(office.get(&made).await.unwrap().is_none());
}

#[tokio::test]
async fn answers_and_guests_of_others_stay_and_a_race_is_merged() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    let mut event = meeting("k1");
    let made = office.put(&event, None).await.unwrap();
    stage
        .order("/calendars", json!({ "respond": {
            "system": "graph", "calendar": INGRID, "event": made.id, "email": TOBIAS, "response": "tentativelyAccepted",
        }}))
        .await;
    let stale =
        json!({ "kind": "answer", "method": "PATCH", "path": GRAPH, "times": 1, "status": 412 });
    stage.order("/faults", stale).await;
    event.title = "Budget".to_owned();
    event.attendees.push(guest("new@example.com"));
    office.put(&event, Some(&made)).await.unwrap();
    let back = office.get(&made).await.unwrap().unwrap();
    let answers: Vec<(&str, Answer)> = back
        .attendees
        .iter()
        .map(|one| (one.email.as_str(), one.answer))
        .collect();
    assert_eq!(
        answers,
        [
            (TOBIAS, Answer::Tentative),
            ("new@example.com", Answer::Pending)
        ]
    );
    let before = stage.sim("/calendars").await["graph"]["change"].clone();
    office.put(&event, Some(&made)).await.unwrap();
    assert_eq!(stage.sim("/calendars").await["graph"]["change"], before);
}

#[tokio::test]
async fn a_series_keeps_its_exceptions_both_ways() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    let event = series("k1");
    let made = office.put(&event, None).await.unwrap();
    let back = office.get(&made).await.unwrap().unwrap();
    assert_eq!(back.fingerprint(), event.fingerprint(), "{back:#?}");
    office.put(&event, Some(&made)).await.unwrap();
    assert_eq!(
        office.get(&made).await.unwrap().unwrap().overrides,
        back.overrides
    );
    let mut month_end = event;
    month_end.recurrence = Some(Recurrence::of(
        "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3".parse().unwrap(),
    ));
    let refused = office.check(&month_end).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidInput);
    assert!(refused.message().contains("up to 28"), "{refused}");
}

#[tokio::test]
async fn changes_are_found_and_an_old_link_means_everything() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    let first = office.put(&meeting("k1"), None).await.unwrap();
    let second = office.put(&meeting("k2"), None).await.unwrap();
    let all = office.changes(None).await.unwrap();
    assert_eq!((all.events.len(), all.full_resync), (2, false));
    let token = all.next.unwrap();
    assert!(
        office
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
    office.put(&moved, Some(&second)).await.unwrap();
    office.remove(&first).await.unwrap();
    let changed = office.changes(Some(&token)).await.unwrap();
    assert_eq!(changed.events.len(), 2);
    for one in &changed.events {
        match &one.now {
            None => assert_eq!(one.event.id, first.id),
            Some(now) => assert_eq!(now.fingerprint(), moved.fingerprint()),
        }
    }
    // The token holds an address; only ours is followed.
    let elsewhere = office
        .changes(Some("https://evil.example/delta"))
        .await
        .unwrap_err();
    assert_eq!(elsewhere.code(), Code::InvalidInput);
    stage.order("/calendars", json!("expire_sync")).await;
    let everything = office.changes(Some(&token)).await.unwrap();
    assert_eq!((everything.events.len(), everything.full_resync), (1, true));
}

#[tokio::test]
async fn who_cannot_be_read_is_unknown_never_free() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    office.put(&meeting("k1"), None).await.unwrap();
    let people: Vec<String> = [INGRID, TOBIAS, "x@example.com"].map(str::to_owned).into();
    let busy = office.busy(december(), &people).await.unwrap();
    let Busy::Known(spans) = &busy[INGRID] else {
        panic!("{busy:?}")
    };
    assert_eq!(
        (spans.len(), spans[0].from.to_string().as_str()),
        (1, "2026-12-01T08:00:00Z")
    );
    assert!(matches!(&busy[TOBIAS], Busy::Known(spans) if spans.len() == 1));
    assert!(matches!(busy["x@example.com"], Busy::Unknown { .. }));
}

#[tokio::test]
async fn a_busy_server_is_asked_later_and_a_dead_token_is_replaced() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    stage.fault("rate_limit", "POST", GRAPH).await;
    let busy = office.put(&meeting("k1"), None).await.unwrap_err();
    assert_eq!(busy.code(), Code::CalendarUnavailable);
    assert_eq!(busy.retry_at().unwrap().to_string(), "2026-11-20T12:00:07Z");
    stage.order("/calendars", json!("expire_tokens")).await;
    office.put(&meeting("k1"), None).await.unwrap();
    assert_eq!(there(&stage).await.len(), 1);
}

#[tokio::test]
async fn days_are_days_and_not_times() {
    let stage = Stage::new().await;
    let office = stage.microsoft().await;
    let mut event = meeting("days");
    event.when = When::AllDay {
        first: jiff::civil::date(2026, 12, 24),
        last: jiff::civil::date(2026, 12, 26),
    };
    let made = office.put(&event, None).await.unwrap();
    let one = &there(&stage).await[0];
    assert_eq!(one["isAllDay"], true, "{one}");
    for (name, day) in [("start", "2026-12-24"), ("end", "2026-12-27")] {
        let at = one[name]["dateTime"].as_str().unwrap();
        assert!(at.starts_with(&format!("{day}T00:00:00")), "{one}");
    }
    let back = office.get(&made).await.unwrap().unwrap();
    assert_eq!(back.when, event.when);
    assert_eq!(back.fingerprint(), event.fingerprint());
}
