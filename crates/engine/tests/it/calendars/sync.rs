//! What people change in a calendar.

use parfocal_engine::calendar::{Calendar, CalendarEvent, SyncReport};
use parfocal_store::{CalendarLink, NewAttendee, ScheduleFacts, ScheduleId};
use serde_json::json;

use super::{INGRID, Stage, TOBIAS, meeting};

/// A schedule whose event was written to Google.
async fn scheduled(
    stage: &Stage,
    google: &dyn Calendar,
    title: &str,
) -> (ScheduleId, CalendarEvent, String) {
    let (app, now) = (&stage.app, stage.app.clock().now());
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let id = tx.new_schedule_id(now);
    let mut event = meeting(&id.to_string());
    title.clone_into(&mut event.title);
    let facts = ScheduleFacts {
        provider: "memory".to_owned(),
        account: None,
        meeting_id: None,
        join_url: None,
        title: title.to_owned(),
        tz: "Europe/Berlin".to_owned(),
        start_at: now,
        ends_at: now,
        minutes: 30,
        rrule: None,
        sequence: 0,
        state: parfocal_store::ScheduleState::Scheduled,
        note: None,
        spec: json!({}),
    };
    tx.new_schedule(id, &event.ical_uid, "test", &facts, now)
        .await
        .unwrap();
    let guest = NewAttendee {
        email: TOBIAS,
        name: None,
        role: "required",
        answer: "pending",
    };
    tx.set_attendees(id, &[guest], now).await.unwrap();
    let made = google.put(&event, None).await.unwrap();
    let link = CalendarLink {
        calendar: "google".to_owned(),
        account: None,
        event_calendar: made.calendar,
        event_id: made.id.clone(),
        etag: made.etag,
        link: made.link,
        our_hash: event.fingerprint(),
    };
    tx.set_calendar_link(id, &link, now).await.unwrap();
    tx.commit().await.unwrap();
    (id, event, made.id)
}

#[tokio::test]
async fn echoes_are_known_answers_taken_over_and_changes_put_up() {
    let stage = Stage::new().await;
    let google = stage.google().await;
    let (first, event, first_event) = scheduled(&stage, &*google, "First").await;
    let (second, _, second_event) = scheduled(&stage, &*google, "Second").await;
    google.put(&meeting("somebody else's"), None).await.unwrap();
    let accounts = stage.app.calendar_accounts();
    let report = accounts.sync("work").await.unwrap();
    let expected = SyncReport {
        told: 3,
        echoes: 2,
        others: 1,
        ..SyncReport::default()
    };
    assert_eq!(report, expected);
    assert_eq!(accounts.sync("work").await.unwrap(), SyncReport::default());

    stage
        .order("/calendars", json!({ "respond": {
            "system": "google", "calendar": INGRID, "event": first_event, "email": TOBIAS, "response": "declined",
        }}))
        .await;
    let report = accounts.sync("work").await.unwrap();
    assert_eq!(
        (report.told, report.echoes, report.answers, report.conflicts),
        (1, 1, 1, 0)
    );
    let people = stage.app.store().attendees(first).await.unwrap();
    assert_eq!(people[0].answer, "declined");

    // A person renames the one and deletes the other.
    let mut theirs = event.clone();
    theirs.title = "Renamed".to_owned();
    let reference = google.find(&event.key).await.unwrap().unwrap();
    google.put(&theirs, Some(&reference)).await.unwrap();
    let other = google.find(&second.to_string()).await.unwrap().unwrap();
    assert_eq!(other.id, second_event);
    google.remove(&other).await.unwrap();
    let report = accounts.sync("work").await.unwrap();
    assert_eq!((report.told, report.echoes, report.conflicts), (2, 0, 2));
    let mut found: Vec<(String, String)> = accounts
        .conflicts()
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.title, one.what))
        .collect();
    found.sort();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(found, [pair("First", "changed"), pair("Second", "gone")]);

    // Ours again: the conflict is settled by itself. The token runs out meanwhile, and what is gone is found all the same.
    google.put(&event, Some(&reference)).await.unwrap();
    stage.order("/calendars", json!("expire_sync")).await;
    let report = accounts.sync("work").await.unwrap();
    assert!(report.full_resync);
    assert_eq!((report.echoes, report.conflicts, report.others), (1, 1, 1));
    let left = accounts.conflicts().await.unwrap();
    assert_eq!((left.len(), left[0].what.as_str()), (1, "gone"));
}
