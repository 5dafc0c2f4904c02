//! `recordings list|download`: cloud recordings and their files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parfocal_engine::media;
use parfocal_engine::store::{File, FileId};
use parfocal_server::lookup;
use parfocal_server::views::{FileView, RecordingView};
use serde_json::json;

use super::paging::{self, Paging};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::bytes;
use crate::output::progress::Progress;
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// List recordings, download their files
#[derive(Debug, Subcommand)]
pub(crate) enum Recordings {
    /// List cloud recordings, the latest first
    List(List),
    /// Save files of a recording; what is not stored here is fetched from Zoom
    Download(Download),
}

/// List cloud recordings, the latest first
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
}

/// Save files of a recording
#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The meeting (our id, Zoom's instance UUID, a meeting number), or the id of one file
    id: String,
    /// Only files of this type, as Zoom names it (MP4, M4A, TRANSCRIPT, CHAT …); may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Where to put them
    #[arg(long, short, default_value = ".", value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(command: Recordings, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    match command {
        Recordings::List(command) => list(&app, &command, context).await?,
        Recordings::Download(command) => download(&app, &command, context).await?,
    }
    Ok(Exit::Done)
}

async fn list(
    app: &parfocal_engine::App,
    command: &List,
    context: &Context,
) -> Result<(), Failure> {
    let (store, scope) = (app.store(), app.scope());
    let page = store
        .recordings(scope, None, &command.paging.request())
        .await?;
    let mut views = Vec::with_capacity(page.items.len());
    for recording in &page.items {
        let files: Vec<FileView> = store
            .files_of_recording(scope, recording.id)
            .await?
            .into_iter()
            .map(FileView::from)
            .collect();
        let topic = store
            .instance(scope, recording.instance_id)
            .await?
            .and_then(|instance| instance.topic);
        views.push((
            RecordingView::new(recording, &files),
            recording.instance_id,
            topic,
        ));
    }
    if context.out.is_json() {
        let items: Vec<_> = views
            .iter()
            .map(|(view, instance, topic)| json!({"meeting_id": instance, "topic": topic, "recording": view}))
            .collect();
        return context
            .out
            .json(&json!({"items": items, "next": page.next}));
    }
    let columns = [
        ("MEETING", Align::Left),
        ("BEGAN", Align::Left),
        ("TOPIC", Align::Left),
        ("FILES", Align::Left),
        ("SIZE", Align::Right),
    ];
    let mut table = Table::new(
        &columns,
        "No recordings yet. Take in the past with `parfocal backfill start`.",
    );
    for (view, instance, topic) in &views {
        let types: Vec<&str> = view
            .files
            .iter()
            .map(|file| file.file_type.as_str())
            .collect();
        table.row([
            Field::styled(style::DIM, instance.to_string()),
            Field::from(
                view.start_time
                    .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                    .unwrap_or_default(),
            ),
            Field::from(topic.as_deref().unwrap_or("Untitled meeting")),
            Field::from(types.join(" ")),
            Field::from(
                view.total_size
                    .and_then(|size| u64::try_from(size).ok())
                    .map(bytes)
                    .unwrap_or_default(),
            ),
        ]);
    }
    table.print(&context.out)?;
    paging::more(context, page.next.as_deref());
    Ok(())
}

async fn download(
    app: &parfocal_engine::App,
    command: &Download,
    context: &Context,
) -> Result<(), Failure> {
    let files = wanted(app, command).await?;
    std::fs::create_dir_all(&command.output)
        .map_err(|error| Failure::file("making", &command.output, &error))?;
    let mut saved = Vec::new();
    for file in &files {
        let name = name_of(file);
        let step = Progress::start(&context.out, name.clone());
        let to = command.output.join(&name);
        let fetched = media::download(app, file.id, &to, |_| {}).await?;
        drop(step);
        if !context.out.is_json() {
            let size = paint(style::DIM, bytes(fetched.bytes));
            context
                .out
                .line(format!("{} {} {size}", paint(style::OK, "✓"), to.display()))?;
        }
        saved.push(json!({"file_id": file.id, "type": file.file_type, "fetched": fetched}));
    }
    if context.out.is_json() {
        context.out.json(&json!({"saved": saved}))
    } else {
        Ok(())
    }
}

async fn wanted(app: &parfocal_engine::App, command: &Download) -> Result<Vec<File>, Failure> {
    let (store, scope) = (app.store(), app.scope());
    if let Ok(id) = command.id.parse::<FileId>()
        && let Some(file) = store.file(scope, id).await?
    {
        return Ok(vec![file]);
    }
    let instance = lookup::instance(app, &command.id).await?;
    let types: Vec<String> = command
        .types
        .iter()
        .map(|name| name.to_uppercase())
        .collect();
    let files: Vec<File> = store
        .files_of_instance(scope, instance.id)
        .await?
        .into_iter()
        .filter(|file| {
            file.deleted_at.is_none() && (types.is_empty() || types.contains(&file.file_type))
        })
        .collect();
    if files.is_empty() {
        return Err(Failure::not_found(format!(
            "the meeting {} has no such recording file",
            command.id
        ))
        .hint("`parfocal meetings get` shows its files, or why there are none."));
    }
    Ok(files)
}

/// A name from Zoom's type and id, with nothing in it that a file system would mind.
fn name_of(file: &File) -> String {
    let safe = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(80)
            .collect()
    };
    let kind = safe(&file.file_type).to_lowercase();
    let extension = file
        .extension
        .as_deref()
        .map(safe)
        .filter(|text| !text.is_empty());
    let extension = extension.unwrap_or_else(|| "bin".to_owned()).to_lowercase();
    let start = file
        .start
        .map(|at| at.strftime("%Y%m%d-%H%M%S-").to_string())
        .unwrap_or_default();
    let id: String = safe(&file.id.to_string());
    let tail = &id[id.len().saturating_sub(12)..];
    format!("{start}{kind}-{tail}.{extension}")
}
