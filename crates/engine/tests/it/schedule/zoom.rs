//! Zoom as the provider, against the simulated account.

use jiff::SignedDuration;
use parfocal_engine::clock::Clock;
use parfocal_engine::components;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::provider::{OccurrenceState, conformance};
use parfocal_engine::schedule::{
    CancelRequest, ChangeRequest, Followed, How, Progress, ScheduleRequest, Unrepeatable,
};
use parfocal_engine::store::ScheduleState;
use parfocal_engine::{App, Code};
use parfocal_simulator::Simulator;
use serde_json::json;

use crate::core_support::{command, config_for, on_both_stores, open, with_env};

on_both_stores! {
    zoom_keeps_the_rules_of_providers;
    a_series_at_zoom_is_made_moved_and_called_off;
    registrants_at_zoom_and_guests_are_one_list;
    what_somebody_changes_at_zoom_is_followed_everywhere;
    what_zoom_cannot_repeat_becomes_single_meetings_when_allowed;
    single_meetings_are_told_of_together_whoever_drives_them;
    a_lost_answer_at_zoom_leaves_one_meeting;
}

struct Stage {
    simulator: Simulator,
    app: App,
    host: String,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let simulator = Simulator::start(parfocal_simulator::Config::default())
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = with_env(config_for(dir.path(), simulator.base_url()));
        let app = open(config, &Clock::system()).await;
        app.connections().check("env").await.unwrap();
        let anyway = components::Activation {
            anyway: true,
            ..components::Activation::default()
        };
        let caller = Caller::local(Surface::Cli);
        for name in ["scheduling", "mail"] {
            app.components()
                .activate(name, &anyway, &caller)
                .await
                .unwrap();
        }
        let run = parfocal_engine::actions::Run::new(caller);
        let users = app
            .actions()
            .run("user.list", json!({"limit": 1}), &run)
            .await
            .unwrap();
        let host = users.output().unwrap()["items"][0]["email"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            simulator,
            app,
            host,
            _dir: dir,
        }
    }

    fn request(&self) -> ScheduleRequest {
        serde_json::from_value(json!({
            "title": "Planning", "start": "2031-03-24T09:00:00", "timezone": "Europe/Berlin", "host": self.host,
            "calendar": "none",
        }))
        .unwrap()
    }

    /// Mails that left.
    async fn told(&self) -> usize {
        let mails = self.app.store().mails(self.app.scope(), None, 500).await;
        mails.unwrap().len()
    }

    async fn meetings(&self) -> Vec<parfocal_engine::provider::ProviderMeeting> {
        let zoom = self
            .app
            .providers()
            .open(&self.app, "zoom", None)
            .await
            .unwrap();
        let all = zoom.list(Some(&self.host)).await.unwrap();
        all.into_iter()
            .filter(|one| one.title == "Planning")
            .collect()
    }
}

fn how() -> How {
    How {
        wait: std::time::Duration::from_mins(1),
        ..How::new(Caller::local(Surface::Cli))
    }
}

async fn zoom_keeps_the_rules_of_providers() {
    let stage = Stage::new().await;
    let zoom = stage
        .app
        .providers()
        .open(&stage.app, "zoom", None)
        .await
        .unwrap();
    let start = "2031-03-24T09:00".parse().unwrap();
    let broken = conformance::run(
        zoom.as_ref(),
        Some(&stage.host),
        start,
        stage.app.clock().now(),
    )
    .await
    .unwrap();
    assert_eq!(broken, []);
}

async fn a_series_at_zoom_is_made_moved_and_called_off() {
    let stage = Stage::new().await;
    let mut request = stage.request();
    request.every = Some("weekday".to_owned());
    request.count = Some(10);
    request.except = vec![jiff::civil::date(2031, 3, 27)];
    let scheduling = stage.app.scheduling();
    let made = scheduling.schedule(&request, &how()).await.unwrap().meeting;
    assert_eq!(made.occurrences.len(), 9);
    let zoom = stage
        .app
        .providers()
        .open(&stage.app, "zoom", None)
        .await
        .unwrap();
    let number = made.meeting.clone().unwrap();
    let starts = |all: Vec<parfocal_engine::provider::ProviderOccurrence>| -> Vec<jiff::Timestamp> {
        all.into_iter()
            .filter(|one| one.state == OccurrenceState::Available)
            .map(|one| one.start)
            .collect()
    };
    let ours: Vec<jiff::Timestamp> = made.occurrences.iter().map(|one| one.start).collect();
    // Summer time begins on 30 March: nine o'clock stays nine o'clock.
    assert_eq!(starts(zoom.occurrences(&number).await.unwrap()), ours);

    let change = ChangeRequest {
        occurrence: Some("2031-04-01".to_owned()),
        start: Some("2031-04-01T14:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    let moved = scheduling
        .reschedule(made.id, &change, &how())
        .await
        .unwrap()
        .meeting;
    let ours: Vec<jiff::Timestamp> = moved.occurrences.iter().map(|one| one.start).collect();
    assert_eq!(starts(zoom.occurrences(&number).await.unwrap()), ours);
    assert_eq!(
        (&moved.meeting, &moved.join_url),
        (&made.meeting, &made.join_url)
    );

    let change = ChangeRequest {
        title: Some("Planning, renamed".to_owned()),
        minutes: Some(45),
        ..ChangeRequest::default()
    };
    let renamed = scheduling
        .reschedule(made.id, &change, &how())
        .await
        .unwrap()
        .meeting;
    let there = zoom.get(&number).await.unwrap().unwrap();
    assert_eq!(
        (there.title.as_str(), there.minutes),
        ("Planning, renamed", Some(45))
    );
    assert_eq!(renamed.join_url, made.join_url);

    let off = CancelRequest {
        occurrence: Some("2031-04-02".to_owned()),
        tell: None,
    };
    let less = scheduling
        .cancel(made.id, &off, &how())
        .await
        .unwrap()
        .meeting;
    let ours: Vec<jiff::Timestamp> = less.occurrences.iter().map(|one| one.start).collect();
    assert_eq!(starts(zoom.occurrences(&number).await.unwrap()), ours);
    let gone = scheduling
        .cancel(
            made.id,
            &CancelRequest {
                occurrence: None,
                tell: None,
            },
            &how(),
        )
        .await
        .unwrap();
    assert_eq!(gone.meeting.state, ScheduleState::Cancelled);
    assert!(zoom.get(&number).await.unwrap().is_none());

    // What Zoom cannot repeat is refused with the reason, or becomes one room.
    let mut year = stage.request();
    year.every = Some("day".to_owned());
    year.count = Some(365);
    let refused = scheduling.schedule(&year, &how()).await.unwrap_err();
    assert!(
        refused.code() == Code::InvalidInput && refused.to_string().contains("60"),
        "{refused}"
    );
    year.unrepeatable = Unrepeatable::Room;
    let room = scheduling.schedule(&year, &how()).await.unwrap().meeting;
    assert_eq!(
        (room.state, room.occurrences.len()),
        (ScheduleState::Scheduled, 365)
    );
    let one = room.occurrences[1]
        .start
        .duration_since(room.occurrences[0].start);
    assert_eq!(one, SignedDuration::from_hours(24));
}

async fn what_zoom_cannot_repeat_becomes_single_meetings_when_allowed() {
    let stage = Stage::new().await;
    let scheduling = stage.app.scheduling();
    let mut yearly = stage.request();
    yearly.every = Some("year".to_owned());
    yearly.count = Some(3);
    yearly.attendees = vec![serde_json::from_value(json!({"email": "ann@example.com"})).unwrap()];
    let refused = scheduling.schedule(&yearly, &how()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidInput);
    yearly.unrepeatable = Unrepeatable::Singles;
    let preview = scheduling.preview(&yearly).await.unwrap();
    assert!(preview.singles && preview.occurrences.len() == 3);
    let keyed = How {
        key: Some("once".to_owned()),
        ..how()
    };
    let made = scheduling.schedule(&yearly, &keyed).await.unwrap();
    assert_eq!((made.finished, made.also.len()), (true, 2));
    let mut starts: Vec<String> = stage
        .meetings()
        .await
        .into_iter()
        .map(|one| one.start.unwrap().to_string())
        .collect();
    starts.sort();
    let years = ["2031", "2032", "2033"].map(|year| format!("{year}-03-24T08:00:00Z"));
    assert_eq!(starts, years);
    // The same request under the same key is the same meetings.
    let again = scheduling.schedule(&yearly, &keyed).await.unwrap();
    assert_eq!(
        (again.meeting.id, &again.also),
        (made.meeting.id, &made.also)
    );
    assert_eq!(stage.meetings().await.len(), 3);

    // What is in the way of one is in the way of all.
    let clash = scheduling.schedule(&yearly, &how()).await.unwrap_err();
    assert_eq!(clash.code(), Code::ScheduleConflict);
    // The third is refused for good: the two before it are called off again.
    let mut other = yearly.clone();
    "2031-05-05T09:00:00".clone_into(&mut other.start);
    let told = stage.told().await;
    let strange = json!({
        "kind": "answer", "path": "/v2/users/", "method": "POST", "status": 400, "times": 1, "every": 3,
        "body": {"code": 300, "message": "The value that you entered is invalid."},
    });
    command(stage.simulator.base_url(), "/faults", strange).await;
    let failed = scheduling.schedule(&other, &how()).await.unwrap_err();
    assert!(failed.message().contains("meeting 3 of 3"), "{failed}");
    assert_eq!(stage.meetings().await.len(), 3, "nothing new is left");
    assert_eq!(stage.told().await, told, "nobody was invited to the others");
    let mut many = yearly.clone();
    many.every = Some("day".to_owned());
    many.count = Some(61);
    "2031-06-02T09:00:00".clone_into(&mut many.start);
    let refused = scheduling.schedule(&many, &how()).await.unwrap_err();
    assert!(
        refused.message().contains("61 single meetings"),
        "{refused}"
    );
}

/// What processes that die leave is gone on with by anybody, in any order: one that has come waits for the others.
async fn single_meetings_are_told_of_together_whoever_drives_them() {
    let stage = Stage::new().await;
    let scheduling = stage.app.scheduling();
    let mut yearly = stage.request();
    yearly.every = Some("year".to_owned());
    yearly.count = Some(3);
    yearly.attendees = vec![serde_json::from_value(json!({"email": "ann@example.com"})).unwrap()];
    yearly.unrepeatable = Unrepeatable::Singles;
    let begun = scheduling
        .schedule(&yearly, &how().detached())
        .await
        .unwrap();
    assert_eq!((begun.finished, begun.also.len()), (false, 2));
    let mut sagas = Vec::new();
    for id in [begun.meeting.id].into_iter().chain(begun.also) {
        let saga = stage.app.store().latest_saga(stage.app.scope(), id).await;
        sagas.push(saga.unwrap().unwrap().id);
    }
    let go = |saga| {
        let app = stage.app.clone();
        async move { parfocal_engine::schedule::drive(&app, saga).await.unwrap() }
    };
    for saga in [sagas[2], sagas[0], sagas[2]] {
        assert!(matches!(go(saga).await, Progress::Waits(_)));
    }
    assert_eq!((stage.meetings().await.len(), stage.told().await), (2, 0));
    // The last one finds all of them there and passes; so do the others then.
    assert!(matches!(go(sagas[1]).await, Progress::Over));
    assert_eq!(stage.told().await, 1);
    for saga in [sagas[0], sagas[2]] {
        assert!(matches!(go(saga).await, Progress::Over));
    }
    assert_eq!((stage.meetings().await.len(), stage.told().await), (3, 3));
}

async fn a_lost_answer_at_zoom_leaves_one_meeting() {
    let stage = Stage::new().await;
    // The meeting is made, and the connection breaks before the answer.
    command(
        stage.simulator.base_url(),
        "/faults",
        json!({"kind": "lost", "path": "/v2/users/", "method": "POST", "times": 1}),
    )
    .await;
    let scheduling = stage.app.scheduling();
    let begun = scheduling.schedule(&stage.request(), &how()).await.unwrap();
    let id = begun.meeting.id;
    let saga = stage
        .app
        .store()
        .latest_saga(stage.app.scope(), id)
        .await
        .unwrap()
        .unwrap();
    for _ in 0..600 {
        if scheduling.get(id).await.unwrap().state != ScheduleState::Pending {
            break;
        }
        parfocal_engine::schedule::drive(&stage.app, saga.id)
            .await
            .unwrap();
        let pause = std::time::Duration::from_millis(100);
        stage.app.clock().sleep(pause).await;
    }
    assert_eq!(
        scheduling.get(id).await.unwrap().state,
        ScheduleState::Scheduled
    );
    assert_eq!(stage.meetings().await.len(), 1);
}

async fn registrants_at_zoom_and_guests_are_one_list() {
    let stage = Stage::new().await;
    let mut request = stage.request();
    request.registration = Some(parfocal_engine::provider::Registration::Manual);
    request.attendees = vec![
        serde_json::from_value(json!({"email": "bo@example.org", "name": "Bo Berg"})).unwrap(),
    ];
    let made = stage
        .app
        .scheduling()
        .schedule(&request, &how())
        .await
        .unwrap();
    assert!(made.finished);
    let (id, meeting) = (made.meeting.id, made.meeting.meeting.unwrap());
    let zoom = stage
        .app
        .providers()
        .open(&stage.app, "zoom", None)
        .await
        .unwrap();
    let own = zoom.registrants(&meeting).await.unwrap()[0]
        .join_url
        .clone()
        .unwrap();
    let mails = stage
        .app
        .store()
        .mails(stage.app.scope(), Some(id), 10)
        .await
        .unwrap();
    let letter = parfocal_formats::ical::Letter::parse(mails[0].message.as_bytes()).unwrap();
    assert!(letter.text.contains(&own), "{own}: {}", letter.text);

    // Somebody registers on Zoom's page and is let in; she is invited, with the address that Zoom gave her.
    let run = parfocal_engine::actions::Run::new(Caller::local(Surface::Cli));
    let form = json!({"meeting": meeting, "email": "cleo@example.org", "first_name": "Cleo"});
    let added = stage
        .app
        .actions()
        .run("registrant.add", form, &run)
        .await
        .unwrap();
    let registrant = added.output().unwrap()["id"].clone();
    let look = async || {
        stage
            .app
            .attendees()
            .sync_registrants(id, &how())
            .await
            .unwrap()
    };
    assert_eq!(look().await.waiting, 1);
    let approve = json!({"meeting": meeting, "registrants": [{"id": registrant}]});
    stage
        .app
        .actions()
        .run("registrant.approve", approve, &run)
        .await
        .unwrap();
    assert_eq!(look().await.invited, ["cleo@example.org"]);
    assert_eq!(stage.told().await, 2, "Bo once, Cleo once");

    // Zoom's day of registrations is over for Dora: she is told of, and nobody else has to wait.
    let refusal = json!({"code": 429, "message": "You have exceeded the daily rate limit (3) of Add registrant API requests permitted for this particular registrant."});
    let fault = json!({"kind": "answer", "method": "POST", "path": format!("/v2/meetings/{meeting}/registrants"), "status": 429, "times": 1, "body": refusal});
    let url = format!("{}/_sim/faults", stage.simulator.base_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(url).json(&fault).send().await.unwrap();
    let more = ChangeRequest {
        attendees: Some(
            ["bo@example.org", "cleo@example.org", "dora@example.org"]
                .map(|email| serde_json::from_value(json!({"email": email})).unwrap())
                .to_vec(),
        ),
        ..ChangeRequest::default()
    };
    let changed = stage
        .app
        .scheduling()
        .reschedule(id, &more, &how())
        .await
        .unwrap();
    assert!(!changed.finished, "Dora waits for Zoom's next day");
    let dora = changed
        .meeting
        .attendees
        .iter()
        .find(|one| one.email.starts_with("dora"));
    let trouble = dora.unwrap().trouble.clone().unwrap();
    assert!(trouble.contains("registered"), "{trouble}");
    assert_eq!(stage.told().await, 2);
}

async fn what_somebody_changes_at_zoom_is_followed_everywhere() {
    let stage = Stage::new().await;
    let scheduling = stage.app.scheduling();
    let zoom = stage
        .app
        .providers()
        .open(&stage.app, "zoom", None)
        .await
        .unwrap();
    let mut single = stage.request();
    single.attendees = vec![serde_json::from_value(json!({"email": "bo@example.org"})).unwrap()];
    let mut series = stage.request();
    "2031-04-01T09:00:00".clone_into(&mut series.start);
    series.every = Some("week".to_owned());
    series.count = Some(4);
    let single = scheduling.schedule(&single, &how()).await.unwrap().meeting;
    let series = scheduling.schedule(&series, &how()).await.unwrap().meeting;
    let follow = async |id| scheduling.follow(id, &how()).await.unwrap();
    assert_eq!(follow(single.id).await, Followed::Same, "our own echo");
    assert_eq!(follow(series.id).await, Followed::Same);
    assert_eq!(stage.told().await, 1);

    // In Zoom's own window: another time and title.
    let (one, many) = (
        single.meeting.clone().unwrap(),
        series.meeting.clone().unwrap(),
    );
    let moved = parfocal_engine::provider::MeetingChange {
        title: Some("Planning, late".to_owned()),
        start: Some("2031-03-24T15:00".parse().unwrap()),
        zone: Some("Europe/Berlin".to_owned()),
        minutes: Some(45),
        host: Some(stage.host.clone()),
        ..parfocal_engine::provider::MeetingChange::default()
    };
    zoom.update(&one, None, &moved).await.unwrap();
    assert_eq!(follow(single.id).await, Followed::Changed(1));
    let now = scheduling.get(single.id).await.unwrap();
    assert_eq!(
        (now.title.as_str(), now.start_local.as_str(), now.minutes),
        ("Planning, late", "2031-03-24T15:00:00", 45)
    );
    assert_eq!(stage.told().await, 2, "Bo is told once");
    assert_eq!(follow(single.id).await, Followed::Same);

    // One occurrence is moved there, another one called off.
    let all = zoom.occurrences(&many).await.unwrap();
    let later = parfocal_engine::provider::MeetingChange {
        title: None,
        start: Some("2031-04-09T11:00".parse().unwrap()),
        ..moved
    };
    zoom.update(&many, Some(&all[1].id), &later).await.unwrap();
    assert_eq!(follow(series.id).await, Followed::Changed(1));
    zoom.delete(&many, Some(&all[2].id)).await.unwrap();
    assert_eq!(follow(series.id).await, Followed::Changed(1));
    let now = scheduling.get(series.id).await.unwrap();
    let starts: Vec<String> = now
        .occurrences
        .iter()
        .map(|one| one.start.to_string())
        .collect();
    assert_eq!(
        starts,
        [
            "2031-04-01T07:00:00Z",
            "2031-04-09T09:00:00Z",
            "2031-04-22T07:00:00Z"
        ]
    );
    assert_eq!(follow(series.id).await, Followed::Same);

    // The meeting is deleted there: it is called off.
    zoom.delete(&one, None).await.unwrap();
    assert_eq!(follow(single.id).await, Followed::CalledOff);
    assert_eq!(
        scheduling.get(single.id).await.unwrap().state,
        ScheduleState::Cancelled
    );
    assert_eq!(stage.told().await, 3);
}
