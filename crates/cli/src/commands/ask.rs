//! `ask QUESTION`: an answer over all meetings with its proofs, or the passages that fit best.

use clap::Args;
use parfocal_engine::Code;
use parfocal_engine::ask::{self, MOST_PASSAGES, Passage, Question, Statement};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

const AFTER_HELP: &str = "\
With a language model in use (models.use) it answers sentence by sentence, each with the place that proves it.
Without one the passages that fit best are the answer. Nothing leaves this machine unless a model is in use.";

/// Ask a question over all meetings
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Ask {
    /// The question
    #[arg(required = true, value_name = "QUESTION")]
    question: Vec<String>,
    /// Only where these filters of a search hold: speaker:ana host:ana@example.org topic:standup from:2026-10-01
    #[arg(long, value_name = "FILTERS")]
    within: Option<String>,
    /// How many passages
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PASSAGES)))]
    passages: u32,
    /// Ask no model, give the passages only
    #[arg(long)]
    passages_only: bool,
}

/// Runs the command.
pub(crate) async fn run(command: Ask, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let text = command.question.join(" ");
    let question = Question {
        text: &text,
        within: command.within.as_deref(),
        zone: None,
        passages: Some(command.passages),
        passages_only: command.passages_only,
        accounts: None,
    };
    let answer = ask::ask(&app, &question)
        .await
        .map_err(|error| match error.code() {
            Code::InvalidInput => Failure::from(error).ending(Exit::Usage),
            _ => error.into(),
        })?;
    if let Some(why) = &answer.without_model {
        context.out.note(paint(
            style::WARN,
            format!("No model answered ({}): {}", why.code, clean(&why.message)),
        ));
    }
    if context.out.is_json() {
        context.out.json(&answer)?;
        return Ok(Exit::Done);
    }
    for statement in &answer.statements {
        context.out.line(said(statement))?;
    }
    if let Some(model) = &answer.model {
        let dropped = match answer.dropped {
            0 => String::new(),
            count => format!("; {count} statements without proof left out"),
        };
        context.out.note(paint(
            style::DIM,
            if answer.statements.is_empty() {
                format!("{model} found no answer in these passages{dropped}.")
            } else {
                format!("Answered by {model}{dropped}.")
            },
        ));
    }
    if answer.statements.is_empty() {
        for passage in &answer.passages {
            context.out.line(shown(passage))?;
        }
    }
    if answer.passages.is_empty() {
        context.out.note(paint(
            style::DIM,
            "Nobody said anything of that. Try other words, or `parfocal search`.",
        ));
    }
    Ok(Exit::Done)
}

fn said(statement: &Statement) -> String {
    let who = statement
        .speaker
        .as_deref()
        .map_or_else(String::new, |name| format!("{}: ", clean(name)));
    format!(
        "{}\n  {}",
        paint(style::STRONG, clean(&statement.text)),
        paint(
            style::DIM,
            format!(
                "{} · {} · {who}\u{201c}{}\u{201d}",
                statement
                    .topic
                    .as_deref()
                    .map_or_else(|| "Untitled meeting".to_owned(), clean),
                position(u64::from(statement.start_ms)),
                clean(&statement.quote)
            )
        )
    )
}

fn shown(passage: &Passage) -> String {
    let when = passage
        .start
        .map(|at| at.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    let topic = passage
        .topic
        .as_deref()
        .map_or_else(|| "Untitled meeting".to_owned(), clean);
    let place = format!(
        "{when} · {} · {}",
        position(u64::from(passage.start_ms)),
        passage.meeting_id
    );
    let mut out = format!(
        "{} {}",
        paint(style::STRONG, topic),
        paint(style::DIM, place)
    );
    for line in passage.text.lines() {
        out.push_str("\n  ");
        out.push_str(&clean(line));
    }
    out
}
