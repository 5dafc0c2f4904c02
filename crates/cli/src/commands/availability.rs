//! `availability` and `suggest`: when people can be met.

use clap::Args;
use parfocal_engine::schedule::availability::{AvailabilityRequest, PersonView, Slot};

use super::meetings::times;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean};

const AFTER_HELP: &str = "\
Busy times come from the calendars that were added and from what was scheduled here; availability.calendars says whose calendar tells
of whom. Whose calendar cannot be read is unknown, never free: then there is no slot, and suggestions say so.";

/// Find the times at which people can be met
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Availability {
    /// Somebody who has to come; may be repeated
    #[arg(long, value_name = "EMAIL", required = true)]
    with: Vec<String>,
    /// Somebody who may come; may be repeated
    #[arg(long, value_name = "EMAIL")]
    maybe: Vec<String>,
    /// How long it lasts: 30m, 1h, 1h30m [default: 30m]
    #[arg(long, value_name = "LENGTH")]
    duration: Option<String>,
    /// From when on: 'mon 9:00', 'tomorrow', 2030-01-07, RFC 3339 [default: now]
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Until when; a day counts whole [default: 7 days later]
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Time zone, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Minutes that stay free before and after other meetings [default: as configured]
    #[arg(long, value_name = "MINUTES")]
    buffer: Option<u32>,
    /// Nothing begins within so many minutes from now [default: as configured]
    #[arg(long, value_name = "MINUTES")]
    notice: Option<u32>,
    /// Outside of working hours too
    #[arg(long)]
    any_hour: bool,
    /// How many at most
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

impl Availability {
    fn request(
        self,
        context: &Context,
        now: jiff::Timestamp,
    ) -> Result<AvailabilityRequest, Failure> {
        let zone = times::zone(self.timezone.as_deref())?;
        let now = now.to_zoned(zone.clone());
        let when = |text: Option<String>| -> Result<Option<String>, Failure> {
            let Some(text) = text else { return Ok(None) };
            // A day counts whole, so it is handed on as it is.
            if text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10 {
                return Ok(Some(text));
            }
            Ok(Some(times::start(&text, &now)?.timestamp().to_string()))
        };
        let minutes = self.duration.as_deref().map(times::minutes).transpose()?;
        let minutes = minutes
            .map(|minutes| {
                u32::try_from(minutes).map_err(|_| {
                    Failure::usage("usage", "--duration is no length").hint("Write 30m or 1h.")
                })
            })
            .transpose()?;
        // A machine without a named zone shows and reads UTC.
        let name = zone.iana_name().map(str::to_owned);
        if name.is_none() {
            context
                .out
                .note("This machine's time zone has no name: times are UTC.");
        }
        Ok(AvailabilityRequest {
            people: self.with,
            optional: self.maybe,
            minutes,
            from: when(self.from)?,
            to: when(self.to)?,
            timezone: name,
            step_minutes: None,
            buffer_minutes: self.buffer,
            notice_minutes: self.notice,
            any_hour: self.any_hour,
            limit: self.limit,
        })
    }
}

/// Runs `availability`.
pub(crate) async fn run(command: Availability, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    let request = command.request(context, app.clock().now())?;
    let found = app.availability().find_available_slots(&request).await?;
    if out.is_json() {
        out.json(&found)?;
        return Ok(exit(&found.people));
    }
    let mut table = Table::new(
        &[("START", Align::Left), ("UTC", Align::Left)],
        "There is no time that suits everybody; `parfocal suggest` tells what comes near.",
    );
    for slot in &found.slots {
        table.row([local(slot).into(), slot.start.to_string().into()]);
    }
    table.print(out)?;
    if found.more {
        out.note(paint(style::DIM, "There are more; --limit shows them."));
    }
    tell_unknown(&found.people, out);
    Ok(exit(&found.people))
}

/// Runs `suggest`.
pub(crate) async fn suggest(command: Availability, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    let request = command.request(context, app.clock().now())?;
    let found = app.availability().suggest_meeting_times(&request).await?;
    if out.is_json() {
        out.json(&found)?;
        return Ok(exit(&found.people));
    }
    let mut table = Table::new(
        &[
            ("START", Align::Left),
            ("SCORE", Align::Right),
            ("WHY", Align::Left),
        ],
        "There is no time at which nobody who has to come is busy.",
    );
    for one in &found.suggestions {
        let why: Vec<String> = one
            .reasons
            .iter()
            .map(|reason| format!("{:+} {}", reason.points, clean(&reason.text)))
            .collect();
        table.row([
            local(&one.slot).into(),
            one.score.to_string().into(),
            Field::styled(style::DIM, why.join("; ")),
        ]);
    }
    table.print(out)?;
    tell_unknown(&found.people, out);
    Ok(exit(&found.people))
}

fn local(slot: &Slot) -> String {
    slot.start_local.replacen('T', " ", 1)
}

fn tell_unknown(people: &[PersonView], out: &Out) {
    for one in people.iter().filter(|one| !one.known) {
        out.note(paint(
            style::WARN,
            format!(
                "It is not known when {} is busy: {}",
                clean(&one.person),
                clean(one.reason.as_deref().unwrap_or("nobody tells"))
            ),
        ));
    }
}

/// Of whom nothing is known needs somebody's attention.
fn exit(people: &[PersonView]) -> Exit {
    if people.iter().all(|one| one.known) {
        Exit::Done
    } else {
        Exit::NeedsAttention
    }
}
