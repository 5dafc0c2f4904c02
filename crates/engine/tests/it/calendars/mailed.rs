//! Calendars that mail their guests by themselves: nobody is mailed before the point of no return.

use std::time::Duration;

use parfocal_engine::Code;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::provider::Memory;
use parfocal_engine::schedule::{
    ChangeRequest, How, Progress, ScheduleRequest, ScheduledMeeting, drive,
};
use parfocal_engine::store::ScheduleState;
use serde_json::{Value, json};

use super::availability::stage;
use super::{INGRID, Stage, TOBIAS};

fn how() -> How {
    How {
        wait: Duration::from_mins(1),
        ..How::new(Caller::local(Surface::Cli))
    }
}

/// What the vendors mailed to somebody, in order.
async fn mailed(stage: &Stage) -> Vec<Value> {
    let all = stage.sim("/calendars").await["mail"].clone();
    all.as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["to"].as_array().unwrap().is_empty())
        .cloned()
        .collect()
}

/// A refusal for good of the next such requests.
async fn refuse(stage: &Stage, method: &str, path: &str) {
    let body =
        json!({"error": {"code": 403, "message": "no", "errors": [{"reason": "forbidden"}]}});
    let order = json!({"kind": "answer", "status": 403, "method": method, "path": path, "times": 1, "body": body});
    stage.order("/faults", order).await;
}

async fn get(stage: &Stage, meeting: &ScheduledMeeting) -> ScheduledMeeting {
    stage.app.scheduling().get(meeting.id).await.unwrap()
}

async fn nobody_is_mailed_before_it_stands(calendar: &str, account: &str, path: &str) {
    let stage = stage().await;
    match calendar {
        "google" => drop(stage.google().await),
        _ => drop(stage.microsoft().await),
    }
    let memory = Memory::new("memory", stage.app.clock().clone());
    stage
        .app
        .providers()
        .register("memory", std::sync::Arc::new(memory.clone()));
    let request: ScheduleRequest = serde_json::from_value(json!({
        "title": "Review", "start": "2026-12-01T09:00:00", "timezone": "Europe/Berlin", "provider": "memory",
        "calendar": calendar, "calendar_account": account, "host": INGRID, "attendees": [{"email": TOBIAS}],
        "allow_conflicts": true,
    }))
    .unwrap();
    let scheduling = stage.app.scheduling();

    // The event stands without guests, and the meeting is not made after all: nobody heard of it.
    refuse(&stage, "POST", path).await;
    let refused = scheduling.schedule(&request, &how()).await.unwrap_err();
    assert_eq!(refused.code(), Code::CalendarRefused, "{refused}");
    assert_eq!(mailed(&stage).await, [] as [Value; 0]);
    assert_eq!(memory.all(), []);

    let made = scheduling.schedule(&request, &how()).await.unwrap().meeting;
    let first = mailed(&stage).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(made.attendees[0].told, "{:?}", made.attendees);

    // A change that cannot be made: the calendar lets nobody in. It is taken back, and nobody heard of it.
    let change = ChangeRequest {
        start: Some("2026-12-01T11:00:00".to_owned()),
        allow_conflicts: true,
        ..ChangeRequest::default()
    };
    refuse(&stage, "GET", path).await;
    let refused = scheduling
        .reschedule(made.id, &change, &how())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::CalendarRefused, "{refused}");
    assert_eq!(
        mailed(&stage).await,
        first,
        "nobody heard of what was taken back"
    );
    assert_eq!(memory.all()[0].start, Some(made.start));
    assert_eq!(get(&stage, &made).await.state, ScheduleState::Scheduled);

    // The calendar refuses the change itself: the meeting has moved already, nobody was told yet, and it is tried again.
    refuse(&stage, "PATCH", path).await;
    let begun = scheduling
        .reschedule(made.id, &change, &how())
        .await
        .unwrap();
    assert!(!begun.finished);
    assert_eq!(
        begun.meeting.under_way.as_deref(),
        Some("reschedule: invite")
    );
    assert_eq!(mailed(&stage).await, first);
    assert_eq!(begun.meeting.start_local, "2026-12-01T11:00:00");
    assert_eq!(memory.all()[0].start, Some(begun.meeting.start));
    assert!(!begun.meeting.attendees[0].told);

    // After three days it is on the list.
    refuse(&stage, "PATCH", path).await;
    let days = Duration::from_hours(73);
    let advance = json!({ "advance_ms": u64::try_from(days.as_millis()).unwrap() });
    stage.order("/clock", advance).await;
    stage.hands.advance(days);
    let (store, scope) = (stage.app.store(), stage.app.scope());
    let saga = store.latest_saga(scope, made.id).await.unwrap().unwrap();
    assert_eq!(drive(&stage.app, saga.id).await.unwrap(), Progress::Over);
    let left = scheduling.left_over().await.unwrap();
    assert_eq!(left[0].state, ScheduleState::Stuck);
    assert_eq!(left[0].left_over[0].step, "invite");
    assert_eq!(mailed(&stage).await, first);

    // The button: the change is written, and the guests are mailed once.
    let done = scheduling.retry(made.id, &how()).await.unwrap().meeting;
    assert_eq!(done.state, ScheduleState::Scheduled);
    assert_eq!(done.left_over, []);
    assert!(done.attendees[0].told);
    let all = mailed(&stage).await;
    assert_eq!((all.len(), &all[..1]), (2, &first[..]), "{all:?}");
    assert_eq!(all[1]["to"], json!([TOBIAS]));

    // All goes well: one mail more.
    let again = ChangeRequest {
        start: Some("2026-12-01T14:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    scheduling
        .reschedule(made.id, &again, &how())
        .await
        .unwrap();
    assert_eq!(mailed(&stage).await.len(), 3);
}

#[tokio::test]
async fn google_mails_nobody_before_a_change_stands() {
    nobody_is_mailed_before_it_stands("google", "work", "/google/calendar/v3/calendars/").await;
}

#[tokio::test]
async fn microsoft_mails_nobody_before_a_change_stands() {
    nobody_is_mailed_before_it_stands("microsoft", "office", "/graph/v1.0/users/").await;
}
