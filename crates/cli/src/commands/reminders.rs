//! `reminders list|add|cancel|push`: what people are reminded of before a meeting begins.

use clap::{Args, Subcommand};
use parfocal_engine::calendar::Reminder;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::notify::push;
use parfocal_engine::schedule::{ChangeRequest, How};
use parfocal_engine::store::{ReminderState, ScheduleId};
use serde_json::json;

use super::schedule::{present, reminder};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::table::{Align, Field, Table};

/// Rows of a list.
const ROWS: u32 = 500;

/// List, add and cancel the reminders of scheduled meetings
#[derive(Debug, Subcommand)]
pub(crate) enum Reminders {
    /// List reminders, the first due first
    List(List),
    /// Remind people of a meeting once more
    Add(Which),
    /// Remind people of a meeting no more
    Cancel(Cancel),
    /// Print where a person subscribes to reminders by push; whoever knows the address reads them
    Push {
        /// Their e-mail address
        email: String,
    },
}

/// Which reminders
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this schedule
    #[arg(long, value_name = "ID")]
    schedule: Option<ScheduleId>,
    /// Only what stands so: planned, queued, sent, late, failed
    #[arg(long, value_name = "STATE")]
    state: Option<ReminderState>,
}

/// A reminder of a schedule
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The schedule's id
    schedule: ScheduleId,
    /// So long before each occurrence: 5m by mail, push:5m on people's devices, webhook:1h
    before: String,
}

/// Which reminders are not wanted
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The schedule's id
    schedule: ScheduleId,
    /// Only this one: 5m, push:5m [default: all of them]
    before: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Reminders, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    let how = How::new(Caller::local(Surface::Cli));
    match command {
        Reminders::List(which) => {
            let rows = app
                .store()
                .reminders(app.scope(), which.schedule, which.state, ROWS)
                .await
                .map_err(parfocal_engine::EngineError::from)?;
            if out.is_json() {
                out.json(&rows)?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("DUE", Align::Left),
                    ("STATE", Align::Left),
                    ("BY", Align::Left),
                    ("TO", Align::Left),
                    ("TITLE", Align::Left),
                    ("WHY", Align::Left),
                ],
                "Nobody is reminded of anything. `parfocal reminders add` adds a reminder to a schedule.",
            );
            for row in &rows {
                table.row([
                    row.due_at.to_string().into(),
                    Field::state(row.state.as_str()),
                    Field::from(&row.method),
                    clean(&row.email).into(),
                    clean(&row.title).into(),
                    clean(row.error.as_deref().unwrap_or_default()).into(),
                ]);
            }
            table.print(out)?;
            Ok(Exit::Done)
        }
        Reminders::Add(which) => {
            let wanted = reminder(&which.before)?;
            let scheduling = app.scheduling();
            let done = scheduling
                .schedule_reminder(which.schedule, wanted, &how)
                .await?;
            present(&done, out)
        }
        Reminders::Cancel(which) => {
            let gone = which.before.as_deref().map(reminder).transpose()?;
            let there = app.scheduling().get(which.schedule).await?.reminders;
            let left: Vec<Reminder> = match gone {
                Some(gone) if !there.contains(&gone) => {
                    return Err(
                        Failure::failed("not_found", "the schedule has no such reminder")
                            .hint("`parfocal schedule show ID --json` lists its reminders."),
                    );
                }
                Some(gone) => there.into_iter().filter(|one| *one != gone).collect(),
                None => Vec::new(),
            };
            let change = ChangeRequest {
                reminders: Some(left),
                allow_conflicts: true,
                ..ChangeRequest::default()
            };
            let done = app
                .scheduling()
                .reschedule(which.schedule, &change, &how)
                .await?;
            present(&done, out)
        }
        Reminders::Push { email } => {
            let address = push::address(&app, &email).await?;
            if out.is_json() {
                out.json(&json!({ "email": email, "address": address }))?;
            } else {
                out.line(&address)?;
                out.note("Subscribe to it in the app of the push server; whoever knows it reads these reminders.");
            }
            Ok(Exit::Done)
        }
    }
}
