//! What the audit log tells of actions: the intent before Zoom is asked, the outcome after, and of work done by hand.

use parfocal_engine::audit::{AuditFilter, Entry};
use parfocal_engine::backfill;
use parfocal_engine::components::Activation;
use parfocal_engine::ingest::events;
use parfocal_engine::jobs;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{EventFilter, JobFilter, PageRequest};
use serde_json::json;

use super::{Stage, keyed, plain};
use crate::core_support::{command, deliver, event, on_both_stores};

on_both_stores! {
    an_intent_is_written_before_zoom_is_asked;
    a_process_that_dies_in_between_leaves_a_trace;
    what_people_do_by_hand_is_told;
}

async fn log(stage: &Stage, action: &str) -> Vec<Entry> {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    let page = PageRequest::first(200);
    let mut all = stage.app.audit().list(&filter, &page).await.unwrap().items;
    all.reverse();
    assert!(stage.app.audit().verify().await.unwrap().broken.is_none());
    all
}

fn outcome(entry: &Entry) -> &str {
    entry.detail["outcome"].as_str().unwrap()
}

async fn an_intent_is_written_before_zoom_is_asked() {
    let stage = Stage::new().await;
    let mut input = stage.meeting("Told");
    input["passcode"] = json!("canary1");
    stage.done("meeting.create", input).await;
    let told = log(&stage, "meeting.create").await;
    assert_eq!(
        told.iter().map(outcome).collect::<Vec<_>>(),
        ["intended", "done"]
    );
    assert_eq!(told[1].detail["intent"], told[0].n);
    assert!(
        told[1].target.starts_with("meeting/")
            && told[1].detail["zoom"][0]["tracking_id"].is_string()
    );
    assert!(!format!("{told:?}").contains("canary1"));

    // What our own checks refuse never reached Zoom and is not told; what Zoom refuses is.
    stage
        .run(
            "meeting.create",
            json!({"topic": "x", "start": "never"}),
            &plain(),
        )
        .await
        .unwrap_err();
    assert_eq!(log(&stage, "meeting.create").await.len(), 2);
    stage
        .run(
            "meeting.delete",
            json!({"meeting": "99999999999"}),
            &plain(),
        )
        .await
        .unwrap_err();
    let told = log(&stage, "meeting.delete").await;
    assert_eq!(
        told.iter().map(outcome).collect::<Vec<_>>(),
        ["intended", "failed"]
    );
    assert_eq!(told[1].detail["error"], "zoom_not_found");
    // Reading and planning change nothing.
    stage
        .done("meeting.list", json!({"host": stage.host}))
        .await;
    stage
        .run("meeting.create", stage.meeting("Dry"), &plain().dry(true))
        .await
        .unwrap();
    assert_eq!(log(&stage, "meeting.create").await.len(), 2);
    assert!(log(&stage, "meeting.list").await.is_empty());
    // A repetition that is answered from the store is no second change.
    let again = stage.meeting("Once");
    for _ in 0..2 {
        stage
            .run("meeting.create", again.clone(), &keyed("once"))
            .await
            .unwrap();
    }
    assert_eq!(log(&stage, "meeting.create").await.len(), 4);
}

async fn a_process_that_dies_in_between_leaves_a_trace() {
    let stage = Stage::new().await;
    // Zoom takes its time; meanwhile only the intent is known, and a crash would leave just that.
    let slow = json!({"kind": "slow", "path": "/v2/users/", "method": "POST", "times": 1, "delay_ms": 3000});
    command(stage.simulator.base_url(), "/faults", slow).await;
    let (app, input) = (stage.app.clone(), stage.meeting("Slow"));
    let running =
        tokio::spawn(async move { app.actions().run("meeting.create", input, &plain()).await });
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen = log(&stage, "meeting.create").await;
        if !seen.is_empty() {
            break;
        }
        stage
            .app
            .clock()
            .sleep(std::time::Duration::from_millis(20))
            .await;
    }
    assert_eq!(seen.iter().map(outcome).collect::<Vec<_>>(), ["intended"]);
    running.await.unwrap().unwrap();
    let told = log(&stage, "meeting.create").await;
    assert_eq!(
        told.iter().map(outcome).collect::<Vec<_>>(),
        ["intended", "done"]
    );
}

async fn what_people_do_by_hand_is_told() {
    let stage = Stage::new().await;
    let app = &stage.app;
    let mut caller = Caller::local(Surface::Console);
    caller.actor = "key:desk".into();
    let by = caller.by();
    let view = backfill::start(app, &backfill::Request::default(), &by)
        .await
        .unwrap();
    backfill::pause(app, view.id, &by).await.unwrap();
    backfill::resume(app, view.id, &by).await.unwrap();
    backfill::cancel(app, view.id, &by).await.unwrap();
    let filter = JobFilter {
        kind: Some("backfill.slice".into()),
        ..JobFilter::default()
    };
    let page = PageRequest::first(5);
    let job = jobs::list(app, &filter, &page)
        .await
        .unwrap()
        .items
        .remove(0);
    jobs::retry(app, job.id, &by).await.unwrap();
    let one = JobFilter {
        id: Some(job.id),
        ..JobFilter::default()
    };
    assert_eq!(jobs::drop_jobs(app, &one, "enough", &by).await.unwrap(), 1);
    // What changed nothing is not told.
    assert_eq!(jobs::drop_jobs(app, &one, "enough", &by).await.unwrap(), 0);
    let secret = Activation {
        settings: [("secret_token".to_owned(), "door".into())].into(),
        ..Activation::default()
    };
    app.components()
        .activate("webhooks", &secret, &caller)
        .await
        .unwrap();
    let body = event("meeting.started", "simulator", 84_410_027_731, 1);
    deliver(app, None, "door", &body).await.unwrap();
    let all = events::list(app, &EventFilter::default(), &page)
        .await
        .unwrap();
    events::replay(app, all.items[0].id, &by).await.unwrap();
    assert_eq!(
        events::replay_matching(app, &EventFilter::default(), &by)
            .await
            .unwrap(),
        1
    );
    for (action, times, target) in [
        ("backfill.start", 1, format!("backfill/{}", view.id)),
        ("backfill.pause", 1, format!("backfill/{}", view.id)),
        ("backfill.resume", 1, format!("backfill/{}", view.id)),
        ("backfill.cancel", 1, format!("backfill/{}", view.id)),
        ("jobs.retry", 1, format!("job/{}", job.id)),
        ("jobs.drop", 1, format!("job/{}", job.id)),
        ("events.replay", 2, format!("event/{}", all.items[0].id)),
    ] {
        let told = log(&stage, action).await;
        assert_eq!((told.len(), &told[0].target), (times, &target), "{action}");
        assert!(
            told.iter()
                .all(|one| one.actor == "key:desk" && one.surface == "console"),
            "{told:?}"
        );
    }
}
