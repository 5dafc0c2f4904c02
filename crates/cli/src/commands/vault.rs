//! `vault rotate`: stores every secret under the present key.

use clap::Subcommand;

use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::grouped;
use crate::output::progress::Progress;
use crate::output::style::{self, paint};

/// Manage the keys under which secrets are stored
#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Encrypt every secret anew under the present key (TOKEN_ENCRYPTION_KEY)
    Rotate,
}

/// Runs the command.
pub(crate) async fn run(command: Vault, context: &Context) -> Result<Exit, Failure> {
    let Vault::Rotate = command;
    let app = context.app().await?;
    let step = Progress::start(&context.out, "Encrypting anew");
    let rotation = app.vault().rotate().await?;
    drop(step);
    if context.out.is_json() {
        context.out.json(&rotation)?;
    } else {
        let key = paint(style::DIM, format!("key {}", rotation.key_id));
        context.out.line(format!(
            "{} {} secrets are now under {key}",
            paint(style::OK, "✓"),
            grouped(rotation.resealed)
        ))?;
        if rotation.unreadable > 0 {
            context.out.warn(format!(
                "{} secrets were stored under another key: set it as TOKEN_ENCRYPTION_KEY_PREVIOUS and run this again",
                rotation.unreadable
            ));
        } else {
            context.out.note(paint(
                style::DIM,
                "TOKEN_ENCRYPTION_KEY_PREVIOUS is not needed any more.",
            ));
        }
    }
    Ok(attention(rotation.unreadable > 0))
}
