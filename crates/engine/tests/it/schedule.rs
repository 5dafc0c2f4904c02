//! Scheduling: whole or as it was, wherever something fails or the process dies.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::SignedDuration;
use parfocal_engine::calendar::{OverrideChange, TimeSpan};
use parfocal_engine::clock::Clock;
use parfocal_engine::components;
use parfocal_engine::config::Config;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::notify::InvitationKind;
use parfocal_engine::provider::{Memory, conformance};
use parfocal_engine::schedule::{
    CancelRequest, ChangeRequest, Guest, How, Progress, ScheduleRequest, Scheduled, drive,
};
use parfocal_engine::store::{SagaState, ScheduleFilter, ScheduleId, ScheduleState};
use parfocal_engine::{App, Code, EngineError};
use parfocal_zoom::clock::ManualClock;

use crate::core_support::{config, manual, on_both_stores, open};

mod doubles;
mod faults;
mod registrants;
mod series;
mod zoom;

use doubles::{Fate, Mailbox, Pages, Provider, Script};
use faults::{
    whatever_fails_or_dies_while_cancelling_the_world_is_whole,
    whatever_fails_or_dies_while_moving_the_world_is_whole,
    whatever_fails_or_dies_while_scheduling_the_world_is_whole,
};

use registrants::who_is_invited_is_registered_and_who_registers_is_invited;

on_both_stores! {
    who_is_invited_is_registered_and_who_registers_is_invited;
    one_call_makes_all_of_it_and_a_key_makes_it_once;
    whatever_fails_or_dies_while_scheduling_the_world_is_whole;
    whatever_fails_or_dies_while_moving_the_world_is_whole;
    whatever_fails_or_dies_while_cancelling_the_world_is_whole;
    of_many_bookings_of_one_time_one_wins;
}

struct World {
    app: App,
    config: Config,
    clock: Clock,
    hands: ManualClock,
    memory: Memory,
    script: Arc<Script>,
    pages: Arc<Pages>,
    mailbox: Arc<Mailbox>,
    /// Meetings are put on days of their own, so that none stands in another's way.
    day: i64,
    _dir: tempfile::TempDir,
}

fn attach(
    app: &App,
    memory: &Memory,
    script: &Arc<Script>,
    pages: &Arc<Pages>,
    mailbox: &Arc<Mailbox>,
) {
    let provider = Provider(memory.clone(), Arc::clone(script));
    app.providers().register("memory", Arc::new(provider));
    app.calendars()
        .register("pages", Arc::<Pages>::clone(pages));
    app.invitations()
        .register("mail", Arc::<Mailbox>::clone(mailbox));
}

fn how() -> How {
    How {
        wait: Duration::from_mins(1),
        ..How::new(Caller::local(Surface::Cli))
    }
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (hands, clock) = manual();
        let config = config(dir.path());
        let app = open(config.clone(), &clock).await;
        let anyway = components::Activation {
            anyway: true,
            ..components::Activation::default()
        };
        let caller = Caller::local(Surface::Cli);
        app.components()
            .activate("scheduling", &anyway, &caller)
            .await
            .unwrap();
        let script = Arc::new(Script::default());
        let memory = Memory::new("memory", clock.clone());
        let pages = Arc::new(Pages::new(&script));
        let mailbox = Arc::new(Mailbox::new(&script));
        attach(&app, &memory, &script, &pages, &mailbox);
        Self {
            app,
            config,
            clock,
            hands,
            memory,
            script,
            pages,
            mailbox,
            day: 0,
            _dir: dir,
        }
    }

    /// The process dies, and another one is started on what it left.
    async fn die(&mut self) {
        self.app = open(self.config.clone(), &self.clock).await;
        attach(
            &self.app,
            &self.memory,
            &self.script,
            &self.pages,
            &self.mailbox,
        );
        self.hands.advance(Duration::from_mins(5));
    }

    fn request(&mut self) -> ScheduleRequest {
        self.day += 1;
        let day = jiff::civil::date(2027, 1, 4).saturating_add(jiff::Span::new().days(self.day));
        serde_json::from_value(serde_json::json!({
            "title": format!("Talk {}", self.day),
            "start": format!("{day}T09:00:00"),
            "timezone": "Europe/Berlin",
            "minutes": 30,
            "provider": "memory",
            "calendar": "pages",
            "host": "host@example.com",
            "attendees": [{"email": "ann@example.com"}, {"email": "bob@example.com", "role": "optional"}],
        }))
        .unwrap()
    }

    async fn made(&mut self) -> Scheduled {
        let request = self.request();
        self.app
            .scheduling()
            .schedule(&request, &how())
            .await
            .unwrap()
    }

    /// Lets the saga of a schedule go on until it has ended, as its job would.
    async fn settle(&self, id: ScheduleId) -> SagaState {
        for _ in 0..200 {
            let saga = self
                .app
                .store()
                .latest_saga(self.app.scope(), id)
                .await
                .unwrap()
                .unwrap();
            if saga.state != SagaState::Running {
                return saga.state;
            }
            match drive(&self.app, saga.id).await.unwrap() {
                Progress::Over | Progress::Moved => {}
                Progress::Waits(at) | Progress::Held(at) => {
                    let left = at
                        .duration_since(self.clock.now())
                        .max(SignedDuration::ZERO);
                    self.hands
                        .advance(Duration::try_from(left).unwrap() + Duration::from_millis(1));
                }
            }
        }
        panic!("the saga does not end");
    }

    /// Drives a saga until it ends, waits, or a call hangs; what hangs is dropped, as by a crash.
    async fn until_it_hangs(&self, id: ScheduleId) {
        let saga = self
            .app
            .store()
            .latest_saga(self.app.scope(), id)
            .await
            .unwrap()
            .unwrap();
        tokio::select! {
            driven = drive(&self.app, saga.id) => { driven.unwrap(); }
            () = self.script.hung() => {}
        }
    }

    /// Provider, calendar and mailbox tell of this schedule what the store tells.
    async fn agree(&self, id: ScheduleId, what: &str) -> ScheduleState {
        let view = self.app.scheduling().get(id).await.unwrap();
        let meetings: Vec<_> = self
            .memory
            .all()
            .into_iter()
            .filter(|one| {
                Some(&one.id) == view.meeting.as_ref() || one.title.starts_with(&view.title)
            })
            .collect();
        let events: Vec<_> = self
            .pages
            .all()
            .into_iter()
            .filter(|one| one.key == id.to_string())
            .collect();
        assert!(view.left_over.is_empty(), "{what}: {:?}", view.left_over);
        assert_eq!(view.under_way, None, "{what}");
        match view.state {
            ScheduleState::Scheduled => {
                assert_eq!((meetings.len(), events.len()), (1, 1), "{what}");
                assert_eq!(view.meeting.as_ref(), Some(&meetings[0].id), "{what}");
                assert_eq!(meetings[0].start, Some(view.start), "{what}");
                assert_eq!(
                    events[0].location.as_ref(),
                    Some(&meetings[0].join_url),
                    "{what}"
                );
                assert_eq!(events[0].when.span().unwrap().from, view.start, "{what}");
            }
            ScheduleState::Failed | ScheduleState::Cancelled => {
                assert!(
                    meetings.is_empty() && events.is_empty(),
                    "{what}: {meetings:?} {events:?}"
                );
            }
            other => panic!("{what}: {other}"),
        }
        view.state
    }

    /// What the mailbox holds of a schedule, in order.
    fn mail(&self, id: ScheduleId) -> Vec<(InvitationKind, String)> {
        self.mailbox
            .all()
            .into_iter()
            .filter(|one| one.schedule == id)
            .map(|one| (one.kind, one.attendee.email))
            .collect()
    }
}

fn to_both(kind: InvitationKind) -> Vec<(InvitationKind, String)> {
    ["ann@example.com", "bob@example.com"]
        .map(|one| (kind, one.to_owned()))
        .to_vec()
}

fn fates(lost: Code) -> [Fate; 5] {
    [
        Fate::FailBefore(Code::ZoomUnreachable),
        Fate::FailAfter(lost),
        Fate::FailBefore(Code::InvalidInput),
        Fate::HangBefore,
        Fate::HangAfter,
    ]
}

async fn one_call_makes_all_of_it_and_a_key_makes_it_once() {
    let mut world = World::new().await;
    let request = world.request();
    let keyed = how().with_key(Some("k-1".to_owned()));
    let first = world
        .app
        .scheduling()
        .schedule(&request, &keyed)
        .await
        .unwrap();
    assert!(first.finished);
    let id = first.meeting.id;
    assert_eq!(world.agree(id, "made").await, ScheduleState::Scheduled);
    assert_eq!(world.mail(id), to_both(InvitationKind::Request));
    assert!(
        first.meeting.attendees.iter().all(|one| one.told),
        "{:?}",
        first.meeting.attendees
    );
    let again = world
        .app
        .scheduling()
        .schedule(&request, &keyed)
        .await
        .unwrap();
    assert_eq!(again.meeting, first.meeting);
    assert_eq!(world.memory.made(), 1);
    let mut other = request.clone();
    "Another".clone_into(&mut other.title);
    let reused = world
        .app
        .scheduling()
        .schedule(&other, &keyed)
        .await
        .unwrap_err();
    assert_eq!(reused.code(), Code::KeyReused);

    // Somebody who has to come is taken; who may stay away keeps nobody.
    let clash = world
        .app
        .scheduling()
        .schedule(&request, &how())
        .await
        .unwrap_err();
    assert_eq!(clash.code(), Code::ScheduleConflict, "{clash}");
    let preview = world.app.scheduling().preview(&request).await.unwrap();
    let busy: Vec<&str> = preview
        .conflicts
        .iter()
        .map(|one| one.person.as_str())
        .collect();
    assert_eq!(busy, ["ann@example.com", "host@example.com"]);
    assert_eq!(preview.unknown, ["ann@example.com", "host@example.com"]);
    assert_eq!(world.memory.made(), 1, "a preview makes nothing");

    let change = ChangeRequest {
        start: Some("2027-01-05T11:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    let moved = world
        .app
        .scheduling()
        .reschedule(id, &change, &how())
        .await
        .unwrap();
    assert_eq!(moved.meeting.meeting, first.meeting.meeting);
    assert_eq!(moved.meeting.join_url, first.meeting.join_url);
    assert_eq!(moved.meeting.sequence, 1);
    world.agree(id, "moved").await;
    // The old time is free again.
    let mut taken = request.clone();
    "In its place".clone_into(&mut taken.title);
    world
        .app
        .scheduling()
        .schedule(&taken, &how())
        .await
        .unwrap();
    let back = ChangeRequest {
        start: Some("2027-01-05T09:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    let refused = world
        .app
        .scheduling()
        .reschedule(id, &back, &how())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ScheduleConflict);

    let off = CancelRequest {
        occurrence: None,
        tell: None,
    };
    let gone = world
        .app
        .scheduling()
        .cancel(id, &off, &how())
        .await
        .unwrap();
    assert_eq!(gone.meeting.state, ScheduleState::Cancelled);
    world.agree(id, "cancelled").await;
    let all: Vec<InvitationKind> = world.mail(id).into_iter().map(|one| one.0).collect();
    assert_eq!(all, {
        use InvitationKind as I;
        [
            I::Request,
            I::Request,
            I::Update,
            I::Update,
            I::Cancel,
            I::Cancel,
        ]
    });
    let over = world
        .app
        .scheduling()
        .cancel(id, &off, &how())
        .await
        .unwrap_err();
    assert_eq!(over.code(), Code::Conflict);
}

/// Drops a future after it was polled so often, as a crash would.
struct Cut<F> {
    inner: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}

#[tokio::test]
async fn a_crash_between_any_two_lines_leaves_what_the_next_process_finishes() {
    let mut world = World::new().await;
    // However many polls a machine needs, the end is the same; a cut after the end is none.
    for polls in (0..90).step_by(3) {
        let what = format!("after {polls} polls");
        let request = world.request();
        let begun = world
            .app
            .scheduling()
            .schedule(&request, &how().detached())
            .await
            .unwrap();
        let id = begun.meeting.id;
        let saga = world
            .app
            .store()
            .latest_saga(world.app.scope(), id)
            .await
            .unwrap()
            .unwrap();
        let cut = Cut {
            inner: Box::pin(drive(&world.app, saga.id)),
            polls,
        };
        drop(cut.await);
        world.hands.advance(Duration::from_mins(5));
        world.settle(id).await;
        assert_eq!(
            world.agree(id, &what).await,
            ScheduleState::Scheduled,
            "{what}"
        );
        let mut mail = world.mail(id);
        mail.sort();
        assert_eq!(mail, to_both(InvitationKind::Request), "{what}");
    }
}

#[tokio::test]
async fn what_takes_too_long_is_taken_back_and_an_optional_calendar_holds_nobody_up() {
    let mut world = World::new().await;
    world
        .script
        .always("put", Fate::FailBefore(Code::CalendarUnavailable));
    let request = world.request();
    let begun = world
        .app
        .scheduling()
        .schedule(&request, &how().detached())
        .await
        .unwrap();
    assert_eq!(world.settle(begun.meeting.id).await, SagaState::Undone);
    world.agree(begun.meeting.id, "too long").await;
    let mut request = world.request();
    request.calendar_required = Some(false);
    let begun = world
        .app
        .scheduling()
        .schedule(&request, &how().detached())
        .await
        .unwrap();
    let id = begun.meeting.id;
    assert_eq!(world.settle(id).await, SagaState::Done);
    let view = world.app.scheduling().get(id).await.unwrap();
    assert_eq!(
        (view.state, view.left_over.len()),
        (ScheduleState::Scheduled, 1)
    );
    assert!(view.note.unwrap().contains("no calendar"));
    assert_eq!(world.mail(id), to_both(InvitationKind::Request));
    world.script.calm();
    world.app.scheduling().retry(id, &how()).await.unwrap();
    world.agree(id, "repaired").await;
    assert_eq!(world.mail(id).len(), 2, "a repair tells nobody twice");
}

#[tokio::test]
async fn a_host_whose_day_is_spent_is_told_at_once_and_nothing_is_left() {
    let mut world = World::new().await;
    world
        .script
        .once("create", Fate::FailBefore(Code::HostQuota));
    let request = world.request();
    let begun = world
        .app
        .scheduling()
        .schedule(&request, &how().detached())
        .await
        .unwrap();
    // Without a time at which it ends it is tried again, and the next try succeeds.
    assert_eq!(world.settle(begun.meeting.id).await, SagaState::Done);
    world.agree(begun.meeting.id, "spent").await;
}

#[tokio::test]
async fn who_is_busy_by_the_calendar_is_not_booked_and_unknown_is_said() {
    let mut world = World::new().await;
    let request = world.request();
    let span = TimeSpan {
        from: "2027-01-05T08:15:00Z".parse().unwrap(),
        to: "2027-01-05T09:15:00Z".parse().unwrap(),
    };
    world
        .pages
        .busy
        .lock()
        .unwrap()
        .insert("ann@example.com".to_owned(), vec![span]);
    let preview = world.app.scheduling().preview(&request).await.unwrap();
    assert_eq!(preview.conflicts.len(), 1, "{preview:?}");
    assert_eq!(preview.unknown, ["host@example.com"]);
    let refused = world
        .app
        .scheduling()
        .schedule(&request, &how())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ScheduleConflict, "{refused}");
    let anyway = ScheduleRequest {
        allow_conflicts: true,
        ..request
    };
    world
        .app
        .scheduling()
        .schedule(&anyway, &how())
        .await
        .unwrap();
}

/// `PARFOCAL_RACERS=1000` makes it as many.
async fn of_many_bookings_of_one_time_one_wins() {
    let racers: usize = std::env::var("PARFOCAL_RACERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let mut world = World::new().await;
    let request = world.request();
    let mut race = tokio::task::JoinSet::new();
    for n in 0..racers {
        let (app, mut request) = (world.app.clone(), request.clone());
        request.title = format!("Racer {n}");
        race.spawn(async move { app.scheduling().schedule(&request, &how().detached()).await });
    }
    let mut won = Vec::new();
    while let Some(one) = race.join_next().await {
        match one.unwrap() {
            Ok(done) => won.push(done.meeting.id),
            Err(error) => assert_eq!(error.code(), Code::ScheduleConflict, "{error}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(world.settle(won[0]).await, SagaState::Done);
    assert_eq!(world.memory.made(), 1);
}

#[tokio::test]
async fn the_memory_keeps_the_rules_of_providers() {
    let (_, clock) = manual();
    let memory = Memory::new("memory", clock.clone());
    let start = "2027-03-22T09:00".parse().unwrap();
    let broken = conformance::run(&memory, None, start, clock.now())
        .await
        .unwrap();
    assert_eq!(broken, []);
}
