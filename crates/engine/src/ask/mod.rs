//! Questions over all meetings: answered by the model in use with citations that stand, and with the best passages
//! always.

mod passages;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use parfocal_store::AccountId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use passages::Found;
pub use passages::Passage;

use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::models::redact::Redaction;
use crate::models::{Miss, Model, Prompt, tokens};
use crate::understand;
use crate::understand::prompt::{fenced, one_line};
use crate::understand::proof::proven;

const RULES: &str = include_str!("rules.md");
/// Most passages that can be asked for.
pub const MOST_PASSAGES: u32 = 20;
/// Most statements of an answer.
const MOST_STATEMENTS: u32 = 12;
/// Longest question, in characters.
pub const MOST_CHARS: usize = 1_000;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question<'q> {
    /// The question.
    pub text: &'q str,
    /// Filters of a search that say where to look, such as `host:ana@example.org from:2026-09-01`.
    pub within: Option<&'q str>,
    /// The zone of the days in `within`; UTC when none.
    pub zone: Option<TimeZone>,
    /// How many passages, 8 when none.
    pub passages: Option<u32>,
    /// Whether only the passages are wanted, and no model is to be asked.
    pub passages_only: bool,
    /// In meetings of these accounts only ([`crate::keys::Sight::accounts`]); none: of all.
    pub accounts: Option<&'q [AccountId]>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The question.
    pub question: String,
    /// The model that answered; none when the passages are the answer.
    pub model: Option<String>,
    /// Why no model answered although one is in use: the code and what happened.
    pub without_model: Option<Without>,
    /// The answer, sentence by sentence, each with its proof; none when the passages do not answer, or no model did.
    pub statements: Vec<Statement>,
    /// Statements of the model left out because their proof did not stand.
    pub dropped: u32,
    /// The passages that fit best.
    pub passages: Vec<Passage>,
}

/// Why a model did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Without {
    /// The code of the failure.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// A sentence of an answer with its proof.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Statement {
    /// The sentence.
    pub text: String,
    /// The number of the passage that proves it.
    pub passage: usize,
    /// Our id of the meeting.
    pub meeting_id: String,
    /// What the meeting was about.
    pub topic: Option<String>,
    /// Our id of the transcript.
    pub transcript_id: String,
    /// The first cue of the proof.
    pub cue_from: u32,
    /// The last cue of the proof.
    pub cue_to: u32,
    /// Who said it.
    pub speaker: Option<String>,
    /// When, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// The words as they stand there.
    pub quote: String,
}

/// Answers a question over all meetings.
///
/// # Errors
/// `component_off`; `invalid_input` for a question without words, or filters that cannot be read. A model that fails is no failure: the
/// passages are the answer then, and `without_model` says why.
pub async fn ask(app: &App, question: &Question<'_>) -> Result<Answer> {
    app.components().require("ask").await?;
    let text = one_line(question.text);
    if text.chars().count() > MOST_CHARS {
        return Err(EngineError::invalid(format!(
            "the question is longer than {MOST_CHARS} characters"
        )));
    }
    let most = question.passages.unwrap_or(8).clamp(1, MOST_PASSAGES);
    let most = usize::try_from(most).unwrap_or(8);
    let found = passages::find(app, &text, question, most).await?;
    let mut answer = Answer {
        question: text.clone(),
        model: None,
        without_model: None,
        statements: Vec::new(),
        dropped: 0,
        passages: found.iter().map(|found| found.passage.clone()).collect(),
    };
    if question.passages_only || found.is_empty() {
        return Ok(answer);
    }
    let Some(model) = Model::in_use(app).await? else {
        return Ok(answer);
    };
    match by_model(&model, &text, &found).await {
        Ok((statements, dropped)) => {
            answer.model = Some(model.name());
            answer.statements = statements;
            answer.dropped = dropped;
        }
        Err(error) if understand::is_the_models(&error) => {
            tracing::warn!(%error, "a model could not answer; the passages are the answer");
            answer.without_model = Some(Without {
                code: error.code().as_str().to_owned(),
                message: error.to_string(),
            });
        }
        Err(error) => return Err(error),
    }
    Ok(answer)
}

async fn by_model(model: &Model, question: &str, found: &[Found]) -> Result<(Vec<Statement>, u32)> {
    let config = model.config();
    let redaction = config.redact.then(|| {
        Redaction::of(
            found
                .iter()
                .flat_map(|found| &found.cues)
                .filter_map(|cue| cue.speaker.as_deref()),
        )
    });
    let room = u64::from(config.context_tokens)
        .saturating_sub(u64::from(config.output_tokens))
        .saturating_mul(85)
        / 100;
    let mut taken = found.len();
    loop {
        let prompt = prompt(
            question,
            &found[..taken],
            redaction.as_ref(),
            config.output_tokens,
        );
        let size = tokens::estimate(&prompt.system)
            + tokens::estimate(&prompt.data)
            + tokens::estimate(&prompt.schema.to_string());
        if size > room && taken > 1 {
            taken -= 1;
            continue;
        }
        match model.ask(&prompt, None).await {
            Ok(mut answer) => {
                if let Some(redaction) = &redaction {
                    redaction.show_in(&mut answer);
                }
                return Ok(statements(answer, &found[..taken]));
            }
            Err(Miss::TooLong | Miss::Cut) if taken > 1 => taken = taken.div_ceil(2).min(taken - 1),
            Err(Miss::TooLong | Miss::Cut) => {
                return Err(EngineError::new(
                    Code::ModelAnswer,
                    format!(
                        "{}: its context or answer is too short for one passage",
                        model.name()
                    ),
                ));
            }
            Err(Miss::Failed(error)) => return Err(error),
        }
    }
}

fn prompt(
    question: &str,
    found: &[Found],
    redaction: Option<&Redaction>,
    output_tokens: u32,
) -> Prompt {
    let hide = |text: &str| {
        one_line(&match redaction {
            Some(redaction) => redaction.hide(text),
            None => text.to_owned(),
        })
    };
    let mut text = String::new();
    for found in found {
        let passage = &found.passage;
        let day = passage
            .start
            .map(|start| start.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default();
        let topic = hide(passage.topic.as_deref().unwrap_or("Untitled meeting"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "& {} {topic} {day}", passage.number);
        let mut speaking: Option<Option<&str>> = None;
        for cue in &found.cues {
            let speaker = cue.speaker.as_deref();
            if speaking != Some(speaker) {
                let _ = writeln!(text, "@ {}", hide(speaker.unwrap_or("somebody")));
                speaking = Some(speaker);
            }
            let _ = writeln!(text, "#{} {}", cue.n, hide(&cue.text));
        }
    }
    let (mark, data) = fenced(&text);
    Prompt {
        system: RULES.replace("{mark}", &mark),
        data: format!("{data}\nQuestion: {}\n", hide(question)),
        name: "answer".to_owned(),
        schema: json!({"type": "object", "required": ["statements"], "additionalProperties": false, "properties": {
            "statements": {"type": "array", "maxItems": MOST_STATEMENTS, "items": {
                "type": "object", "required": ["text", "passage", "cite"], "additionalProperties": false, "properties": {
                    "text": {"type": "string"}, "passage": {"type": "integer"},
                    "cite": {"type": "object", "required": ["from", "to", "quote"], "additionalProperties": false, "properties": {
                        "from": {"type": "integer"}, "to": {"type": "integer"}, "quote": {"type": "string"}}}}}}}}),
        output_tokens,
    }
}

fn statements(mut answer: Value, found: &[Found]) -> (Vec<Statement>, u32) {
    let mut out = Vec::new();
    let mut dropped = 0_u32;
    let items = match answer.get_mut("statements").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    for item in items {
        let number = item.get("passage").and_then(Value::as_u64);
        let of = found
            .iter()
            .find(|found| u64::try_from(found.passage.number).ok() == number);
        let made = of.and_then(|found| {
            let item = proven(item, &understand::lines(&found.cues))?;
            Some(Statement {
                text: item.text,
                passage: found.passage.number,
                meeting_id: found.passage.meeting_id.clone(),
                topic: found.passage.topic.clone(),
                transcript_id: found.passage.transcript_id.clone(),
                cue_from: item.cite.from,
                cue_to: item.cite.to,
                speaker: item.speaker,
                start_ms: item.start_ms,
                quote: item.cite.quote,
            })
        });
        match made {
            Some(statement) => out.push(statement),
            None => dropped = dropped.saturating_add(1),
        }
    }
    (out, dropped)
}
