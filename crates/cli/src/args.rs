//! The command line as a tree.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default().dimmed());

const AFTER_HELP: &str = "\
Try it without a Zoom account:  parfocal demo
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 somebody has to act (for instance reconnect).";

/// Everything between Zoom and the systems people work in: takes meetings in, keeps what was said, finds it again.
#[derive(Debug, Parser)]
#[command(name = "parfocal", version, styles = STYLES, after_help = AFTER_HELP, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print JSON, for programs; failures become problem objects on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Configuration file [default: parfocal.yaml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory, instead of the configured one
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Say more: -v what happens, -vv each step, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Even into a pipe
    Always,
    /// Never
    Never,
}

impl Color {
    /// Tells everything that prints.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the main job on an embedded Zoom account: nothing else needed
    Demo(commands::demo::Demo),
    /// Run the server: webhooks, background work, API and pages
    Serve(commands::serve::Serve),
    /// Run a Zoom account on this machine, for trying things and for tests
    Simulate(commands::simulate::Simulate),
    /// Connect a Zoom account
    #[command(subcommand)]
    Connect(commands::connect::Connect),
    /// List, check, mend and remove connections
    #[command(subcommand)]
    Connections(commands::connections::Connections),
    /// Print the scopes and events to tick for an app at Zoom
    Scopes(commands::scopes::Scopes),
    /// Call Zoom's REST API through a connection
    Api(commands::api::Api),
    /// Take in an account's past meetings
    #[command(subcommand)]
    Backfill(commands::backfill::Backfill),
    /// List actions, describe one, run one: everything Zoom can be asked for by name
    #[command(subcommand)]
    Action(commands::action::Action),
    /// List meetings, show one, schedule, change, cancel and end them
    #[command(subcommand)]
    Meetings(commands::meetings::Meetings),
    /// Schedule a meeting with its calendar event, invitations and reminders; list what was scheduled
    Schedule(Box<commands::schedule::Schedule>),
    /// Change a scheduled meeting, or one occurrence of it
    Reschedule(commands::schedule::Reschedule),
    /// Call a scheduled meeting off, or one occurrence of it
    Cancel(commands::schedule::Cancel),
    /// List, add and cancel the reminders of scheduled meetings
    #[command(subcommand)]
    Reminders(commands::reminders::Reminders),
    /// Find the times at which everybody can be met
    Availability(commands::availability::Availability),
    /// Suggest the times that suit best, and say why
    Suggest(commands::availability::Availability),
    /// List recordings, download their files
    #[command(subcommand)]
    Recordings(commands::recordings::Recordings),
    /// Show a meeting's transcript, parse a transcript file
    #[command(subcommand)]
    Transcript(commands::transcript::Transcript),
    /// Find what was said
    Search(commands::search::Search),
    /// Say what a meeting was about, what was decided and who owes what
    Analyze(commands::analyze::Analyze),
    /// List action items, decisions and other statements across meetings
    Insights(commands::insights::Insights),
    /// Ask a question over all meetings
    Ask(commands::ask::Ask),
    /// Show the configured language models and what they have used today
    Models(commands::models::Models),
    /// List, show and replay webhooks
    #[command(subcommand)]
    Events(commands::events::Events),
    /// List, show, retry and drop background work
    #[command(subcommand)]
    Jobs(commands::jobs::Jobs),
    /// Show connections, work under way and what needs attention
    Status(commands::status::Status),
    /// Look for what is wrong with this installation
    Doctor(commands::doctor::Doctor),
    /// List capabilities, switch them on and off, check what they need
    #[command(subcommand)]
    Component(commands::component::Component),
    /// See what goes to Brevo and why: the mapping, what would be sent
    #[command(subcommand)]
    Sync(commands::sync::Sync),
    /// Add, list, check and remove the calendars that meetings are written to
    #[command(subcommand)]
    Calendars(commands::calendars::Calendars),
    /// Add, list, test and switch the systems that records go to
    #[command(subcommand)]
    Destination(commands::destination::Destination),
    /// List, show, retry and drop what is carried to destinations
    #[command(subcommand)]
    Deliveries(commands::deliveries::Deliveries),
    /// Show what is known of a person and what destinations have of them, and why
    #[command(subcommand)]
    People(commands::people::People),
    /// Make, list and revoke keys of the API
    #[command(subcommand)]
    Keys(commands::api_keys::Keys),
    /// Offer tools, meetings and questions to an assistant that starts this command
    Mcp(commands::mcp::Mcp),
    /// Show who changed what, and check that the log is whole
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    /// Manage the keys under which secrets are stored
    #[command(subcommand)]
    Vault(commands::vault::Vault),
    /// Print a completion script for a shell
    Completions(commands::completions::Completions),
    /// Check the configuration, print its reference
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
}
