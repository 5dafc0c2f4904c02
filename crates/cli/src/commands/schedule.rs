//! `schedule`, `reschedule`, `cancel`: meetings with their calendar events, invitations and reminders.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use parfocal_engine::App;
use parfocal_engine::calendar::{Reminder, ReminderMethod, Role};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::provider::Registration;
use parfocal_engine::schedule::{
    CancelRequest, ChangeRequest, Guest, How, Preview, RegistrantReport, ScheduleRequest,
    Scheduled, ScheduledMeeting, Unrepeatable,
};
use parfocal_engine::store::{ScheduleFilter, ScheduleId, ScheduleState};

use super::meetings::times;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean};

/// How long a command waits for the end.
const WAIT: Duration = Duration::from_mins(2);
/// Occurrences that are shown.
const SHOWN: usize = 10;

/// Schedule a meeting with its calendar event, invitations and reminders
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    new: New,
}

/// Look at what was scheduled
#[derive(Debug, Subcommand)]
enum Verb {
    /// List what was scheduled
    List {
        /// Only what stands so: pending, scheduled, cancelled, failed, stuck
        #[arg(long, value_name = "STATE")]
        state: Option<ScheduleState>,
    },
    /// Show everything about one
    Show {
        /// Its id
        id: ScheduleId,
    },
    /// Try again what could neither be done nor taken back
    Retry {
        /// Its id
        id: ScheduleId,
    },
    /// Bring who registered at Zoom and who is invited into line, both ways
    Registrants {
        /// Its id
        id: ScheduleId,
    },
}

/// What to schedule
#[derive(Debug, Args)]
struct New {
    /// What it is about
    #[arg(required = true)]
    title: Option<String>,
    /// When it begins: 'mon 9:00', 'tomorrow 14:30', '2030-01-07 09:00', or RFC 3339
    #[arg(long, value_name = "WHEN", required = true)]
    at: Option<String>,
    /// How long it lasts: 30m, 1h, 1h30m [default: 30m]
    #[arg(long, value_name = "LENGTH")]
    duration: Option<String>,
    /// Time zone, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// How it repeats: day, weekday, week, '2 weeks', month, mon,wed, or a rule such as FREQ=MONTHLY;BYDAY=-1FR
    #[arg(long, value_name = "RULE")]
    every: Option<String>,
    /// After how many times it ends
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// The last day
    #[arg(long, value_name = "DAY", conflicts_with = "count")]
    until: Option<Date>,
    /// A day on which it does not take place; may be repeated
    #[arg(long, value_name = "DAY")]
    except: Vec<Date>,
    /// Somebody who has to come; may be repeated
    #[arg(long, value_name = "EMAIL")]
    with: Vec<String>,
    /// Somebody who may come; may be repeated
    #[arg(long, value_name = "EMAIL")]
    maybe: Vec<String>,
    /// Remind so long before: 5m by mail, push:5m on people's devices, webhook:1h; may be repeated
    #[arg(long, value_name = "LENGTH")]
    remind: Vec<String>,
    /// People register at Zoom before they may come; who is invited is registered
    #[arg(long, value_enum, value_name = "HOW")]
    registration: Option<Registered>,
    /// The calendar that it is to stand in, or none [default: the built-in feed, where there is one]
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// The calendar's account, when there are several
    #[arg(long, value_name = "NAME")]
    calendar_account: Option<String>,
    /// A calendar that refuses is a warning
    #[arg(long)]
    calendar_optional: bool,
    /// Who holds it: an e-mail address or a user id of the provider
    #[arg(long, value_name = "USER")]
    host: Option<String>,
    /// Its description
    #[arg(long, value_name = "TEXT")]
    agenda: Option<String>,
    /// The connection to use, when there are several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Even if somebody is busy then
    #[arg(long)]
    allow_conflicts: bool,
    /// One room without a fixed time, when the provider cannot repeat like this
    #[arg(long)]
    room: bool,
    /// Each time as a meeting of its own, 60 at most, when the provider cannot repeat like this
    #[arg(long, conflicts_with = "room")]
    expand: bool,
    /// Only tell when it would take place and who is busy then
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: Safely,
}

/// Who is let in
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Registered {
    /// Whoever registers
    Automatic,
    /// Whom the host lets in
    Manual,
}

/// How it is done
#[derive(Debug, Args)]
struct Safely {
    /// A text that makes a repetition safe: the same key makes the same meeting
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Leave the work to a running `parfocal serve` and return at once
    #[arg(long)]
    detach: bool,
}

/// Change a scheduled meeting, or one occurrence of it
#[derive(Debug, Args)]
pub(crate) struct Reschedule {
    /// Its id
    id: ScheduleId,
    /// Only this occurrence of a series: its day, or its start as 2030-01-07T09:00
    #[arg(long, value_name = "WHEN")]
    occurrence: Option<String>,
    /// When it begins
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,
    /// How long it lasts
    #[arg(long, value_name = "LENGTH")]
    duration: Option<String>,
    /// Time zone of the start [default: the meeting's]
    #[arg(long, value_name = "ZONE", requires = "at")]
    timezone: Option<String>,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Its description
    #[arg(long, value_name = "TEXT")]
    agenda: Option<String>,
    /// Who is invited from now on, in place of those before; may be repeated
    #[arg(long, value_name = "EMAIL")]
    with: Vec<String>,
    /// Even if somebody is busy then
    #[arg(long)]
    allow_conflicts: bool,
    #[command(flatten)]
    how: Safely,
}

/// Call a scheduled meeting off, or one occurrence of it
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Its id
    id: ScheduleId,
    /// Only this occurrence of a series: its day, or its start as 2030-01-07T09:00
    #[arg(long, value_name = "WHEN")]
    occurrence: Option<String>,
    /// Tell nobody
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    how: Safely,
}

impl Safely {
    fn how(self) -> How {
        let how = How {
            wait: WAIT,
            ..How::new(Caller::local(Surface::Cli)).with_key(self.idempotency_key)
        };
        if self.detach { how.detached() } else { how }
    }
}

/// Runs `schedule`.
pub(crate) async fn run(command: Schedule, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    match command.verb {
        None => schedule(command.new, &app, out).await,
        Some(Verb::List { state }) => {
            let filter = ScheduleFilter {
                state,
                ..ScheduleFilter::default()
            };
            app.components().require("scheduling").await?;
            list(&app.scheduling().list(&filter, 200).await?, out)?;
            Ok(Exit::Done)
        }
        Some(Verb::Show { id }) => {
            let meeting = app.scheduling().get(id).await?;
            if out.is_json() {
                out.json(&meeting)?;
            } else {
                show(&meeting, out)?;
            }
            Ok(Exit::Done)
        }
        Some(Verb::Retry { id }) => {
            let how = How {
                wait: WAIT,
                ..How::new(Caller::local(Surface::Cli))
            };
            present(&app.scheduling().retry(id, &how).await?, out)
        }
        Some(Verb::Registrants { id }) => {
            let how = How {
                wait: WAIT,
                ..How::new(Caller::local(Surface::Cli))
            };
            let report = app.attendees().sync_registrants(id, &how).await?;
            registered(&report, out)
        }
    }
}

/// Runs `reschedule`.
pub(crate) async fn reschedule(command: Reschedule, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let zone = match (&command.at, command.timezone) {
        (Some(_), None) => Some(app.scheduling().get(command.id).await?.timezone),
        (_, zone) => zone,
    };
    let start = match &command.at {
        Some(text) => Some(times::local(text, zone.as_deref(), &app)?),
        None => None,
    };
    let request = ChangeRequest {
        occurrence: command.occurrence,
        title: command.title,
        agenda: command.agenda,
        timezone: start.as_ref().and_then(|(_, zone)| zone.clone()),
        start: start.map(|(start, _)| start),
        minutes: command.duration.as_deref().map(length).transpose()?,
        attendees: (!command.with.is_empty()).then(|| {
            command
                .with
                .iter()
                .map(|one| guest(one, Role::Required))
                .collect()
        }),
        reminders: None,
        allow_conflicts: command.allow_conflicts,
    };
    let how = command.how.how();
    let done = app
        .scheduling()
        .reschedule(command.id, &request, &how)
        .await?;
    present(&done, &context.out)
}

/// Runs `cancel`.
pub(crate) async fn cancel(command: Cancel, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let request = CancelRequest {
        occurrence: command.occurrence,
        tell: Some(!command.quiet),
    };
    let how = command.how.how();
    let done = app.scheduling().cancel(command.id, &request, &how).await?;
    present(&done, &context.out)
}

async fn schedule(new: New, app: &App, out: &Out) -> Result<Exit, Failure> {
    let at = new.at.unwrap_or_default();
    let (start, zone) = times::local(&at, new.timezone.as_deref(), app)?;
    let mut attendees: Vec<Guest> = new
        .with
        .iter()
        .map(|one| guest(one, Role::Required))
        .collect();
    attendees.extend(new.maybe.iter().map(|one| guest(one, Role::Optional)));
    let reminders = new
        .remind
        .iter()
        .map(|text| reminder(text))
        .collect::<Result<_, Failure>>()?;
    let request = ScheduleRequest {
        title: new.title.unwrap_or_default(),
        agenda: new.agenda,
        start,
        timezone: zone,
        minutes: new.duration.as_deref().map(length).transpose()?,
        every: new.every,
        count: new.count,
        until: new.until,
        except: new.except,
        attendees,
        registration: new.registration.map(|how| match how {
            Registered::Automatic => Registration::Automatic,
            Registered::Manual => Registration::Manual,
        }),
        reminders,
        host: new.host,
        provider: None,
        connection: new.connection,
        calendar: new.calendar,
        calendar_account: new.calendar_account,
        calendar_required: new.calendar_optional.then_some(false),
        allow_conflicts: new.allow_conflicts,
        unrepeatable: match (new.room, new.expand) {
            (true, _) => Unrepeatable::Room,
            (_, true) => Unrepeatable::Singles,
            _ => Unrepeatable::Refuse,
        },
    };
    if new.dry_run {
        let preview = app.scheduling().preview(&request).await?;
        return show_preview(&preview, out);
    }
    let how = new.how.how();
    let done = app.scheduling().schedule(&request, &how).await?;
    present(&done, out)
}

fn guest(email: &str, role: Role) -> Guest {
    Guest {
        email: email.to_owned(),
        name: None,
        role,
    }
}

/// A reminder as it is typed: `5m`, `push:5m`.
pub(super) fn reminder(text: &str) -> Result<Reminder, Failure> {
    let (method, length_of) = match text.split_once(':') {
        None => (ReminderMethod::Email, text),
        Some(("email" | "mail", rest)) => (ReminderMethod::Email, rest),
        Some(("push", rest)) => (ReminderMethod::Push, rest),
        Some(("webhook", rest)) => (ReminderMethod::Webhook, rest),
        Some(_) => {
            return Err(
                Failure::usage("usage", format!("{text:?} is no way of reminding"))
                    .hint("Write 5m, push:5m or webhook:5m."),
            );
        }
    };
    Ok(Reminder {
        minutes: length(length_of)?,
        method,
    })
}

fn registered(report: &RegistrantReport, out: &Out) -> Result<Exit, Failure> {
    if out.is_json() {
        out.json(report)?;
        return Ok(Exit::Done);
    }
    out.line(format!(
        "{} registered, {} wait for the host",
        report.registered, report.waiting
    ))?;
    for (what, people) in [
        ("invited, since they registered", &report.invited),
        ("registered, since they are invited", &report.added),
        ("declined, since they may not come", &report.declined),
        ("withdrawn, since they declined", &report.withdrawn),
        ("later", &report.later),
    ] {
        for person in people {
            out.line(format!("  {what}: {}", clean(person)))?;
        }
    }
    Ok(Exit::Done)
}

fn length(text: &str) -> Result<u32, Failure> {
    let minutes = times::minutes(text)?;
    u32::try_from(minutes).map_err(|_| {
        Failure::usage("usage", format!("{text:?} is not a length")).hint("Write 5m, 1h or 1h30m.")
    })
}

fn show_preview(preview: &Preview, out: &Out) -> Result<Exit, Failure> {
    if out.is_json() {
        out.json(preview)?;
        return Ok(Exit::Done);
    }
    out.line(format!(
        "{} would take place {}, {}",
        paint(style::STRONG, clean(&preview.title)),
        times_of(preview.occurrences.len()),
        preview.repeats.as_deref().unwrap_or("once"),
    ))?;
    for one in preview.occurrences.iter().take(SHOWN) {
        out.line(format!("  {} ({})", one.occurrence, one.start))?;
    }
    for conflict in &preview.conflicts {
        out.line(format!("  busy: {}", clean(&conflict.to_string())))?;
    }
    for person in &preview.unknown {
        out.line(format!("  not known whether free: {}", clean(person)))?;
    }
    Ok(Exit::Done)
}

fn times_of(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

pub(super) fn present(done: &Scheduled, out: &Out) -> Result<Exit, Failure> {
    if out.is_json() {
        out.json(done)?;
        return Ok(Exit::Done);
    }
    show(&done.meeting, out)?;
    for id in &done.also {
        out.line(format!("and: {id}"))?;
    }
    if !done.finished {
        out.note(paint(
            style::DIM,
            format!(
                "It is not done yet and goes on where `parfocal serve` runs; `parfocal schedule show {}` tells how far it is.",
                done.meeting.id
            ),
        ));
    }
    Ok(Exit::Done)
}

fn show(meeting: &ScheduledMeeting, out: &Out) -> Result<(), Failure> {
    out.line(format!(
        "{}  {}",
        paint(style::STRONG, clean(&meeting.title)),
        paint(style::of_state(meeting.state.as_str()), meeting.state)
    ))?;
    let repeats = meeting.repeats.as_deref().unwrap_or("once");
    out.line(format!(
        "{} {} for {} min, {repeats}",
        meeting.start_local, meeting.timezone, meeting.minutes
    ))?;
    if let Some(url) = &meeting.join_url {
        out.line(format!("join: {}", clean(url)))?;
    }
    out.line(format!("id: {}", meeting.id))?;
    if let Some(under_way) = &meeting.under_way {
        out.line(format!("under way: {}", clean(under_way)))?;
    }
    if meeting.occurrences.len() > 1 {
        for one in meeting.occurrences.iter().take(SHOWN) {
            out.line(format!("  {} ({})", one.occurrence, one.start))?;
        }
        if meeting.occurrences.len() > SHOWN {
            let more = meeting.occurrences.len() - SHOWN;
            out.line(paint(style::DIM, format!("  and {more} more")))?;
        }
    }
    for one in &meeting.attendees {
        let told = match (&one.trouble, one.told) {
            (Some(trouble), _) => format!("could not be told: {}", clean(trouble)),
            (None, true) => "told".to_owned(),
            (None, false) => "not told yet".to_owned(),
        };
        out.line(format!("  {} {} ({told})", clean(&one.email), one.answer))?;
    }
    if let Some(note) = &meeting.note {
        out.note(clean(note));
    }
    for left in &meeting.left_over {
        out.line(format!(
            "left over: {} {}",
            clean(&left.what),
            clean(left.error.as_deref().unwrap_or_default())
        ))?;
    }
    Ok(())
}

fn list(meetings: &[ScheduledMeeting], out: &Out) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(meetings);
    }
    let mut table = Table::new(
        &[
            ("ID", Align::Left),
            ("START", Align::Left),
            ("STATE", Align::Left),
            ("TITLE", Align::Left),
            ("TIMES", Align::Right),
        ],
        "Nothing was scheduled. `parfocal schedule \"Team standup\" --at 'mon 9:00'` does it.",
    );
    for one in meetings {
        table.row([
            one.id.to_string().into(),
            format!("{} {}", one.start_local, one.timezone).into(),
            Field::state(one.state.as_str()),
            clean(&one.title).into(),
            one.occurrences.len().to_string().into(),
        ]);
    }
    table.print(out)
}
