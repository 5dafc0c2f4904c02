//! Language models as analysts, through a scripted double: whatever it says, what is kept is proven, and the embedded
//! analyst stands in where there is nothing.

use parfocal_engine::config::Structured;
use parfocal_engine::models;
use parfocal_engine::store::{InsightFilter, InstanceId};
use parfocal_engine::understand::{self, PartInsights};
use serde_json::{Value, json};

use crate::core_support::on_both_stores;
use crate::models_double::{Reply, Stage};

on_both_stores! {
    a_model_analyses_and_its_statements_are_listed;
    prose_around_the_json_does_no_harm;
    what_does_not_fit_is_repaired_once;
    what_does_not_fit_twice_is_rejected_and_the_embedded_analyst_stands_in;
    fake_citations_are_dropped_and_counted;
    trouble_is_waited_out_or_told;
    a_short_context_leads_to_smaller_parts;
}

pub(crate) const TALK: [(Option<&str>, &str); 6] = [
    (
        Some("Edda Brandt"),
        "Good morning, let us talk about the harbour budget.",
    ),
    (
        Some("Luan Ode"),
        "The crane alone costs forty thousand, I checked it twice.",
    ),
    (
        Some("Edda Brandt"),
        "Then we agree, the crane is bought this spring.",
    ),
    (Some("Luan Ode"), "I will send the offer to Edda by Friday."),
    (
        Some("Edda Brandt"),
        "Call me under +49 30 1234567 or write to edda@harbour.example.",
    ),
    (Some("Luan Ode"), "And who paints the boat?"),
];

/// After the model was asked: the one part of a meeting.
pub(crate) async fn asked(stage: &Stage, meeting: InstanceId) -> PartInsights {
    let mut found = understand::ask_of_instance(&stage.app, meeting)
        .await
        .unwrap();
    assert_eq!(found.parts.len(), 1);
    found.parts.remove(0)
}

/// A summary of one sentence with this proof, and nothing else.
pub(crate) fn summary(text: &str, from: i64, to: i64, quote: &str) -> Value {
    let item = json!({"text": text, "cite": {"from": from, "to": to, "quote": quote}});
    json!({"summary": [item], "chapters": [], "action_items": [], "decisions": [], "questions": [], "follow_ups": [], "topics": []})
}

async fn a_model_analyses_and_its_statements_are_listed() {
    let stage = Stage::new(|server| server.seed = true).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    let before = understand::of_instance(&stage.app, meeting).await.unwrap();
    let why = before.parts[0].stands_in.clone().unwrap();
    assert_eq!(
        (before.parts[0].model.as_str(), why.code.as_str()),
        ("embedded", "pending")
    );
    assert!(stage.double.asked().is_empty(), "looking asks nobody");

    let part = asked(&stage, meeting).await;
    assert_eq!(
        (part.model.as_str(), part.stands_in),
        ("double/double-1", None)
    );
    let item = &part.analysis.action_items[0];
    assert_eq!(
        (item.owner.as_deref(), item.due_text.as_deref()),
        (Some("Luan Ode"), Some("by friday"))
    );
    assert_eq!(item.due.unwrap().to_string(), "2026-03-06");
    assert_eq!(
        (item.cite.from, item.start_ms, item.cite.quote.as_str()),
        (4, 16_000, TALK[3].1)
    );
    assert_eq!(part.analysis.dropped, 0);
    assert!(
        !part.analysis.stats.speakers.is_empty(),
        "talk times are counted, not asked for"
    );
    let chapter = part.analysis.chapters.last().unwrap();
    assert_eq!((part.analysis.chapters[0].from, chapter.to), (1, 6));

    let sent = stage.double.asked();
    assert_eq!(sent.len(), 1);
    let body = &sent[0].body;
    assert_eq!(sent[0].path, "/v1/chat/completions");
    assert_eq!(
        sent[0].headers["authorization"],
        "Bearer canary-of-the-models-key"
    );
    assert_eq!(
        (&body["temperature"], &body["seed"], &body["max_tokens"]),
        (&json!(0), &json!(1), &json!(2048))
    );
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert!(body.get("tools").is_none(), "a model gets no tools");

    let filter = InsightFilter {
        instance: Some(meeting),
        ..InsightFilter::default()
    };
    let listed = understand::statements(&stage.app, &filter, 500)
        .await
        .unwrap();
    assert!(
        !listed.is_empty() && listed.iter().all(|row| row.model == "double/double-1"),
        "{listed:#?}"
    );
    let again = asked(&stage, meeting).await;
    assert_eq!(again.analysis, part.analysis);
    assert_eq!(
        stage.double.asked().len(),
        1,
        "the same words are asked about once"
    );
    let embedded = understand::embedded_of_instance(&stage.app, meeting)
        .await
        .unwrap();
    assert_eq!(
        (
            embedded.parts[0].model.as_str(),
            embedded.parts[0].stands_in.is_none()
        ),
        ("embedded", true)
    );

    let used = models::view(&stage.app).await.unwrap();
    assert_eq!(
        (used.servers[0].calls_today, used.tokens_today),
        (1, 120),
        "as the server counted"
    );
}

async fn prose_around_the_json_does_no_harm() {
    let stage = Stage::new(|server| server.structured = Structured::Prompt).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    stage.double.always(Reply::InProse);
    let part = asked(&stage, meeting).await;
    assert_eq!(part.analysis.action_items.len(), 1);
    let sent = stage.double.asked();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.get("response_format").is_none());
}

async fn what_does_not_fit_is_repaired_once() {
    let stage = Stage::new(|_| {}).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    stage
        .double
        .say([Reply::Text(r#"{"summary": "all went well"}"#.into())]);
    let part = asked(&stage, meeting).await;
    assert_eq!(part.model, "double/double-1");
    let sent = stage.double.asked();
    assert_eq!(sent.len(), 2);
    let turns = sent[1].body["messages"].as_array().unwrap();
    assert_eq!(turns[2]["content"], r#"{"summary": "all went well"}"#);
    assert!(
        turns[3]["content"]
            .as_str()
            .unwrap()
            .contains("at /summary:"),
        "{turns:#?}"
    );
}

async fn what_does_not_fit_twice_is_rejected_and_the_embedded_analyst_stands_in() {
    let stage = Stage::new(|_| {}).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    stage
        .double
        .always(Reply::Text("I would rather not.".into()));
    let part = asked(&stage, meeting).await;
    let why = part.stands_in.unwrap();
    assert_eq!(
        (part.model.as_str(), why.code.as_str(), why.model.as_str()),
        ("embedded", "model_answer_rejected", "double/double-1")
    );
    assert_eq!(stage.double.asked().len(), 2, "one repair, then no more");
    let shown = understand::of_instance(&stage.app, meeting).await.unwrap();
    assert_eq!(
        shown.parts[0].stands_in.as_ref().unwrap().code,
        "model_answer_rejected",
        "it is remembered"
    );
    stage.double.always(Reply::Honest);
    assert_eq!(
        asked(&stage, meeting).await.stands_in,
        None,
        "and forgotten when it went well"
    );
}

async fn fake_citations_are_dropped_and_counted() {
    let stage = Stage::new(|_| {}).await;
    let (meeting, _) = stage.meeting("Harbour", &TALK).await;
    let mut answer = summary(
        "The crane is bought",
        3,
        3,
        "the crane is bought this spring",
    );
    let items = answer["summary"].as_array_mut().unwrap();
    for (from, to, quote) in [
        (3, 3, "the crane is sold this spring"),
        (1, 1, "the crane is bought this spring"),
        (99, 99, "the crane is bought this spring"),
        (3, 2, "the crane is bought this spring"),
        (-3, 3, "the crane is bought this spring"),
        (3, 3, "the"),
        (3, 3, ""),
    ] {
        items.push(json!({"text": "x", "cite": {"from": from, "to": to, "quote": quote}}));
    }
    stage.double.say([Reply::Text(answer.to_string())]);
    let part = asked(&stage, meeting).await;
    let kept: Vec<&str> = part
        .analysis
        .summary
        .sentences
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    assert_eq!(
        (kept, part.analysis.dropped),
        (vec!["The crane is bought"], 7)
    );
}

async fn trouble_is_waited_out_or_told() {
    let busy = || {
        Reply::Refuse(
            429,
            vec![("retry-after-ms", "20")],
            json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
        )
    };
    let broken = || {
        Reply::Refuse(
            500,
            vec![],
            json!({"error": {"message": "canary-of-the-models-key is not mine", "type": "server_error"}}),
        )
    };
    let stage = Stage::new(|server| server.timeout_seconds = 1).await;
    let (meeting, _) = stage.meeting("Waited out", &TALK).await;
    stage.double.say([busy(), broken()]);
    assert_eq!(asked(&stage, meeting).await.stands_in, None);
    assert_eq!(stage.double.asked().len(), 3);

    let (meeting, _) = stage.meeting("Down", &TALK).await;
    stage.double.say([broken(), broken(), broken()]);
    let why = asked(&stage, meeting).await.stands_in.unwrap();
    assert_eq!(why.code, "model_unavailable");
    assert!(
        why.message.contains("[secret]") && !why.message.contains("canary"),
        "{}",
        why.message
    );

    let (meeting, _) = stage.meeting("Silent", &TALK).await;
    stage
        .double
        .say([Reply::Silence, Reply::Silence, Reply::Silence]);
    let why = asked(&stage, meeting).await.stands_in.unwrap();
    assert!(
        why.message.contains("no answer within 1 s"),
        "{}",
        why.message
    );

    let before = stage.double.asked().len();
    let (meeting, _) = stage.meeting("Broke", &TALK).await;
    stage.double.say([Reply::Refuse(
        429,
        vec![],
        json!({"error": {"code": "insufficient_quota", "message": "pay first"}}),
    )]);
    assert_eq!(
        asked(&stage, meeting).await.stands_in.unwrap().code,
        "model_refused"
    );
    assert_eq!(
        stage.double.asked().len(),
        before + 1,
        "what has no quota is not asked again"
    );

    let (meeting, _) = stage.meeting("Later", &TALK).await;
    stage.double.say([Reply::Refuse(
        503,
        vec![("retry-after", "3600")],
        json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    )]);
    assert_eq!(
        asked(&stage, meeting).await.stands_in.unwrap().code,
        "model_unavailable"
    );
    assert_eq!(
        stage.double.asked().len(),
        before + 2,
        "an hour is not waited out here"
    );
}

async fn a_short_context_leads_to_smaller_parts() {
    let stage = Stage::new(|_| {}).await;
    let said: Vec<(Option<&str>, String)> = (0..60)
        .map(|n| {
            (
                Some(if n % 2 == 0 { "Edda" } else { "Luan" }),
                format!("In sentence number {n} I will paint another boat."),
            )
        })
        .collect();
    let said: Vec<(Option<&str>, &str)> = said
        .iter()
        .map(|(who, text)| (*who, text.as_str()))
        .collect();
    let (meeting, _) = stage.meeting("Long", &said).await;
    // Less than the configuration says: the rules and the schema alone take most of it.
    stage.double.context(2_000);
    let part = asked(&stage, meeting).await;
    assert_eq!(part.stands_in, None);
    let items = &part.analysis.action_items;
    assert_eq!(items.len(), 20, "many were found, and the model chose");
    let asked_for = stage.double.asked();
    assert!(
        asked_for.iter().any(|one| one.text.len() / 4 > 2_000),
        "it tried the whole first"
    );
    assert!(
        asked_for.iter().any(|one| one.text.contains("\"keep\"")),
        "it was asked to choose"
    );
    let mut cues: Vec<u32> = items.iter().map(|item| item.cite.from).collect();
    cues.dedup();
    assert_eq!(cues.len(), 20, "each once");

    let (meeting, _) = stage.meeting("Cut", &said[..4]).await;
    stage.double.say([Reply::Cut]);
    assert_eq!(
        asked(&stage, meeting).await.analysis.action_items.len(),
        4,
        "a cut answer is asked for in halves"
    );
}
