//! `meetings list|get`: meetings that were held.

pub(crate) mod times;
mod upcoming;
mod verbs;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use parfocal_engine::Kind;
use parfocal_engine::store::InstanceFilter;
use parfocal_server::lookup;
use parfocal_server::views::{InstanceDetailView, InstanceView, PageView};

use crate::commands::paging::{self, Paging};
use crate::commands::when::When;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{bytes, clean, duration, grouped};

/// List meetings, show one
#[derive(Debug, Subcommand)]
pub(crate) enum Meetings {
    /// List meetings that were held, the latest first
    List(List),
    /// Show everything that is known of a meeting
    Get(Get),
    #[command(flatten)]
    Change(verbs::Verbs),
}

/// List meetings that were held, the latest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose topic contains this
    #[arg(long, value_name = "TEXT")]
    topic: Option<String>,
    /// Hosted by this e-mail address
    #[arg(long, value_name = "EMAIL")]
    host: Option<String>,
    /// With this meeting number
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// That began then or later: 2026-11-01, today, yesterday, "3 days ago", RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// That began before then, written as --from
    #[arg(long, value_name = "TIME")]
    before: Option<When>,
    /// Only those with a transcript
    #[arg(long)]
    transcript: bool,
    /// Meetings to come, as Zoom tells, instead of those that were held
    #[arg(long, conflicts_with_all = ["number", "from", "before", "transcript", "limit", "after"])]
    upcoming: bool,
    /// The connection to ask, when there are several; with --upcoming
    #[arg(long, value_name = "NAME", requires = "upcoming")]
    connection: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Show everything that is known of a meeting
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Our id, Zoom's instance UUID, or a meeting number as it is written anywhere: 844 1002 7731, 844-1002-7731 (then the
    /// latest with it that was held; else the one that is to come)
    #[arg(required = true, num_args = 1.., value_name = "ID")]
    id: Vec<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Meetings, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    match command {
        Meetings::Change(verb) => return verbs::run(verb, &app, context).await,
        Meetings::List(list) if list.upcoming => {
            let whose = upcoming::Whose {
                host: list.host,
                connection: list.connection,
                topic: list.topic,
            };
            upcoming::list(&app, &whose, context).await?;
        }
        Meetings::List(list) => {
            let now = app.clock().now();
            let filter = InstanceFilter {
                topic: list.topic,
                host: list.host,
                number: list.number,
                from: list.from.map(|when| when.resolve(now)),
                before: list.before.map(|when| when.resolve(now)),
                has_transcript: list.transcript.then_some(true),
                ..InstanceFilter::default()
            };
            let page = app
                .store()
                .instances(app.scope(), &filter, &list.paging.request())
                .await?;
            let page = PageView::of(page, InstanceView::from);
            if context.out.is_json() {
                context.out.json(&page)?;
            } else {
                table(&page, context)?;
            }
        }
        Meetings::Get(get) => {
            // A number that was copied with its blanks comes as several words.
            let which = get.id.join(" ");
            match lookup::instance(&app, &which).await {
                Ok(instance) => present(&lookup::detail(&app, instance).await?, context)?,
                Err(error) if error.kind() == Kind::NotFound && is_number(&which) => {
                    // What Zoom says of it counts, if it can be asked; else that nothing is known here.
                    if upcoming::get(&app, &which, context).await.is_err() {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(Exit::Done)
}

/// Whether a text is a meeting number, as people write them.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (9..=12).contains(&digits)
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '\u{a0}'))
}

fn table(page: &PageView<InstanceView>, context: &Context) -> Result<(), Failure> {
    let columns = [
        ("ID", Align::Left),
        ("BEGAN", Align::Left),
        ("TOPIC", Align::Left),
        ("HOST", Align::Left),
        ("PEOPLE", Align::Right),
        ("FILES", Align::Right),
        ("CUES", Align::Right),
        ("CHAT", Align::Right),
    ];
    let mut table = Table::new(
        &columns,
        "No meetings yet. Take in the past with `parfocal backfill start`.",
    );
    let figure = |n: u64| if n == 0 { "–".to_owned() } else { grouped(n) };
    for row in &page.items {
        table.row([
            Field::styled(style::DIM, &row.id),
            Field::from(
                row.start_time
                    .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                    .unwrap_or_default(),
            ),
            Field::from(row.topic.as_deref().unwrap_or("Untitled meeting")),
            Field::from(row.host_email.as_deref().unwrap_or_default()),
            Field::from(figure(row.participants)),
            Field::from(figure(row.files)),
            Field::from(figure(row.cues)),
            Field::from(figure(row.chat_messages)),
        ]);
    }
    table.print(&context.out)?;
    paging::more(context, page.next.as_deref());
    Ok(())
}

fn present(detail: &InstanceDetailView, context: &Context) -> Result<(), Failure> {
    let out = &context.out;
    if out.is_json() {
        return out.json(detail);
    }
    let meeting = &detail.instance;
    out.line(paint(
        style::STRONG,
        clean(meeting.topic.as_deref().unwrap_or("Untitled meeting")),
    ))?;
    let when = meeting
        .start_time
        .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default();
    let length = meeting
        .start_time
        .zip(meeting.end_time)
        .and_then(|(start, end)| u64::try_from(end.as_second() - start.as_second()).ok())
        .map(|seconds| format!(", {}", duration(seconds)))
        .unwrap_or_default();
    for (label, value) in [
        ("id", meeting.id.clone()),
        ("uuid", meeting.uuid.clone()),
        ("number", meeting.meeting_number.clone().unwrap_or_default()),
        ("held", format!("{when}{length} ({})", meeting.state)),
        ("host", meeting.host_email.clone().unwrap_or_default()),
        (
            "said",
            format!(
                "{} cues, {} chat messages",
                grouped(meeting.cues),
                grouped(meeting.chat_messages)
            ),
        ),
    ] {
        out.line(format!(
            "  {} {}",
            paint(style::DIM, format!("{label:7}")),
            clean(&value)
        ))?;
    }
    for artefact in &detail.artefacts {
        let reason = artefact
            .detail
            .as_deref()
            .or(artefact.cause.as_deref())
            .map(clean)
            .unwrap_or_default();
        let state = paint(style::of_state(artefact.state), artefact.state);
        out.line(format!(
            "  {} {state} {}",
            paint(style::DIM, format!("{:12}", artefact.kind)),
            paint(style::DIM, reason)
        ))?;
    }
    if !detail.people.is_empty() {
        out.line("")?;
        let mut table = Table::new(
            &[
                ("WHO", Align::Left),
                ("E-MAIL", Align::Left),
                ("CAME", Align::Left),
                ("LEFT", Align::Left),
            ],
            "",
        );
        for person in &detail.people {
            for stay in &person.stays {
                let time = |at: Option<Timestamp>| {
                    at.map(|at| at.strftime("%H:%M:%S").to_string())
                        .unwrap_or_default()
                };
                table.row([
                    Field::from(person.name.as_deref().unwrap_or("unknown")),
                    Field::from(person.email.as_deref().unwrap_or_default()),
                    Field::from(time(stay.join_time)),
                    Field::from(time(stay.leave_time)),
                ]);
            }
        }
        table.print(out)?;
    }
    for recording in &detail.recordings {
        out.line("")?;
        let mut table = Table::new(
            &[
                ("FILE", Align::Left),
                ("TYPE", Align::Left),
                ("SIZE", Align::Right),
                ("HERE", Align::Left),
            ],
            "",
        );
        for file in &recording.files {
            table.row([
                Field::styled(style::DIM, &file.id),
                Field::from(&file.file_type),
                Field::from(
                    file.size
                        .and_then(|size| u64::try_from(size).ok())
                        .map(bytes)
                        .unwrap_or_default(),
                ),
                Field::from(if file.stored { "yes" } else { "at Zoom" }),
            ]);
        }
        table.print(out)?;
    }
    Ok(())
}
