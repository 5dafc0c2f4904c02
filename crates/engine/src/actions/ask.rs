//! `ask`: a question over all meetings, answered with citations or with the best passages.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::action::{Action, Effect};
use super::check::{self, Faults};
use super::context::{Context, Step};
use crate::ask::{self, Answer, Question};
use crate::keys::Sight;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "ask",
            Effect::Read,
            "Ask about meetings",
            "Answers a question over all meetings: sentence by sentence with citations when a language model is in use, and \
             always with the passages that fit best. Every citation names its transcript and cues and was checked.",
            run,
        )
        .example(json!({"question": "What did we decide about the budget?", "within": "from:2026-09-01"})),
    ]
}

/// A question.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The question, in whole words.
    #[schemars(length(min = 1, max = 1000))]
    question: String,
    /// Filters of a search that say where to look: speaker:, host:, topic:, from:, before:.
    #[schemars(length(min = 1, max = 500))]
    within: Option<String>,
    /// In which zone the days of from: and before: are meant. Default: UTC.
    timezone: Option<String>,
    /// Passages, 1 to 20. Default 8.
    #[schemars(range(min = 1, max = 20))]
    passages: Option<u32>,
    /// Give the passages only, without asking a model. Default: no.
    #[serde(default)]
    passages_only: bool,
}

async fn run(cx: Context, input: Ask) -> Step<Answer> {
    let mut faults = Faults::default();
    let zone = check::zone(input.timezone.as_deref(), &mut faults);
    faults.done("the question cannot be asked")?;
    let sight = Sight::of(&cx.app, &cx.caller).await?;
    let question = Question {
        text: &input.question,
        within: input.within.as_deref(),
        zone,
        passages: input.passages,
        passages_only: input.passages_only,
        accounts: sight.accounts(),
    };
    Ok(ask::ask(&cx.app, &question).await?)
}
