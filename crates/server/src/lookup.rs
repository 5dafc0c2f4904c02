//! Finding a meeting by whatever a person has at hand, and everything that belongs to it.

use parfocal_engine::search::Wanted;
use parfocal_engine::store::{Cue, Instance, InstanceId, PageRequest, Transcript};
use parfocal_engine::{App, EngineError};

use crate::views::{
    ArtefactView, ChatMessageView, FileView, InstanceDetailView, InstanceView, ParticipantView,
    RecordingView, SearchView, TranscriptView,
};

/// Cues that are read in one piece.
const CUES_AT_ONCE: u32 = 5_000;

/// Finds a meeting that was held: by our id, by Zoom's instance UUID, or by meeting number (then the latest with that number).
///
/// # Errors
/// There is none, or the store cannot be read.
pub async fn instance(app: &App, which: &str) -> Result<Instance, EngineError> {
    parfocal_engine::transcripts::find_instance(app, which).await
}

/// Everything that is known of a meeting, except what was said.
///
/// # Errors
/// The store cannot be read.
pub async fn detail(app: &App, instance: Instance) -> Result<InstanceDetailView, EngineError> {
    let (store, scope) = (app.store(), app.scope());
    let id = instance.id;
    let people: Vec<ParticipantView> = store
        .participants(scope, id)
        .await?
        .into_iter()
        .map(ParticipantView::from)
        .collect();
    let files: Vec<FileView> = store
        .files_of_instance(scope, id)
        .await?
        .into_iter()
        .map(FileView::from)
        .collect();
    let recordings = store.recordings_of(scope, id).await?;
    let artefacts = store.artefacts(scope, id.into()).await?;
    let transcripts = store.transcripts(scope, id).await?;
    let chat = store.chat(scope, id).await?.len();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut view = InstanceView::from(instance);
    view.participants = count(people.len());
    view.files = count(
        files
            .iter()
            .filter(|file| file.deleted_at.is_none())
            .count(),
    );
    view.cues = transcripts
        .iter()
        .filter(|transcript| transcript.current)
        .map(|transcript| transcript.cues)
        .sum();
    view.chat_messages = count(chat);
    Ok(InstanceDetailView {
        instance: view,
        people,
        recordings: recordings
            .iter()
            .map(|recording| RecordingView::new(recording, &files))
            .collect(),
        artefacts: artefacts.into_iter().map(ArtefactView::from).collect(),
    })
}

/// The transcripts of a meeting that count, with their cues: one for each recorded stretch, in order.
///
/// # Errors
/// The store cannot be read.
pub async fn transcripts(app: &App, id: InstanceId) -> Result<Vec<TranscriptView>, EngineError> {
    let mut views = Vec::new();
    for transcript in app.store().transcripts(app.scope(), id).await? {
        if transcript.current {
            views.push(self::transcript(app, transcript).await?);
        }
    }
    Ok(views)
}

/// A transcript with its cues.
///
/// # Errors
/// The store cannot be read.
pub async fn transcript(app: &App, transcript: Transcript) -> Result<TranscriptView, EngineError> {
    let cues = cues(app, &transcript).await?;
    Ok(TranscriptView::new(transcript, cues))
}

async fn cues(app: &App, transcript: &Transcript) -> Result<Vec<Cue>, EngineError> {
    let mut cues: Vec<Cue> = Vec::new();
    loop {
        let from = cues.last().map_or(1, |cue| cue.n.saturating_add(1));
        let piece = app
            .store()
            .cues(app.scope(), transcript.id, from, CUES_AT_ONCE)
            .await?;
        if piece.is_empty() {
            return Ok(cues);
        }
        cues.extend(piece);
    }
}

/// The chat of a meeting.
///
/// # Errors
/// The store cannot be read.
pub async fn chat(app: &App, id: InstanceId) -> Result<Vec<ChatMessageView>, EngineError> {
    Ok(app
        .store()
        .chat(app.scope(), id)
        .await?
        .into_iter()
        .map(ChatMessageView::from)
        .collect())
}

/// Searches titles, what was said and written, and what was found; days in the query are days in UTC.
///
/// # Errors
/// The query or the cursor cannot be read, or the store cannot.
pub async fn search(app: &App, query: &str, page: &PageRequest) -> Result<SearchView, EngineError> {
    let wanted = Wanted {
        limit: page.limit,
        after: page.after.as_deref(),
        ..Wanted::new(query)
    };
    search_for(app, &wanted).await
}

/// The same, as asked.
///
/// # Errors
/// The query or the cursor cannot be read, or the store cannot.
pub async fn search_for(app: &App, wanted: &Wanted<'_>) -> Result<SearchView, EngineError> {
    Ok(parfocal_engine::search::search_for(app, wanted, None)
        .await?
        .into())
}
