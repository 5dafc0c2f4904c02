//! Questions over all meetings, with a model and without.

use parfocal_engine::Code;
use parfocal_engine::actions::Run;
use parfocal_engine::ask::{self, Question};
use parfocal_engine::keys::{Caller, Surface};
use serde_json::json;

use crate::core_support::on_both_stores;
use crate::models::TALK;
use crate::models_double::{Reply, Stage};

on_both_stores! {
    passages_answer_without_a_model;
    a_model_answers_with_citations_that_stand;
    a_model_that_fails_leaves_the_passages;
}

const OTHER: [(Option<&str>, &str); 3] = [
    (Some("Mira"), "Today we speak about holidays."),
    (
        Some("Nils"),
        "The office is closed in August, said the budget group.",
    ),
    (Some("Mira"), "Fine with me."),
];

fn question(text: &str) -> Question<'_> {
    Question {
        text,
        ..Question::default()
    }
}

async fn passages_answer_without_a_model() {
    let stage = Stage::with(|_| {}, |config| config.models.active = None).await;
    stage.meeting("Harbour", &TALK).await;
    stage.meeting("Holidays", &OTHER).await;
    let answer = ask::ask(&stage.app, &question("What does the crane cost?"))
        .await
        .unwrap();
    assert_eq!(
        (answer.model, answer.statements.len(), answer.without_model),
        (None, 0, None)
    );
    let best = &answer.passages[0];
    assert_eq!(best.topic.as_deref(), Some("Harbour"));
    assert!(
        best.text
            .contains("Luan Ode: The crane alone costs forty thousand"),
        "{}",
        best.text
    );
    assert!(best.cue_from <= 2 && best.cue_to >= 2 && best.number == 1);
    let both = ask::ask(&stage.app, &question("who spoke of the budget?"))
        .await
        .unwrap();
    assert_eq!(both.passages.len(), 2, "over many meetings");
    let within = Question {
        within: Some("topic:holidays"),
        ..question("budget")
    };
    let one = ask::ask(&stage.app, &within).await.unwrap();
    assert_eq!(
        (one.passages.len(), one.passages[0].topic.as_deref()),
        (1, Some("Holidays"))
    );
    let none = ask::ask(&stage.app, &question("zeppelins?")).await.unwrap();
    assert!(none.passages.is_empty());
    for (text, within) in [("?!", None), ("budget", Some("from:yesterday"))] {
        let error = ask::ask(
            &stage.app,
            &Question {
                within,
                ..question(text)
            },
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput, "{text}");
    }
    assert!(stage.double.asked().is_empty());
}

async fn a_model_answers_with_citations_that_stand() {
    let stage = Stage::new(|server| server.redact = true).await;
    stage.meeting("Harbour", &TALK).await;
    stage.meeting("Holidays", &OTHER).await;
    let cite = |passage: u32, quote: &str| json!({"text": "It costs 40,000 [PERSON_Z].", "passage": passage, "cite": {"from": 2, "to": 2, "quote": quote}});
    let said = json!({"statements": [cite(1, "The crane alone costs forty thousand"), cite(1, "The crane is a gift"), cite(7, "The crane alone costs forty thousand")]});
    stage.double.say([Reply::Text(said.to_string())]);
    let input = json!({"question": "What does the crane cost, Luan Ode?"});
    let run = Run::new(Caller::local(Surface::Cli));
    let outcome = stage.app.actions().run("ask", input, &run).await.unwrap();
    let answer = outcome.output().unwrap().clone();
    assert_eq!(answer["model"], "double/double-1");
    assert_eq!(
        (
            answer["statements"].as_array().unwrap().len(),
            &answer["dropped"]
        ),
        (1, &json!(2))
    );
    let statement = &answer["statements"][0];
    assert_eq!(
        (
            &statement["speaker"],
            &statement["topic"],
            &statement["cue_from"]
        ),
        (&json!("Luan Ode"), &json!("Harbour"), &json!(2))
    );
    let sent = &stage.double.asked()[0].text;
    assert!(
        !sent.contains("Luan") && sent.contains("crane"),
        "names are replaced in questions too"
    );
    assert!(stage.double.asked()[0].body.get("tools").is_none());

    let honest = ask::ask(&stage.app, &question("what about the budget"))
        .await
        .unwrap();
    assert!(
        !honest.statements.is_empty() && honest.dropped == 0,
        "{honest:#?}"
    );
    let only = Question {
        passages_only: true,
        ..question("what about the budget")
    };
    assert_eq!(ask::ask(&stage.app, &only).await.unwrap().model, None);
    assert_eq!(stage.double.asked().len(), 2);
}

async fn a_model_that_fails_leaves_the_passages() {
    let stage = Stage::new(|_| {}).await;
    stage.meeting("Harbour", &TALK).await;
    stage.double.always(Reply::Refuse(
        401,
        vec![],
        json!({"error": {"message": "wrong key canary-of-the-models-key"}}),
    ));
    let answer = ask::ask(&stage.app, &question("What does the crane cost?"))
        .await
        .unwrap();
    let why = answer.without_model.unwrap();
    assert_eq!((why.code.as_str(), answer.model), ("model_refused", None));
    assert!(!why.message.contains("canary") && !answer.passages.is_empty());

    let small = Stage::new(|_| {}).await;
    small.meeting("Harbour", &TALK).await;
    small.meeting("Holidays", &OTHER).await;
    small.double.say([Reply::Refuse(
        400,
        vec![],
        json!({"error": {"code": "context_length_exceeded", "message": "too long"}}),
    )]);
    let answer = ask::ask(&small.app, &question("what about the budget"))
        .await
        .unwrap();
    assert_eq!(
        answer.model.as_deref(),
        Some("double/double-1"),
        "fewer passages fit"
    );
    assert_eq!(small.double.asked().len(), 2);
}
