//! Answers in polls and questions to the panel: heard of live and found by a backfill, they are the same.

use parfocal_engine::App;
use parfocal_engine::audit::By;
use parfocal_engine::backfill::{self, Request};
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::store::{BackfillState, Interaction, InteractionKind};
use serde_json::json;

use crate::work_door::Door;
use crate::work_stage::{Engine, Stage};

const MOST: u32 = 10_000;

async fn of_run(app: &App, uuid: &str) -> Vec<Interaction> {
    let (store, scope) = (app.store(), app.scope());
    let Some(run) = store.find_instance(scope, uuid).await.unwrap() else {
        return Vec::new();
    };
    store.interactions(scope, run.id, MOST).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_heard_of_live_are_those_that_a_backfill_finds() {
    let stage = Stage::plain(Engine::Sqlite).await;
    stage.work();
    // The account is known before its webhooks come.
    let today = stage.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let request = Request {
        since: Some(today),
        ..Request::default()
    };
    let started = backfill::start(&stage.app, &request, &By::system())
        .await
        .unwrap();
    stage.backfilled(&started).await;
    let door = Door::open(stage.app.clone()).await;
    let made = stage
        .tell("/subscriptions", json!({"url": door.url, "events": ["*"]}))
        .await;
    assert_eq!(made["validated"], true, "{made}");
    let played = stage
        .tell("/live", json!({"jump": true, "webinar": true}))
        .await;
    let uuid = played["uuid"].as_str().unwrap();
    stage
        .until("the webinar's answers are here", async || {
            // Zoom needs a while for the list of participants.
            stage.advance(jiff::SignedDuration::from_mins(5)).await;
            !of_run(&stage.app, uuid).await.is_empty()
        })
        .await;
    let live = of_run(&stage.app, uuid).await;
    assert!(live.iter().any(|one| one.kind == InteractionKind::Poll));
    assert!(live.iter().all(|one| !one.question.is_empty()));

    // Somebody else, who was not there, learns of it afterwards; twice.
    let dir = tempfile::tempdir().unwrap();
    let mut config = stage.config.clone();
    dir.path().clone_into(&mut config.data.dir);
    let clock = Clock::from_file(config.clock.file.as_ref().unwrap()).unwrap();
    let other = App::open_with(config, clock, Chance::system())
        .await
        .unwrap();
    other.start();
    for _ in 0..2 {
        let started = backfill::start(&other, &request, &By::system())
            .await
            .unwrap();
        stage
            .until("the other's backfill ends", async || {
                let view = backfill::status(&other, started.id).await.unwrap();
                !matches!(view.state, BackfillState::Running | BackfillState::Planning)
            })
            .await;
        assert_eq!(of_run(&other, uuid).await, live);
    }
    other.stop().await;
    stage.app.stop().await;
}
