//! `vault rotate`: stores every secret under the present key.

use clap::Subcommand;

use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::grouped;
use crate::output::progress::Progress;
use crate::output::style::{self, paint};
use parfocal_engine::keys::{Caller, Surface};

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
    let rotation = app
        .vault()
        .rotate(&Caller::local(Surface::Cli).by())
        .await?;
    drop(step);
    if context.out.is_json() {
        context.out.json(&rotation)?;
    } else {
        let key = paint(style::DIM, format!("key {}", rotation.key_id));
        let secrets = |n: u64| match n {
            1 => "1 secret".to_owned(),
            n => format!("{} secrets", grouped(n)),
        };
        let (done, left) = (rotation.resealed + rotation.overtaken, rotation.unreadable);
        if left > 0 {
            // What is missing comes first: nothing is finished while somebody's key is still needed.
            context.out.line(format!(
                "{} {} under a key that is not here; {} now under {key}",
                paint(style::WARN, "!"),
                secrets(left),
                secrets(done)
            ))?;
            context.out.warn(
                "set the former key as TOKEN_ENCRYPTION_KEY_PREVIOUS and run this again; if it is lost, remove the connections and connect anew",
            );
        } else {
            context.out.line(format!(
                "{} {} now under {key}",
                paint(style::OK, "✓"),
                secrets(done)
            ))?;
            context.out.note(paint(
                style::DIM,
                "TOKEN_ENCRYPTION_KEY_PREVIOUS is not needed any more.",
            ));
        }
    }
    Ok(attention(rotation.unreadable > 0))
}
