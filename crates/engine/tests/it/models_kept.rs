//! What models cost, where words go, what a server can do, and the job that asks: through the same double.

use std::time::Duration;

use parfocal_engine::clock::Clock;
use parfocal_engine::components::Activation;
use parfocal_engine::config::{ModelApi, ModelServer, TokenParameter};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{InsightFilter, JobFilter, JobState, NewJob, PageRequest};
use parfocal_engine::{Code, models, understand};
use serde_json::{Value, json};

use crate::core_support::on_both_stores;
use crate::models::{TALK, asked};
use crate::models_double::{Reply, Stage};

on_both_stores! {
    the_budget_of_the_day_is_kept;
    names_do_not_leave_this_machine;
    nothing_is_paid_for_twice;
    anthropics_messages_are_spoken_too;
    weaker_ways_are_tried_when_a_way_is_refused;
    a_file_makes_a_kind_of_analysis;
    the_job_asks_after_the_embedded_analyst_and_goes_on_after_trouble;
    switched_off_is_off;
}

async fn the_budget_of_the_day_is_kept() {
    // One part after the other: of two at once, the smaller might come before the one that has no room.
    let one_by_one = |server: &mut ModelServer| server.parallel = 1;
    let stage = Stage::with(one_by_one, |config| config.models.tokens_per_day = 5_500).await;
    let (first, _) = stage.meeting("First", &TALK).await;
    let (second, _) = stage.meeting("Second", &TALK).await;
    stage.double.always(Reply::Refuse(418, vec![], json!({})));
    assert_eq!(
        asked(&stage, first).await.stands_in.unwrap().code,
        "model_refused"
    );
    stage.double.always(Reply::Honest);
    // What was refused costs nothing; one answer costs what it took; a third would have room for none.
    assert_eq!(asked(&stage, first).await.stands_in, None);
    let view = models::view(&stage.app).await.unwrap();
    assert_eq!((view.tokens_today, view.tokens_per_day), (120, Some(5_500)));
    let large: Vec<(Option<&str>, &str)> = TALK.iter().copied().cycle().take(120).collect();
    let (large, _) = stage.meeting("Large", &large).await;
    let before = stage.double.asked().len();
    let why = asked(&stage, large).await.stands_in.unwrap();
    assert_eq!(why.code, "model_budget_spent");
    assert_eq!(
        stage.double.asked().len(),
        before,
        "what is beyond the budget is not sent"
    );
    assert_eq!(
        asked(&stage, second).await.stands_in,
        None,
        "what fits goes on"
    );

    let dear = Stage::with(
        |server| server.price_out = 1_000.0,
        |config| config.models.cost_per_day = 1.0,
    )
    .await;
    let (meeting, _) = dear.meeting("Dear", &TALK).await;
    assert_eq!(
        asked(&dear, meeting).await.stands_in.unwrap().code,
        "model_budget_spent"
    );
    assert!(dear.double.asked().is_empty());
}

async fn names_do_not_leave_this_machine() {
    let stage = Stage::new(|server| server.redact = true).await;
    let (meeting, _) = stage.meeting("Talk with Edda Brandt", &TALK).await;
    let part = asked(&stage, meeting).await;
    let sent = stage.double.asked();
    for gone in [
        "Edda",
        "Brandt",
        "Luan",
        "Ode",
        "1234567",
        "harbour.example",
        "edda@",
    ] {
        assert!(
            sent.iter().all(|one| !one.text.contains(gone)),
            "{gone} was sent"
        );
    }
    assert!(sent[0].text.contains("[PERSON_") && sent[0].text.contains("harbour budget"));
    let item = &part.analysis.action_items[0];
    assert_eq!(item.owner.as_deref(), Some("Luan Ode"));
    assert_eq!(item.cite.quote, "I will send the offer to Edda by Friday.");
    assert!(item.text.contains("to Edda by Friday"), "{}", item.text);
    assert_eq!(
        part.analysis.dropped, 0,
        "every quote stands after all was put back"
    );
}

async fn nothing_is_paid_for_twice() {
    let stage = Stage::new(|server| {
        server.context_tokens = 6_000;
        server.output_tokens = 1_000;
        server.parallel = 1;
    })
    .await;
    let said: Vec<(Option<&str>, &str)> = TALK.iter().copied().cycle().take(200).collect();
    let (meeting, _) = stage.meeting("Long", &said).await;
    let refused = Reply::Refuse(401, vec![], json!({"error": {"message": "no"}}));
    stage.double.say([Reply::Honest, Reply::Honest, refused]);
    assert_eq!(
        asked(&stage, meeting).await.stands_in.unwrap().code,
        "model_refused"
    );
    let first = stage.double.asked();
    assert_eq!(first.len(), 3);
    assert_eq!(asked(&stage, meeting).await.stands_in, None);
    let all = stage.double.asked();
    assert!(
        all.len() > 4,
        "the talk has more parts than that: {}",
        all.len()
    );
    for paid in &first[..2] {
        let times = all.iter().filter(|one| one.text == paid.text).count();
        assert_eq!(times, 1, "an answer that had come was asked for again");
    }
    assert_eq!(
        all.iter().filter(|one| one.text == first[2].text).count(),
        2,
        "what failed was asked again"
    );
}

async fn anthropics_messages_are_spoken_too() {
    let stage = Stage::new(|server| server.api = ModelApi::Anthropic).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    stage.double.say([Reply::Refuse(
        529,
        vec![("retry-after", "0")],
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    )]);
    let part = asked(&stage, meeting).await;
    assert_eq!(
        (part.stands_in, part.analysis.action_items.len()),
        (None, 1)
    );
    let sent = stage.double.asked();
    assert_eq!((sent.len(), sent[1].path.as_str()), (2, "/v1/messages"));
    assert_eq!(sent[1].headers["x-api-key"], "canary-of-the-models-key");
    assert_eq!(sent[1].headers["anthropic-version"], "2023-06-01");
    assert!(sent[1].headers.get("authorization").is_none());
    let body = &sent[1].body;
    assert!(body["system"].is_string() && body["messages"].as_array().unwrap().len() == 1);
    assert_eq!(
        body["tool_choice"],
        json!({"type": "tool", "name": "meeting"})
    );
    let (meeting, _) = stage.meeting("Cut", &TALK).await;
    stage.double.say([Reply::Cut]);
    assert_eq!(
        asked(&stage, meeting).await.stands_in,
        None,
        "max_tokens leads to smaller parts"
    );
}

async fn weaker_ways_are_tried_when_a_way_is_refused() {
    let stage =
        Stage::new(|server| server.token_parameter = TokenParameter::MaxCompletionTokens).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    let refuse = |what: &str| {
        Reply::Refuse(
            400,
            vec![],
            json!({"error": {"message": format!("'{what}' is not supported"), "param": what}}),
        )
    };
    stage.double.say([
        refuse("response_format"),
        refuse("tools"),
        refuse("response_format"),
        Reply::InProse,
    ]);
    assert_eq!(asked(&stage, meeting).await.stands_in, None);
    let sent = stage.double.asked();
    let ways: Vec<String> = sent
        .iter()
        .map(
            |one| match (&one.body["response_format"]["type"], one.body.get("tools")) {
                (Value::String(way), _) => way.clone(),
                (_, Some(_)) => "tool".to_owned(),
                _ => "prompt".to_owned(),
            },
        )
        .collect();
    assert_eq!(ways, ["json_schema", "tool", "json_object", "prompt"]);
    assert!(sent.iter().all(
        |one| one.body["max_completion_tokens"] == 2048 && one.body.get("max_tokens").is_none()
    ));
}

async fn a_file_makes_a_kind_of_analysis() {
    const RISKS: &str = "---\ntitle: Risks\nversion: 1\n---\nReport the risks.\n\n```json\n{\"properties\": {\"risks\": {\"type\": \"array\", \"items\": {\"properties\": {\"text\": {\"type\": \"string\"}, \"severity\": {\"type\": \"string\"}}}}}}\n```\n";
    let stage = Stage::new(|_| {}).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    let unknown = understand::kind_of_instance(&stage.app, meeting, "risks")
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let folder = stage.dir.path().join("analyses");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("risks.md"), RISKS).unwrap();
    let mut answer = json!({"risks": [{"text": "The crane is dear", "severity": "high", "cite": {"from": 2, "to": 2, "quote": "costs forty thousand"}}]});
    answer["risks"].as_array_mut().unwrap().push(json!({"text": "Storm", "severity": null, "cite": {"from": 2, "to": 2, "quote": "a storm comes"}}));
    stage.double.say([Reply::Text(answer.to_string())]);
    let found = understand::kind_of_instance(&stage.app, meeting, "risks")
        .await
        .unwrap();
    let risks = &found[0].result["lists"]["risks"];
    assert_eq!(
        (
            risks.as_array().unwrap().len(),
            &risks[0]["severity"],
            &risks[0]["speaker"]
        ),
        (1, &json!("high"), &json!("Luan Ode"))
    );
    assert_eq!(found[0].result["dropped"], 1);
    let again = understand::kind_of_instance(&stage.app, meeting, "risks")
        .await
        .unwrap();
    assert_eq!(
        (stage.double.asked().len(), &again),
        (1, &found),
        "kept like every other result"
    );
    let name = understand::statement_kind(&stage.app, "risks").unwrap();
    let no_kind = understand::statement_kind(&stage.app, "risk").unwrap_err();
    assert_eq!(no_kind.code(), Code::NotFound);
    assert!(no_kind.hint().contains("topic, risks"), "{no_kind}");
    let filter = InsightFilter {
        kind: Some(&name),
        ..InsightFilter::default()
    };
    assert_eq!(
        understand::statements(&stage.app, &filter, 10)
            .await
            .unwrap()[0]
            .text,
        "The crane is dear"
    );
    let text = stage
        .app
        .store()
        .model_prompt(stage.app.scope(), "risks", &found[0].version)
        .await
        .unwrap();
    assert_eq!(
        text.as_deref(),
        Some(RISKS),
        "the prompt is kept with its version"
    );
    std::fs::write(
        folder.join("risks.md"),
        RISKS.replace("the risks", "all risks"),
    )
    .unwrap();
    understand::kind_of_instance(&stage.app, meeting, "risks")
        .await
        .unwrap();
    assert_eq!(
        stage.double.asked().len(),
        2,
        "another prompt is another result"
    );
}

async fn the_job_asks_after_the_embedded_analyst_and_goes_on_after_trouble() {
    let stage = Stage::new(|_| {}).await;
    let (meeting, transcript) = stage.meeting("Harbour", &TALK).await;
    stage.double.always(Reply::Refuse(
        401,
        vec![],
        json!({"error": {"message": "wrong key"}}),
    ));
    let now = stage.app.clock().now();
    let mut tx = stage.app.store().begin(stage.app.scope()).await.unwrap();
    let job = NewJob {
        kind: "transcript.analyze".to_owned(),
        v: 1,
        lane: None,
        priority: 10,
        dedupe_key: Some(transcript.to_string()),
        payload: json!({"transcript": transcript}),
        run_at: now,
        cause_id: None,
    };
    tx.enqueue(&job, now).await.unwrap();
    tx.commit().await.unwrap();
    stage.app.start();
    let dead = until(async || {
        let page = stage
            .app
            .store()
            .jobs(
                stage.app.scope(),
                &JobFilter::default(),
                &PageRequest::first(50),
            )
            .await
            .unwrap();
        page.items
            .into_iter()
            .find(|job| job.kind == "transcript.model" && job.state == JobState::Dead)
    })
    .await;
    let shown = understand::of_instance(&stage.app, meeting).await.unwrap();
    assert_eq!(
        shown.parts[0].stands_in.as_ref().unwrap().code,
        "model_refused"
    );
    let filter = InsightFilter {
        instance: Some(meeting),
        ..InsightFilter::default()
    };
    let listed = understand::statements(&stage.app, &filter, 50)
        .await
        .unwrap();
    assert!(
        !listed.is_empty() && listed.iter().all(|row| row.model == "embedded"),
        "the embedded analyst was not held up"
    );

    stage.double.always(Reply::Honest);
    parfocal_engine::jobs::retry(&stage.app, dead.id, &Caller::local(Surface::Cli).by())
        .await
        .unwrap();
    until(async || {
        let shown = understand::of_instance(&stage.app, meeting).await.unwrap();
        shown.parts[0].stands_in.is_none().then_some(())
    })
    .await;
    let told = stage
        .app
        .store()
        .events_of(stage.app.scope(), &meeting.to_string(), 10)
        .await
        .unwrap();
    let models: Vec<&Value> = told
        .iter()
        .filter(|event| event.event_type == "insights.ready")
        .map(|event| &event.data["model"])
        .collect();
    assert_eq!(models.len(), 2);
    assert!(models.contains(&&json!("embedded")) && models.contains(&&json!("double/double-1")));
    stage.app.stop().await;
}

async fn switched_off_is_off() {
    let stage = Stage::new(|_| {}).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    let me = Caller::local(Surface::Cli);
    stage
        .app
        .components()
        .deactivate("models", &me)
        .await
        .unwrap();
    let part = asked(&stage, meeting).await;
    assert_eq!((part.model.as_str(), part.stands_in), ("embedded", None));
    let error = understand::kind_of_instance(&stage.app, meeting, "meeting")
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ModelOff);
    assert!(stage.double.asked().is_empty());
    let anyway = Activation {
        anyway: true,
        ..Activation::default()
    };
    stage
        .app
        .components()
        .activate("models", &anyway, &me)
        .await
        .unwrap();
    assert_eq!(asked(&stage, meeting).await.model, "double/double-1");
    // Off again: what was the model's is not listed, the embedded analyst's is.
    stage
        .app
        .components()
        .deactivate("models", &me)
        .await
        .unwrap();
    understand::of_instance(&stage.app, meeting).await.unwrap();
    let filter = InsightFilter {
        instance: Some(meeting),
        ..InsightFilter::default()
    };
    let listed = understand::statements(&stage.app, &filter, 50)
        .await
        .unwrap();
    assert!(
        !listed.is_empty() && listed.iter().all(|row| row.model == "embedded"),
        "{listed:#?}"
    );
}

async fn until<T>(found: impl AsyncFn() -> Option<T>) -> T {
    let clock = Clock::system();
    let start = clock.monotonic();
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(
            clock.monotonic().saturating_sub(start) < Duration::from_mins(2),
            "waited in vain"
        );
        clock.sleep(Duration::from_millis(25)).await;
    }
}
