//! `destination …`: the systems that records go to.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parfocal_engine::EngineError;
use parfocal_engine::activate::{AddDestination, BackfillOrder, DestinationView, StreamView};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{DestinationState, StreamId};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::when::When;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style;
use crate::output::table::{Align, Field, Table};

/// Add, list, test and switch the systems that records go to
#[derive(Debug, Subcommand)]
pub(crate) enum Destination {
    /// Add a destination; it gets what happens from now on
    Add(Add),
    /// List destinations: how they do, what waits, what is dead
    List,
    /// Show a destination with what it reads
    Show(Named),
    /// Ask a destination whether it works; a webhook gets a test event
    Test(Named),
    /// Switch a destination on: everything that waits is sent
    Enable(Named),
    /// Switch a destination off: what happens meanwhile waits
    Disable(Named),
    /// Make a new signing secret; the one before signs as well for some hours
    Rotate(Rotate),
    /// Send what is kept from before, or with --replay what arrived already
    Backfill(Backfill),
    /// Pause what a destination reads
    Pause(Stream),
    /// Let a paused stream go on
    Resume(Stream),
    /// Read and send everything that is due now, in this process
    Run,
    /// Forget a destination, its secret and its deliveries; what is there stays there
    Remove(Named),
}

/// Add a destination
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Which sort of system: webhook, brevo
    kind: String,
    /// A name for it: letters, digits, - and _
    name: String,
    /// The address that events are posted to (webhook)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Only these types of event, such as meeting.* (webhook); again for more
    #[arg(long, value_name = "TYPE")]
    types: Vec<String>,
    /// The address may be in a private network, and without TLS (webhook)
    #[arg(long)]
    private_networks: bool,
    /// Its configuration as JSON, beside or in place of the flags
    #[arg(long, value_name = "JSON")]
    config_json: Option<String>,
    /// A file with what opens it (brevo: the API key)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// A destination by its name
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name
    name: String,
}

/// Make a new signing secret
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its name
    name: String,
    /// How many hours the secret before signs as well
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u32,
}

/// Send what is kept from before
#[derive(Debug, Args)]
pub(crate) struct Backfill {
    /// Its name
    name: String,
    /// Only what happened from then on
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,
    /// Only this kind of thing, such as meeting.*; again for more
    #[arg(long, value_name = "KIND")]
    only: Vec<String>,
    /// Also what arrived already (webhook)
    #[arg(long)]
    replay: bool,
}

/// A stream by its id
#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// Its id, as `destination show` prints it
    id: StreamId,
}

impl Add {
    fn config(&self) -> Result<Value, Failure> {
        let mut config = match &self.config_json {
            None => json!({}),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| EngineError::invalid(format!("--config-json: {error}")))?,
        };
        let Some(fields) = config.as_object_mut() else {
            return Err(EngineError::invalid("--config-json is no object").into());
        };
        if let Some(url) = &self.url {
            fields.insert("url".into(), json!(url));
        }
        if !self.types.is_empty() {
            fields.insert("types".into(), json!(self.types));
        }
        if self.private_networks {
            fields.insert("private_networks".into(), json!(true));
        }
        Ok(config)
    }

    fn secret(&self) -> Result<Option<SecretString>, Failure> {
        let Some(file) = &self.secret_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(file).map_err(|error| {
            EngineError::invalid(format!("cannot read {}: {error}", file.display()))
        })?;
        Ok(Some(text.trim().to_owned().into()))
    }
}

/// Runs `destination …`.
pub(crate) async fn run(command: Destination, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let verbs = app.destinations();
    let by = Caller::local(Surface::Cli).by();
    let out = &context.out;
    match command {
        Destination::Add(add) => {
            let new = AddDestination {
                name: add.name.clone(),
                kind: add.kind.clone(),
                config: add.config()?,
            };
            let (view, secrets) = verbs.add(&new, add.secret()?.as_ref(), &by).await?;
            let secret = secrets.map(|secrets| secrets.current.expose_secret().to_owned());
            if out.is_json() {
                out.json(&json!({"destination": view, "secret": secret}))?;
            } else {
                out.line(format!("{} gets what happens from now on", view.name))?;
                if let Some(secret) = secret {
                    out.line(format!("secret, shown only now: {secret}"))?;
                }
            }
            Ok(Exit::Done)
        }
        Destination::List => list(&verbs.list().await?, context),
        Destination::Show(named) => show(&verbs.get(&named.name).await?, context),
        Destination::Enable(named) => show(&verbs.switch(&named.name, true, &by).await?, context),
        Destination::Disable(named) => show(&verbs.switch(&named.name, false, &by).await?, context),
        Destination::Test(named) => {
            let checked = verbs.test(&named.name).await?;
            if out.is_json() {
                out.json(&checked)?;
            } else {
                let status = checked
                    .said
                    .status
                    .map_or_else(|| "no answer".into(), |status| format!("HTTP {status}"));
                out.line(format!(
                    "{}: {status} {}",
                    named.name,
                    clean(&checked.said.text)
                ))?;
                if let Some(advice) = &checked.advice {
                    out.line(advice)?;
                }
            }
            Ok(if checked.ok {
                Exit::Done
            } else {
                Exit::NeedsAttention
            })
        }
        Destination::Rotate(rotate) => {
            let secrets = verbs.rotate(&rotate.name, Some(rotate.hours), &by).await?;
            let secret = secrets.current.expose_secret();
            if out.is_json() {
                out.json(&json!({"secret": secret, "previous_until": secrets.previous_until}))?;
            } else {
                out.line(format!("secret, shown only now: {secret}"))?;
                if let Some(until) = secrets.previous_until {
                    out.line(format!("the one before signs as well until {until}"))?;
                }
            }
            Ok(Exit::Done)
        }
        Destination::Backfill(order) => {
            let now = app.clock().now();
            let order_of = BackfillOrder {
                since: order.since.map(|since| since.resolve(now)),
                only: order.only,
                replay: order.replay,
            };
            let stream = verbs.backfill(&order.name, &order_of, &by).await?;
            if out.is_json() {
                out.json(&stream)?;
            } else {
                out.line(format!(
                    "{} {} has begun; `parfocal destination show {}` tells how far it is",
                    stream.kind, stream.id, order.name
                ))?;
            }
            Ok(Exit::Done)
        }
        Destination::Pause(stream) => moved(&verbs.pause(stream.id, true, &by).await?, context),
        Destination::Resume(stream) => moved(&verbs.pause(stream.id, false, &by).await?, context),
        Destination::Run => {
            verbs.run().await?;
            list(&verbs.list().await?, context)
        }
        Destination::Remove(named) => {
            verbs.remove(&named.name, &by).await?;
            if out.is_json() {
                out.json(&json!({"removed": named.name}))?;
            } else {
                out.line(format!(
                    "{} is forgotten; what is there stays there",
                    named.name
                ))?;
            }
            Ok(Exit::Done)
        }
    }
}

fn moved(stream: &StreamView, context: &Context) -> Result<Exit, Failure> {
    if context.out.is_json() {
        context.out.json(stream)?;
    } else {
        context
            .out
            .line(format!("{} {} is {}", stream.kind, stream.id, stream.state))?;
    }
    Ok(Exit::Done)
}

/// Whether a person has to do something.
fn exit(views: &[DestinationView]) -> Exit {
    let wrong = views
        .iter()
        .any(|one| one.state == DestinationState::Stopped || one.deliveries.dead > 0);
    if wrong {
        Exit::NeedsAttention
    } else {
        Exit::Done
    }
}

fn list(views: &[DestinationView], context: &Context) -> Result<Exit, Failure> {
    if context.out.is_json() {
        context.out.json(&views)?;
        return Ok(exit(views));
    }
    let mut table = Table::new(
        &[
            ("NAME", Align::Left),
            ("KIND", Align::Left),
            ("STATE", Align::Left),
            ("DONE", Align::Right),
            ("WAITING", Align::Right),
            ("DEAD", Align::Right),
            ("UNREAD", Align::Right),
            ("LAG", Align::Right),
            ("WHY", Align::Left),
        ],
        "Nothing is carried anywhere; `parfocal destination add` adds a destination.",
    );
    for one in views {
        let state = if one.enabled {
            one.state.as_str()
        } else {
            "off"
        };
        table.row([
            Field::from(&one.name),
            Field::from(&one.kind),
            Field::from(state),
            Field::from(one.deliveries.done.to_string()),
            Field::from((one.deliveries.pending + one.deliveries.waiting).to_string()),
            Field::from(one.deliveries.dead.to_string()),
            Field::from(one.unread.to_string()),
            Field::from(format!("{} s", one.lag_seconds)),
            Field::styled(style::DIM, clean(one.reason.as_deref().unwrap_or(""))),
        ]);
    }
    table.print(&context.out)?;
    Ok(exit(views))
}

fn show(view: &DestinationView, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    if out.is_json() {
        out.json(view)?;
        return Ok(exit(std::slice::from_ref(view)));
    }
    list(std::slice::from_ref(view), context)?;
    out.line(format!("config  {}", view.config))?;
    if let Some(advice) = &view.advice {
        out.line(format!("to do   {}", clean(advice)))?;
    }
    if let Some(at) = view.retry_at {
        out.line(format!("again   {at}"))?;
    }
    for stream in &view.streams {
        out.line(format!(
            "stream  {} {} {}: {} seen, {} queued, at {}",
            stream.id, stream.kind, stream.state, stream.seen, stream.queued, stream.position
        ))?;
    }
    Ok(exit(std::slice::from_ref(view)))
}
