//! The commands, one file each: flags, one or two calls, output.

pub(crate) mod action;
pub(crate) mod analyze;
pub(crate) mod api;
pub(crate) mod api_keys;
pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod availability;
pub(crate) mod backfill;
pub(crate) mod calendars;
pub(crate) mod completions;
pub(crate) mod component;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod destination;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod insights;
pub(crate) mod jobs;
pub(crate) mod mcp;
pub(crate) mod meetings;
pub(crate) mod models;
pub(crate) mod names;
pub(crate) mod people;
pub(crate) mod recordings;
pub(crate) mod reminders;
pub(crate) mod schedule;
pub(crate) mod scopes;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod transcript;
pub(crate) mod vault;

mod paging;
mod when;

use crate::args::Command;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Runs a command.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Demo(command) => Box::pin(demo::run(command, context)).await,
        Command::Serve(command) => serve::run(command, context).await,
        Command::Simulate(command) => simulate::run(command, context).await,
        Command::Connect(command) => connect::run(command, context).await,
        Command::Connections(command) => connections::run(command, context).await,
        Command::Component(command) => component::run(command, context).await,
        Command::Action(command) => action::run(command, context).await,
        Command::Sync(command) => sync::run(command, context).await,
        Command::Calendars(command) => Box::pin(calendars::run(command, context)).await,
        Command::Destination(command) => destination::run(command, context).await,
        Command::Deliveries(command) => deliveries::run(command, context).await,
        Command::People(command) => people::run(command, context).await,
        Command::Keys(command) => api_keys::run(command, context).await,
        Command::Mcp(command) => Box::pin(mcp::run(command, context)).await,
        Command::Scopes(command) => scopes::run(&command, context),
        Command::Api(command) => api::run(command, context).await,
        Command::Backfill(command) => backfill::run(command, context).await,
        Command::Meetings(command) => meetings::run(command, context).await,
        Command::Schedule(command) => Box::pin(schedule::run(*command, context)).await,
        Command::Reschedule(command) => schedule::reschedule(command, context).await,
        Command::Cancel(command) => schedule::cancel(command, context).await,
        Command::Reminders(command) => reminders::run(command, context).await,
        Command::Availability(command) => availability::run(command, context).await,
        Command::Suggest(command) => availability::suggest(command, context).await,
        Command::Recordings(command) => recordings::run(command, context).await,
        Command::Transcript(command) => transcript::run(command, context).await,
        Command::Search(command) => search::run(command, context).await,
        Command::Analyze(command) => analyze::run(command, context).await,
        Command::Ask(command) => ask::run(command, context).await,
        Command::Models(command) => models::run(command, context).await,
        Command::Insights(command) => insights::run(command, context).await,
        Command::Events(command) => events::run(command, context).await,
        Command::Jobs(command) => jobs::run(command, context).await,
        Command::Status(command) => status::run(command, context).await,
        Command::Doctor(command) => doctor::run(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Vault(command) => vault::run(command, context).await,
        Command::Completions(command) => completions::run(&command, context),
        Command::Config(command) => config::run(&command, context),
    }
}
