//! `analyze WHAT`: what a meeting or a transcript file is about, what was decided, who owes what.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::talk::beside;
use parfocal_engine::talk::minutes::{self, Form};
use parfocal_engine::understand::{self, Analysis, Heading, Insight, Wish, markdown};
use parfocal_formats::vtt;
use parfocal_server::lookup;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

const AFTER_HELP: &str = "\
The embedded analyst reads English. It reports sentences that were said, each with the cues that prove it; of talk in
other languages it reports languages and speakers only. Where a language model is in use (models.use) it is asked for
meetings that it has not analysed yet, and the embedded analyst stands in when it cannot be asked.";

/// Say what a meeting was about, what was decided and who owes what
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Analyze {
    /// A .vtt file, - for standard input, or a meeting: our id, Zoom's instance UUID, or a meeting number
    #[arg(value_name = "FILE|MEETING")]
    what: String,
    /// The day of the meeting, from which "by Friday" is counted (files only; a meeting knows its day)
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<Date>,
    /// What the summary shall be about (files only)
    #[arg(long, value_name = "WORDS")]
    about: Option<String>,
    /// Print minutes as Markdown
    #[arg(long)]
    markdown: bool,
    /// Show the summary of Zoom's AI Companion beside ours, where the account has it (meetings only)
    #[arg(long)]
    zoom: bool,
    /// Write minutes to a file: Markdown, HTML or a Word document, by its ending (meetings only)
    #[arg(long, value_name = "FILE.md|html|docx")]
    minutes: Option<PathBuf>,
    /// Show what the embedded analyst found, also where a model is in use (meetings only)
    #[arg(long, conflicts_with = "kind")]
    embedded: bool,
    /// Do this kind of analysis from the folder of kinds, by the model in use (meetings only)
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Analyze, context: &Context) -> Result<Exit, Failure> {
    let path = Path::new(&command.what);
    if command.what == "-" || path.is_file() {
        return file(&command, path, context);
    }
    if command.date.is_some() || command.about.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            format!(
                "{} is no file; --date and --about are for files",
                command.what
            ),
        )
        .hint("A meeting that was taken in knows its day: leave the options out."));
    }
    let app = context.app().await?;
    let instance = lookup::instance(&app, &command.what).await?;
    if let Some(path) = &command.minutes {
        let ending = path
            .extension()
            .map_or_else(|| "md".into(), |ending| ending.to_string_lossy());
        let form: Form = ending.parse()?;
        let minutes = minutes::of_instance(&app, instance.id, form).await?;
        std::fs::write(path, minutes.bytes)
            .map_err(|error| Failure::file("writing", path, &error))?;
        context.out.note(format!("{} written", path.display()));
        return Ok(Exit::Done);
    }
    if let Some(kind) = command.kind.as_deref().filter(|kind| *kind != "meeting") {
        let found = understand::kind_of_instance(&app, instance.id, kind).await?;
        return by_kind(&found, context);
    }
    let found = if command.embedded {
        understand::embedded_of_instance(&app, instance.id).await?
    } else {
        understand::ask_of_instance(&app, instance.id).await?
    };
    if found.parts.is_empty() {
        return Err(
            Failure::not_found(format!("the meeting {} has no transcript", command.what))
                .hint("`parfocal meetings get` tells what is expected and what cannot be had."),
        );
    }
    let theirs = if command.zoom {
        beside::of_instance(&app, instance.id, &Caller::local(Surface::Cli)).await?
    } else {
        None
    };
    if context.out.is_json() {
        let mut value = serde_json::json!(found);
        if command.zoom {
            value["zoom_summary"] = serde_json::json!(theirs);
        }
        context.out.json(&value)?;
        return Ok(Exit::Done);
    }
    let title = found
        .instance
        .topic
        .as_deref()
        .unwrap_or("Untitled meeting");
    for part in &found.parts {
        if let Some(why) = &part.stands_in {
            let why = format!(
                "The embedded analyst stands in for {} ({}): {}",
                clean(&why.model),
                why.code,
                clean(&why.message)
            );
            context.out.note(paint(style::WARN, why));
        }
        print(&part.analysis, title, part.date, command.markdown, context)?;
    }
    if command.zoom {
        context
            .out
            .line(format!("\n{}", paint(style::STRONG, "Zoom's AI Companion")))?;
        let text = theirs.and_then(|theirs| theirs.text);
        let text = text.as_deref().unwrap_or("Zoom has no summary of it.");
        for line in text.lines() {
            context.out.line(format!("  {}", clean(line)))?;
        }
    }
    Ok(Exit::Done)
}

/// What a kind of the operator's found: its lists as they are, each statement with its time.
fn by_kind(found: &[understand::KindInsights], context: &Context) -> Result<Exit, Failure> {
    if context.out.is_json() {
        context.out.json(&serde_json::json!({ "parts": found }))?;
        return Ok(Exit::Done);
    }
    for part in found {
        let lists = part.result["lists"].as_object().into_iter().flatten();
        for (list, items) in lists {
            context
                .out
                .line(paint(style::STRONG, clean(&list.replace('_', " "))))?;
            for item in items.as_array().into_iter().flatten() {
                let at = item["start_ms"].as_u64().unwrap_or(0);
                let text = item["text"].as_str().unwrap_or_default();
                context.out.line(format!(
                    "  {} {}",
                    paint(style::DIM, position(at)),
                    clean(text)
                ))?;
            }
        }
        context.out.note(paint(
            style::DIM,
            format!("{} by {}, version {}", part.kind, part.model, part.version),
        ));
    }
    Ok(Exit::Done)
}

fn file(command: &Analyze, path: &Path, context: &Context) -> Result<Exit, Failure> {
    let limit = u64::try_from(vtt::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if command.what == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::file("reading", path, &error))?;
    let wish = Wish {
        date: command.date,
        query: command.about.as_deref(),
        ..Wish::default()
    };
    let found = understand::of_file(&bytes, &wish)?;
    if context.out.is_json() {
        context.out.json(&found)?;
        return Ok(Exit::Done);
    }
    let title = path.file_stem().map_or_else(
        || "Meeting".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    print(&found, &title, command.date, command.markdown, context)?;
    Ok(Exit::Done)
}

fn print(
    found: &Analysis,
    title: &str,
    date: Option<Date>,
    minutes: bool,
    context: &Context,
) -> Result<(), Failure> {
    let out = &context.out;
    if minutes {
        return out.line(markdown(found, &Heading { title, date }).trim_end());
    }
    out.line(paint(style::STRONG, clean(title)))?;
    if let Some(opening) = &found.summary.opening {
        out.line(format!("  {}", clean(opening)))?;
    }
    let spoken = |insight: &Insight| {
        let who = insight
            .speaker
            .as_deref()
            .map_or_else(String::new, |name| format!("{}: ", clean(name)));
        format!("{who}{}", clean(&insight.text))
    };
    let task = |insight: &Insight| {
        let owner = insight.owner.as_deref().map_or_else(String::new, |owner| {
            format!("{}: ", paint(style::ACCENT, clean(owner)))
        });
        let due = insight.due.map_or_else(String::new, |due| {
            format!(" {}", paint(style::WARN, format!("due {due}")))
        });
        format!("{owner}{}{due}", clean(&insight.text))
    };
    section(context, "Summary", &found.summary.sentences, spoken)?;
    section(context, "Decisions", &found.decisions, spoken)?;
    section(context, "Action items", &found.action_items, task)?;
    section(context, "Open questions", &found.questions, spoken)?;
    section(context, "To come back to", &found.follow_ups, spoken)?;
    if !found.chapters.is_empty() {
        out.line(format!("\n{}", paint(style::STRONG, "Chapters")))?;
        for chapter in &found.chapters {
            let at = paint(style::DIM, position(u64::from(chapter.start_ms)));
            out.line(format!("  {at} {}", clean(&chapter.title)))?;
        }
    }
    if found.summary.sentences.is_empty() {
        out.note(paint(
            style::DIM,
            "Nothing to report: the embedded analyst reads English talk of more than a few words.",
        ));
    }
    Ok(())
}

fn section(
    context: &Context,
    title: &str,
    insights: &[Insight],
    line: impl Fn(&Insight) -> String,
) -> Result<(), Failure> {
    if insights.is_empty() {
        return Ok(());
    }
    context
        .out
        .line(format!("\n{}", paint(style::STRONG, title)))?;
    for insight in insights {
        let at = paint(style::DIM, position(u64::from(insight.start_ms)));
        context.out.line(format!("  {at} {}", line(insight)))?;
    }
    Ok(())
}
