//! What people changed in a calendar, decided by a person.

use std::sync::Arc;
use std::time::Duration;

use parfocal_engine::Code;
use parfocal_engine::calendar::{Calendar, When};
use parfocal_engine::config::CalendarChanges;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::provider::Memory;
use parfocal_engine::schedule::{How, Keep, ScheduleRequest, ScheduledMeeting, SettleRequest};
use parfocal_engine::store::ScheduleState;
use serde_json::json;

use super::availability::scheduling;
use super::{INGRID, Stage, TOBIAS};

fn how() -> How {
    How {
        wait: Duration::from_mins(1),
        ..How::new(Caller::local(Surface::Cli))
    }
}

struct Scene {
    stage: Stage,
    google: Arc<dyn Calendar>,
    memory: Memory,
}

impl Scene {
    async fn new() -> Self {
        Self::with(CalendarChanges::Ask).await
    }

    async fn with(changes: CalendarChanges) -> Self {
        let stage = Stage::with(|config| config.calendars.changes = changes).await;
        let stage = scheduling(stage).await;
        let google = stage.google().await;
        let memory = Memory::new("memory", stage.app.clock().clone());
        stage
            .app
            .providers()
            .register("memory", Arc::new(memory.clone()));
        Self {
            stage,
            google,
            memory,
        }
    }

    async fn schedule(&self, title: &str, start: &str) -> ScheduledMeeting {
        let request: ScheduleRequest = serde_json::from_value(json!({
            "title": title, "start": start, "timezone": "Europe/Berlin", "provider": "memory", "calendar": "google",
            "calendar_account": "work", "host": INGRID, "attendees": [{"email": TOBIAS}],
        }))
        .unwrap();
        let done = self
            .stage
            .app
            .scheduling()
            .schedule(&request, &how())
            .await
            .unwrap();
        assert!(done.finished);
        done.meeting
    }

    /// A person renames the event in the calendar and moves it.
    async fn moved_there(&self, meeting: &ScheduledMeeting, title: &str, start: &str) {
        let there = self
            .google
            .find(&meeting.id.to_string())
            .await
            .unwrap()
            .unwrap();
        let mut event = self.google.get(&there).await.unwrap().unwrap();
        title.clone_into(&mut event.title);
        event.when = When::Timed {
            start: start.parse().unwrap(),
            zone: "Europe/Berlin".to_owned(),
            minutes: 45,
        };
        self.google.put(&event, Some(&there)).await.unwrap();
    }

    async fn sync(&self) -> usize {
        let accounts = self.stage.app.calendar_accounts();
        accounts.sync("work").await.unwrap();
        accounts.conflicts().await.unwrap().len()
    }

    async fn settle(&self, meeting: &ScheduledMeeting, keep: Keep) -> ScheduledMeeting {
        let request = SettleRequest {
            schedule: meeting.id,
            calendar: None,
            keep,
        };
        self.stage
            .app
            .scheduling()
            .settle(&request, &how())
            .await
            .unwrap()
    }

    /// Title and start at the provider.
    fn held(&self, meeting: &ScheduledMeeting) -> Option<(String, String)> {
        let id = meeting.meeting.as_deref()?;
        let found = self.memory.all().into_iter().find(|one| one.id == id)?;
        Some((found.title, found.start?.to_string()))
    }
}

#[tokio::test]
async fn what_the_calendar_says_is_taken_over_everywhere() {
    let scene = Scene::new().await;
    let meeting = scene.schedule("Planning", "2026-12-01T09:00:00").await;
    assert_eq!(scene.sync().await, 0, "what was written is an echo");
    scene
        .moved_there(&meeting, "Planning, late", "2026-12-01T15:00")
        .await;
    assert_eq!(scene.sync().await, 1);
    let after = scene.settle(&meeting, Keep::Theirs).await;
    assert_eq!(
        (
            after.title.as_str(),
            after.start_local.as_str(),
            after.minutes
        ),
        ("Planning, late", "2026-12-01T15:00:00", 45)
    );
    assert_eq!(
        after.join_url, meeting.join_url,
        "the address to join stays"
    );
    let (title, start) = scene.held(&after).unwrap();
    assert_eq!(
        (title.as_str(), start.as_str()),
        ("Planning, late", "2026-12-01T14:00:00Z")
    );
    assert_eq!(scene.sync().await, 0, "both sides agree");
    let again = SettleRequest {
        schedule: meeting.id,
        calendar: None,
        keep: Keep::Ours,
    };
    let settled = scene.stage.app.scheduling().settle(&again, &how()).await;
    assert_eq!(settled.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_was_scheduled_here_is_written_again_changed_or_deleted() {
    let scene = Scene::new().await;
    let changed = scene.schedule("Changed", "2026-12-01T09:00:00").await;
    let deleted = scene.schedule("Deleted", "2026-12-02T09:00:00").await;
    assert_eq!(scene.sync().await, 0);
    scene
        .moved_there(&changed, "Renamed", "2026-12-01T11:00")
        .await;
    let key = deleted.id.to_string();
    let there = scene.google.find(&key).await.unwrap().unwrap();
    scene.google.remove(&there).await.unwrap();
    assert_eq!(scene.sync().await, 2);
    for meeting in [&changed, &deleted] {
        let after = scene.settle(meeting, Keep::Ours).await;
        assert_eq!((&after.title, after.start), (&meeting.title, meeting.start));
        let there = scene.google.find(&meeting.id.to_string()).await.unwrap();
        let event = scene.google.get(&there.unwrap()).await.unwrap().unwrap();
        assert_eq!(event.title, meeting.title);
        assert_eq!(event.when.span().unwrap().from, meeting.start);
        assert_eq!(event.attendees.len(), 1, "{:?}", event.attendees);
    }
    assert_eq!(scene.sync().await, 0, "both sides agree");
}

#[tokio::test]
async fn an_event_that_is_gone_calls_the_meeting_off_when_the_calendar_is_right() {
    let scene = Scene::new().await;
    let meeting = scene.schedule("Deleted", "2026-12-02T09:00:00").await;
    assert_eq!(scene.sync().await, 0);
    let key = meeting.id.to_string();
    let there = scene.google.find(&key).await.unwrap().unwrap();
    scene.google.remove(&there).await.unwrap();
    assert_eq!(scene.sync().await, 1);
    let after = scene.settle(&meeting, Keep::Theirs).await;
    assert_eq!(after.state, ScheduleState::Cancelled);
    assert_eq!(scene.held(&meeting), None);
    assert_eq!(scene.sync().await, 0);
}

#[tokio::test]
async fn by_the_policy_the_calendar_is_followed_at_once_and_what_cannot_be_waits_for_a_person() {
    let scene = Scene::with(CalendarChanges::Follow).await;
    let moved = scene.schedule("Moved", "2026-12-01T09:00:00").await;
    let deleted = scene.schedule("Deleted", "2026-12-02T09:00:00").await;
    let days = scene.schedule("Days", "2026-12-03T09:00:00").await;
    assert_eq!(scene.sync().await, 0);
    scene
        .moved_there(&moved, "Moved, late", "2026-12-01T15:00")
        .await;
    let at = |meeting: &ScheduledMeeting| meeting.id.to_string();
    let there = scene.google.find(&at(&deleted)).await.unwrap().unwrap();
    scene.google.remove(&there).await.unwrap();
    let there = scene.google.find(&at(&days)).await.unwrap().unwrap();
    let mut event = scene.google.get(&there).await.unwrap().unwrap();
    event.when = When::AllDay {
        first: "2026-12-03".parse().unwrap(),
        last: "2026-12-03".parse().unwrap(),
    };
    scene.google.put(&event, Some(&there)).await.unwrap();

    assert_eq!(scene.sync().await, 1, "whole days are no meeting");
    let (title, start) = scene.held(&moved).unwrap();
    assert_eq!(
        (title.as_str(), start.as_str()),
        ("Moved, late", "2026-12-01T14:00:00Z")
    );
    assert_eq!(scene.held(&deleted), None);
    let left = scene
        .stage
        .app
        .calendar_accounts()
        .conflicts()
        .await
        .unwrap();
    assert_eq!(left[0].schedule, days.id);
    assert_eq!(scene.sync().await, 1, "and it stays so");
}

#[tokio::test]
async fn by_the_other_policy_it_is_written_again_as_it_was_scheduled() {
    let scene = Scene::with(CalendarChanges::Restore).await;
    let meeting = scene.schedule("Planning", "2026-12-01T09:00:00").await;
    assert_eq!(scene.sync().await, 0);
    scene
        .moved_there(&meeting, "Elsewhere", "2026-12-01T15:00")
        .await;
    assert_eq!(scene.sync().await, 0);
    let there = scene.google.find(&meeting.id.to_string()).await.unwrap();
    let event = scene.google.get(&there.unwrap()).await.unwrap().unwrap();
    assert_eq!(event.title, "Planning");
    assert_eq!(event.when.span().unwrap().from, meeting.start);
}
