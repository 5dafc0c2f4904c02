//! `calendars add|connect|list|check|sync|conflicts|settle|remove|feed`: where meetings are written to.

mod connect;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use parfocal_engine::calendar::{CalendarAccountView, Feed, Opener, Settings};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::schedule::{How, Keep, SettleRequest};
use parfocal_engine::store::ScheduleId;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style;
use crate::output::table::{Align, Field, Table};

/// Add, list, check and remove the calendars that meetings are written to
#[derive(Debug, Subcommand)]
pub(crate) enum Calendars {
    /// Add a calendar and try it
    Add(Box<Add>),
    /// Connect a person's own calendar: they agree in a browser
    Connect(connect::Connect),
    /// List calendars and whether they work
    List,
    /// Try a calendar
    Check(Named),
    /// Read what people changed in a calendar: answers are taken over, everything else is put up as a conflict
    Sync(Named),
    /// List what people changed in calendars and nobody has decided about yet
    Conflicts,
    /// Decide what people changed in a calendar
    Settle(Settle),
    /// Forget a calendar and what opens it; events that were written stay
    Remove(Named),
    /// Print the path of the built-in feed, to which any calendar can subscribe; whoever knows it reads the meetings
    Feed,
}

/// What sort of calendar
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Google Calendar
    Google,
    /// Microsoft 365
    Microsoft,
    /// Any CalDAV server
    Caldav,
}

/// Add a calendar and try it
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What sort of calendar
    kind: Kind,
    /// A name for it
    name: String,
    /// The key file of a service account (Google)
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Whose calendar the service account or the application writes
    #[arg(long, value_name = "ADDRESS")]
    person: Option<String>,
    /// The tenant's id or domain (Microsoft)
    #[arg(long, value_name = "TENANT", default_value = "organizations")]
    tenant: String,
    /// The client id of your app at Google or Microsoft
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The calendar at Google
    #[arg(long, value_name = "ID", default_value = "primary")]
    calendar: String,
    /// The server or the collection (CalDAV)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The user name (CalDAV)
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// A file with the secret: the client's secret, or the password (CalDAV)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A file with the refresh token of a person who agreed; without it the app acts as itself (Microsoft)
    #[arg(long, value_name = "FILE")]
    refresh_token_file: Option<PathBuf>,
    /// Where the API is, for servers that stand in for it
    #[arg(long, value_name = "URL", hide = true)]
    api_url: Option<String>,
    /// Where tokens are given, for servers that stand in for it
    #[arg(long, value_name = "URL", hide = true)]
    token_url: Option<String>,
    /// The calendar does not mail the guests; we do
    #[arg(long)]
    own_invitations: bool,
}

/// Which conflict, and which side is right
#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// The schedule's id
    schedule: ScheduleId,
    /// Which side is right: as it was scheduled here, or as the calendar says
    #[arg(long, value_enum)]
    keep: Side,
    /// The calendar, such as google, when there are several
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
}

/// A side of a conflict
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Side {
    /// As it was scheduled here: written to the calendar again
    Ours,
    /// As the calendar says: moved, renamed, or called off where it was deleted
    Theirs,
}

/// A calendar by its name
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name
    name: String,
}

fn missing(what: &str) -> Failure {
    parfocal_engine::EngineError::invalid(format!("{what} is missing")).into()
}

fn read(file: Option<&PathBuf>, what: &str) -> Result<String, Failure> {
    let file = file.ok_or_else(|| missing(what))?;
    let text = std::fs::read_to_string(file).map_err(|error| {
        parfocal_engine::EngineError::invalid(format!("cannot read {}: {error}", file.display()))
    })?;
    Ok(text.trim().to_owned())
}

impl Add {
    fn settings(&self) -> Result<Settings, Failure> {
        Ok(match self.kind {
            Kind::Google => {
                let mut settings = Settings::google();
                if let Settings::Google {
                    calendar,
                    person,
                    invites,
                    api_url,
                    token_url,
                } = &mut settings
                {
                    calendar.clone_from(&self.calendar);
                    person.clone_from(&self.person);
                    *invites = !self.own_invitations;
                    if let Some(url) = &self.api_url {
                        api_url.clone_from(url);
                    }
                    if let Some(url) = &self.token_url {
                        token_url.clone_from(url);
                    }
                }
                settings
            }
            Kind::Microsoft => {
                let mut settings = Settings::microsoft(&self.tenant);
                if let Settings::Microsoft {
                    mailbox,
                    invites,
                    api_url,
                    login_url,
                    ..
                } = &mut settings
                {
                    mailbox.clone_from(&self.person);
                    *invites = !self.own_invitations;
                    if let Some(url) = &self.api_url {
                        api_url.clone_from(url);
                    }
                    if let Some(url) = &self.token_url {
                        login_url.clone_from(url);
                    }
                }
                settings
            }
            Kind::Caldav => Settings::Caldav {
                url: self.url.clone().ok_or_else(|| missing("--url"))?,
                user: self.user.clone().ok_or_else(|| missing("--user"))?,
                collection: None,
            },
        })
    }

    fn opener(&self) -> Result<Opener, Failure> {
        if let (Kind::Caldav, file) = (self.kind, self.secret_file.as_ref()) {
            return Ok(Opener::Password {
                password: read(file, "--secret-file with the password")?,
            });
        }
        if let (Kind::Google, Some(file)) = (self.kind, &self.key_file) {
            return Ok(Opener::ServiceAccount {
                key_file: read(Some(file), "--key-file")?,
            });
        }
        let client_id = self
            .client_id
            .clone()
            .ok_or_else(|| missing("--client-id"))?;
        let client_secret = read(
            self.secret_file.as_ref(),
            "--secret-file with the client's secret",
        )?;
        match (&self.refresh_token_file, self.kind) {
            (Some(file), _) => Ok(Opener::Refresh {
                client_id,
                client_secret,
                refresh_token: read(Some(file), "--refresh-token-file")?,
            }),
            (None, Kind::Microsoft) => Ok(Opener::Client {
                client_id,
                client_secret,
            }),
            (None, _) => Err(missing("--key-file or --refresh-token-file")),
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Calendars, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let accounts = app.calendar_accounts();
    let out = &context.out;
    match command {
        Calendars::Add(add) => {
            let view = accounts
                .add(&add.name, &add.settings()?, &add.opener()?)
                .await?;
            told(&view, context)
        }
        Calendars::Connect(wish) => {
            let view = connect::run(&app, wish, context).await?;
            match view {
                Some(view) => told(&view, context),
                None => Ok(Exit::NeedsAttention),
            }
        }
        Calendars::Check(named) => told(&accounts.check(&named.name).await?, context),
        Calendars::Remove(named) => {
            accounts.remove(&named.name).await?;
            if out.is_json() {
                out.json(&json!({ "removed": named.name }))?;
            } else {
                out.line(format!(
                    "{} is forgotten; its events stay where they are",
                    named.name
                ))?;
            }
            Ok(Exit::Done)
        }
        Calendars::List => {
            let list = accounts.list().await?;
            if out.is_json() {
                out.json(&list)?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("NAME", Align::Left),
                    ("CALENDAR", Align::Left),
                    ("STATE", Align::Left),
                    ("WHY", Align::Left),
                ],
                "There is no calendar but the built-in feed; `parfocal calendars add` adds one.",
            );
            for one in &list {
                table.row([
                    Field::from(&one.name),
                    Field::from(&one.calendar),
                    Field::from(&one.state),
                    Field::styled(style::DIM, one.reason.as_deref().unwrap_or("")),
                ]);
            }
            table.print(out)?;
            Ok(Exit::Done)
        }
        Calendars::Sync(named) => {
            let report = accounts.sync(&named.name).await?;
            if out.is_json() {
                out.json(&report)?;
            } else {
                out.line(format!(
                    "{} told {} events: {} as we wrote them, {} others; {} answers taken over, {} conflicts, {} of them settled by the policy",
                    named.name, report.told, report.echoes, report.others, report.answers, report.conflicts, report.settled
                ))?;
            }
            Ok(if report.conflicts == report.settled {
                Exit::Done
            } else {
                Exit::NeedsAttention
            })
        }
        Calendars::Conflicts => {
            let list = accounts.conflicts().await?;
            if out.is_json() {
                out.json(&list)?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("SCHEDULE", Align::Left),
                    ("CALENDAR", Align::Left),
                    ("WHAT", Align::Left),
                    ("TITLE", Align::Left),
                ],
                "Calendars and meetings agree.",
            );
            for one in &list {
                table.row([
                    Field::from(one.schedule.to_string()),
                    Field::from(&one.calendar),
                    Field::from(&one.what),
                    Field::from(&one.title),
                ]);
            }
            table.print(out)?;
            Ok(Exit::Done)
        }
        Calendars::Settle(settle) => {
            let request = SettleRequest {
                schedule: settle.schedule,
                calendar: settle.calendar,
                keep: match settle.keep {
                    Side::Ours => Keep::Ours,
                    Side::Theirs => Keep::Theirs,
                },
            };
            let how = How::new(Caller::local(Surface::Cli));
            let meeting = app.scheduling().settle(&request, &how).await?;
            if out.is_json() {
                out.json(&meeting)?;
            } else {
                out.line(format!(
                    "settled: {} {} {}",
                    clean(&meeting.title),
                    meeting.start_local,
                    meeting.timezone
                ))?;
            }
            Ok(Exit::Done)
        }
        Calendars::Feed => {
            let secret = Feed::secret(&app).await?;
            let path = format!("/calendar/{}.ics", secret.expose_secret());
            let file = app.config().data.dir.join("calendar.ics");
            if out.is_json() {
                out.json(&json!({ "path": path, "file": file }))?;
            } else {
                out.line(&path)?;
                out.note(
                    "Put the server's address before it; whoever knows it reads the meetings.",
                );
            }
            Ok(Exit::Done)
        }
    }
}

fn told(view: &CalendarAccountView, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    if out.is_json() {
        out.json(view)?;
    } else {
        let why = view.reason.as_deref().map(|why| format!(": {why}"));
        out.line(format!(
            "{} is {}{}",
            view.name,
            view.state,
            why.unwrap_or_default()
        ))?;
    }
    Ok(if view.state == "working" {
        Exit::Done
    } else {
        Exit::NeedsAttention
    })
}
