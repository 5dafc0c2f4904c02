//! Questions over all meetings, with a model and without.

use parfocal_engine::Code;
use parfocal_engine::actions::Run;
use parfocal_engine::ask::{self, Question};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::HitKind;
use parfocal_engine::{search, understand};
use serde_json::json;

use crate::core_support::on_both_stores;
use crate::models::TALK;
use crate::models_double::{Reply, Stage};

on_both_stores! {
    passages_answer_without_a_model;
    chapters_and_what_was_found_are_searched;
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

async fn chapters_and_what_was_found_are_searched() {
    let stage = Stage::with(|_| {}, |config| config.models.active = None).await;
    let half = |lines: [&'static str; 5]| lines.into_iter().cycle().take(55);
    let crane = half([
        "The crane on the harbour pier lifts the lanterns of the stage.",
        "The pier of the harbour is narrow for a crane of that weight.",
        "A lighter crane costs more for the harbour and the pier.",
        "The lanterns stay on the pier until the crane is gone.",
        "The stage needs the crane and the lanterns on the same pier.",
    ]);
    let office = half([
        "Now the office is closed for the holidays in August.",
        "Holidays of the office begin when the school holidays begin.",
        "The office budget pays the holidays of the temporary workers.",
        "Temporary workers open the office on the first day of August.",
        "The school tells the office when its holidays change.",
    ]);
    let said: Vec<(Option<&str>, &str)> = crane
        .chain(office)
        .map(|text| (Some("Mira"), text))
        .chain([(Some("Nils"), "I will order the lighter crane by Friday.")])
        .collect();
    let (meeting, _) = stage.meeting("Summer", &said).await;
    let found = understand::of_instance(&stage.app, meeting).await.unwrap();
    let chapters = &found.parts[0].analysis.chapters;
    assert!(chapters.len() > 1, "{chapters:?}");
    let page = search::search(&stage.app, "kind:chapter holidays", None, 20, None)
        .await
        .unwrap();
    let chapter = &page.hits[0];
    assert_eq!(chapter.kind, HitKind::Chapter);
    let last = chapters.last().unwrap();
    assert_eq!(
        (chapter.snippet.as_str(), chapter.start_ms),
        (last.title.as_str(), last.start_ms)
    );

    // A task is said in the words of its passage: one hit, which says that it is a task.
    let page = search::search(&stage.app, "\"order the lighter crane\"", None, 20, None)
        .await
        .unwrap();
    let kinds: Vec<HitKind> = page.hits.iter().map(|hit| hit.kind).collect();
    assert_eq!(kinds, [HitKind::Said], "{:?}", page.hits);
    assert!(page.hits[0].found.contains(&HitKind::ActionItem));
    let page = search::search(&stage.app, "kind:action_item lighter", None, 20, None)
        .await
        .unwrap();
    assert_eq!(page.hits[0].kind, HitKind::ActionItem);
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
