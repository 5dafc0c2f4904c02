//! Searching by meaning: vectors of a server, beside the words and never in their way.

use std::time::Duration;

use parfocal_engine::jobs::{self, Runner};
use parfocal_engine::search;
use parfocal_engine::store::SearchPage;
use serde_json::json;

use crate::core_support::on_both_stores;
use crate::models::TALK;
use crate::models_double::{Reply, Stage};

on_both_stores! {
    what_nobody_said_in_these_words_is_found_by_its_meaning;
    a_server_that_is_down_leaves_the_words;
}

const REST: [(Option<&str>, &str); 2] = [
    (Some("Mira"), "The office is closed in August."),
    (Some("Nils"), "Fine with me."),
];

/// A stage with two meetings whose passages have their vectors.
async fn stage() -> Stage {
    let stage = Stage::with(
        |_| {},
        |config| {
            config.models.active = None;
            config.models.embeddings = Some("double".into());
        },
    )
    .await;
    stage.meeting("Harbour", &TALK).await;
    stage.meeting("Rest", &REST).await;
    search::want_vectors(&stage.app).await.unwrap();
    let runner = Runner::start(stage.app.clone());
    for _ in 0..600 {
        if jobs::open(&stage.app).await.unwrap().busy == 0 {
            break;
        }
        stage.app.clock().sleep(Duration::from_millis(100)).await;
    }
    runner.shutdown(Duration::from_secs(10)).await;
    stage
}

async fn found(stage: &Stage, text: &str) -> SearchPage {
    search::search(&stage.app, text, None, 20, None)
        .await
        .unwrap()
}

async fn what_nobody_said_in_these_words_is_found_by_its_meaning() {
    let stage = stage().await;
    let embedded = stage.double.asked();
    assert!(
        embedded.iter().all(|one| one.path == "/v1/embeddings"),
        "{embedded:?}"
    );
    let texts: usize = embedded
        .iter()
        .map(|one| one.body["input"].as_array().unwrap().len())
        .sum();
    assert_eq!(texts, 2, "a passage each");
    assert_eq!(
        embedded[0].headers["authorization"],
        "Bearer canary-of-the-models-key"
    );

    let page = found(&stage, "vacation").await;
    let note = page.by_meaning.unwrap();
    assert_eq!(
        (note.model.as_str(), note.hits, note.unavailable),
        ("double/double-1", 1, None)
    );
    assert_eq!(page.hits[0].topic.as_deref(), Some("Rest"));
    assert!(page.hits[0].snippet.contains("closed in August"));

    // What has the word too is one hit and stands before what is only near.
    let page = found(&stage, "crane price").await;
    assert_eq!(page.hits[0].topic.as_deref(), Some("Harbour"));
    assert_eq!(page.by_meaning.unwrap().hits, 0);

    // The same words said in another meeting are not paid for again.
    let before = stage.double.asked().len();
    stage.meeting("Rest again", &REST).await;
    search::want_vectors(&stage.app).await.unwrap();
    let runner = Runner::start(stage.app.clone());
    for _ in 0..600 {
        if jobs::open(&stage.app).await.unwrap().busy == 0 {
            break;
        }
        stage.app.clock().sleep(Duration::from_millis(100)).await;
    }
    runner.shutdown(Duration::from_secs(10)).await;
    assert_eq!(stage.double.asked().len(), before);
    let topics: Vec<Option<String>> = found(&stage, "vacation")
        .await
        .hits
        .into_iter()
        .map(|hit| hit.topic)
        .collect();
    assert!(topics.contains(&Some("Rest again".into())), "{topics:?}");

    // Filters and phrases mean what they say: nothing is asked.
    let before = stage.double.asked().len();
    for exact in ["\"vacation\"", "vacation topic:rest", "vacation*"] {
        assert_eq!(found(&stage, exact).await.by_meaning, None);
    }
    assert_eq!(stage.double.asked().len(), before);
}

async fn a_server_that_is_down_leaves_the_words() {
    let stage = stage().await;
    let refused =
        json!({"error": {"message": "the model is not loaded", "type": "invalid_request_error"}});
    stage.double.always(Reply::Refuse(400, Vec::new(), refused));
    let page = found(&stage, "crane").await;
    assert_eq!(page.hits[0].topic.as_deref(), Some("Harbour"));
    let note = page.by_meaning.unwrap();
    assert_eq!(note.hits, 0);
    assert!(
        note.unavailable
            .unwrap()
            .contains("the model is not loaded")
    );
    stage.double.always(Reply::Text("no vectors at all".into()));
    let note = found(&stage, "crane").await.by_meaning.unwrap();
    assert!(note.unavailable.unwrap().contains("no vector"));
}
