//! `transcript speakers MEETING`: who the names in its transcripts are, and saying so.

use clap::Args;
use parfocal_engine::audit::By;
use parfocal_engine::keys::Surface;
use parfocal_engine::talk::people::{self, Voice};
use parfocal_server::lookup;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style::{self, paint};

/// Show who the names in a meeting's transcripts are; say who one is, or take that back
#[derive(Debug, Args)]
pub(crate) struct Speakers {
    /// The meeting: our id, Zoom's instance UUID, or a meeting number
    id: String,
    /// Say who this name is
    #[arg(
        long,
        value_name = "LABEL",
        requires = "name",
        conflicts_with = "reset"
    )]
    set: Option<String>,
    /// The name of who it is
    #[arg(long, value_name = "NAME", requires = "set")]
    name: Option<String>,
    /// Their e-mail address
    #[arg(long, value_name = "ADDRESS", requires = "set")]
    email: Option<String>,
    /// Take back what was said of this name: what attendance shows holds again
    #[arg(long, value_name = "LABEL")]
    reset: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: &Speakers, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let instance = lookup::instance(&app, &command.id).await?;
    let by = By::new("operator", Surface::Cli);
    if let (Some(label), Some(name)) = (&command.set, &command.name) {
        people::set(
            &app,
            instance.id,
            label,
            name,
            command.email.as_deref(),
            &by,
        )
        .await?;
    }
    if let Some(label) = &command.reset {
        people::reset(&app, instance.id, label, &by).await?;
    }
    let voices = people::of_instance(&app, instance.id).await?;
    if context.out.is_json() {
        context.out.json(&json!({ "items": voices }))?;
        return Ok(Exit::Done);
    }
    for voice in &voices {
        context.out.line(line(voice))?;
    }
    if voices.is_empty() {
        context.out.note(paint(
            style::DIM,
            "No transcript of the meeting names who speaks.",
        ));
    }
    Ok(Exit::Done)
}

fn line(voice: &Voice) -> String {
    let who = if voice.name == voice.label {
        String::new()
    } else {
        format!(" is {}", clean(&voice.name))
    };
    let email = voice
        .email
        .as_deref()
        .map_or_else(String::new, |email| format!(" <{}>", clean(email)));
    let source = serde_json::to_value(voice.source)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default();
    let why = paint(
        style::DIM,
        format!("{source}, {} %, {} cues", voice.confidence / 10, voice.cues),
    );
    format!(
        "{}{who}{email}  {why}",
        paint(style::STRONG, clean(&voice.label))
    )
}
