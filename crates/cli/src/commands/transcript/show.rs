//! `transcript show ID`: what was said in a meeting.

use clap::Args;
use parfocal_server::lookup;
use parfocal_server::views::TranscriptsView;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

/// Show what was said in a meeting
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The meeting: our id, Zoom's instance UUID, or a meeting number
    id: String,
    /// Show the chat too
    #[arg(long)]
    chat: bool,
}

/// Runs the command.
pub(crate) async fn run(command: &Show, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let instance = lookup::instance(&app, &command.id).await?;
    let transcripts = lookup::transcripts(&app, instance.id).await?;
    let chat = if command.chat {
        lookup::chat(&app, instance.id).await?
    } else {
        Vec::new()
    };
    let out = &context.out;
    if transcripts.is_empty() {
        let why = lookup::detail(&app, instance).await?;
        let reason = why
            .artefacts
            .iter()
            .find(|artefact| artefact.kind == "transcript");
        let reason =
            reason.and_then(|artefact| artefact.detail.clone().or_else(|| artefact.cause.clone()));
        let mut failure =
            Failure::not_found(format!("the meeting {} has no transcript", command.id))
                .hint("`parfocal meetings get` tells what is expected and what cannot be had.");
        if let Some(reason) = reason {
            failure = failure.detail(reason);
        }
        return Err(failure);
    }
    if out.is_json() {
        let mut value = json!(TranscriptsView {
            instance_id: instance.id.to_string(),
            transcripts
        });
        if command.chat {
            value["chat"] = json!(chat);
        }
        out.json(&value)?;
        return Ok(Exit::Done);
    }
    let mut last = None;
    for cue in transcripts.iter().flat_map(|transcript| &transcript.cues) {
        if last.as_ref() != Some(&cue.speaker) {
            let who = cue.speaker.as_deref().map_or_else(|| "…".to_owned(), clean);
            out.line(format!(
                "{}  {}",
                paint(style::DIM, position(u64::from(cue.start_ms))),
                paint(style::STRONG, who)
            ))?;
            last = Some(cue.speaker.clone());
        }
        out.line(format!("       {}", clean(&cue.text)))?;
    }
    for message in &chat {
        let to = message
            .to
            .as_deref()
            .map(|to| format!(" to {}", clean(to)))
            .unwrap_or_default();
        out.line(format!(
            "{}  {}{to}: {}",
            paint(style::DIM, position(u64::from(message.at_ms))),
            paint(style::ACCENT, clean(&message.sender)),
            clean(&message.text)
        ))?;
    }
    Ok(Exit::Done)
}
