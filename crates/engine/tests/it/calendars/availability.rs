//! When people can be met, by the calendars of doubles and by what was scheduled here.

use jiff::Timestamp;
use parfocal_engine::calendar::{CalendarEvent, When};
use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::schedule::availability::{AvailabilityRequest, Available};
use serde_json::json;

use super::{INGRID, Stage, TOBIAS, guest, meeting};

const STRANGER: &str = "x@example.com";

pub(crate) async fn stage() -> Stage {
    scheduling(Stage::new().await).await
}

pub(crate) async fn scheduling(stage: Stage) -> Stage {
    let how = Activation {
        anyway: true,
        ..Activation::default()
    };
    stage
        .app
        .components()
        .activate("scheduling", &how, &Caller::local(Surface::Cli))
        .await
        .unwrap();
    stage
}

/// 1 December in Berlin, an hour at a time.
fn asked(people: &[&str]) -> AvailabilityRequest {
    serde_json::from_value(json!({
        "people": people, "minutes": 60, "step_minutes": 60, "from": "2026-12-01", "to": "2026-12-01", "timezone": "Europe/Berlin",
    }))
    .unwrap()
}

fn event(key: &str, start: &str, minutes: u32) -> CalendarEvent {
    let mut event = meeting(key);
    event.when = When::Timed {
        start: start.parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
        minutes,
    };
    event.attendees = vec![guest(TOBIAS)];
    event
}

fn starts(found: &Available) -> Vec<&str> {
    found
        .slots
        .iter()
        .map(|slot| &slot.start_local[11..16])
        .collect()
}

#[tokio::test]
async fn slots_are_what_calendars_hours_and_our_own_meetings_leave() {
    let stage = stage().await;
    let google = stage.google().await;
    // Ingrid is taken from ten to noon and, with Tobias, from two to three.
    let mut own = event("own", "2026-12-01T10:00", 120);
    own.attendees.clear();
    google.put(&own, None).await.unwrap();
    google
        .put(&event("both", "2026-12-01T14:00", 60), None)
        .await
        .unwrap();
    let availability = stage.app.availability();
    let found = availability
        .find_available_slots(&asked(&[INGRID, TOBIAS]))
        .await
        .unwrap();
    // Zoom knows nothing of them here, so that working hours are nine to five UTC: ten to six in Berlin.
    assert_eq!(
        starts(&found),
        ["12:00", "13:00", "15:00", "16:00", "17:00"]
    );
    assert!(found.people.iter().all(|one| one.known));
    assert_eq!(found.people[0].calendars, ["google/work"]);
    let busy = &found.people[1].busy;
    assert_eq!(busy.len(), 1);
    assert_eq!(busy[0].from.to_string(), "2026-12-01T13:00:00Z");
    let mut apart = asked(&[INGRID, TOBIAS]);
    apart.buffer_minutes = Some(30);
    let found = availability.find_available_slots(&apart).await.unwrap();
    assert_eq!(starts(&found), ["16:00", "17:00"]);
    let mut late = asked(&[INGRID, TOBIAS]);
    let now: Timestamp = stage.app.clock().now();
    let until: Timestamp = "2026-12-01T15:30:00Z".parse().unwrap();
    late.notice_minutes = Some(u32::try_from(now.duration_until(until).as_mins()).unwrap());
    let found = availability.find_available_slots(&late).await.unwrap();
    assert_eq!(starts(&found), ["17:00"]);
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_is_unknown_and_gives_no_slot() {
    let stage = stage().await;
    let availability = stage.app.availability();
    let found = availability
        .find_available_slots(&asked(&[INGRID]))
        .await
        .unwrap();
    assert!(found.slots.is_empty());
    let reason = found.people[0].reason.as_deref().unwrap();
    assert_eq!(reason, "no calendar tells when they are busy");
    stage.google().await;
    let found = availability
        .find_available_slots(&asked(&[INGRID, STRANGER]))
        .await
        .unwrap();
    assert!(found.slots.is_empty());
    assert!(found.people[0].known && !found.people[1].known);
    let gone = json!({
        "kind": "answer", "method": "POST", "path": "/google/calendar/v3/freeBusy", "status": 503, "times": 1,
    });
    stage.order("/faults", gone).await;
    let found = availability
        .find_available_slots(&asked(&[INGRID]))
        .await
        .unwrap();
    assert!(
        found.slots.is_empty() && !found.people[0].known,
        "{found:?}"
    );
    // It was a fault of the moment.
    let found = availability
        .find_available_slots(&asked(&[INGRID]))
        .await
        .unwrap();
    assert_eq!(found.slots.len(), 8);
}

#[tokio::test]
async fn suggestions_say_what_their_scores_are_made_of() {
    let stage = stage().await;
    let google = stage.google().await;
    google
        .put(&event("both", "2026-12-01T14:00", 60), None)
        .await
        .unwrap();
    let mut request = asked(&[INGRID]);
    request.optional = vec![TOBIAS.to_owned(), STRANGER.to_owned()];
    request.limit = Some(20);
    let found = stage
        .app
        .availability()
        .suggest_meeting_times(&request)
        .await
        .unwrap();
    assert_eq!(found.suggestions.len(), 7, "an hour is taken: {found:?}");
    for one in &found.suggestions {
        let sum: i32 = one.reasons.iter().map(|reason| reason.points).sum();
        assert_eq!(sum, one.score, "{one:?}");
        assert!(one.certain);
        let says = |text: &str| one.reasons.iter().any(|reason| reason.text.contains(text));
        assert!(
            says("nobody knows whether x@example.com is free"),
            "{one:?}"
        );
    }
    let scores: Vec<i32> = found.suggestions.iter().map(|one| one.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}
